// The files of a study. Each appears whole or not at all, and no other run's file is replaced.
#pragma once

#include <string>
#include <vector>

#include "lstar/report/figures/gnuplot.h"
#include "lstar/study/study.h"

namespace lstar {

struct StudyFiles {
  std::vector<std::string> written;  // paths, in order
  std::vector<Error> missing;        // figures that could not be drawn: the rest is written all the same
  std::string other_run;             // the file of another run in whose place these have a number; empty: none
};

// Writes to `folder`, which is made if need be, l_star_cross_heritage_<timestamp>.json and the tables
// l_star_cross_heritage_ (a row a model), l_star_prompts_ and l_star_traces_<timestamp>.csv, with `per_head` also
// l_star_heads_, and in each format l_star_cross_heritage_ and l_star_traces_<timestamp> as figures. Where files of
// that time are there already and hold another result, the names end in _2, _3, ...; the same result is written over
// itself. Fails if a file cannot be written.
Result<StudyFiles> write_study(const StudyResult&, const std::string& folder,
                               const std::vector<FigureFormat>& formats = {FigureFormat::png, FigureFormat::svg},
                               bool per_head = false);

// "DIR: l_star_cross_heritage_T.{json,csv,png}, l_star_prompts_T.csv, ...": what was written, for people.
std::string files_text(const std::vector<std::string>& paths);

}  // namespace lstar
