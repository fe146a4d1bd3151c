// The figures of a study, ready to be drawn (lstar/report/figures/gnuplot.h). `estimator` is an index into the study's
// estimators; 0 is the headline. Pure: the same result gives the same figure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lstar/report/figures/gnuplot.h"
#include "lstar/study/study.h"

namespace lstar {

// The notebook's two panels: predicted against measured L*, with the models named, and the error by lab. A model whose
// L* is not resolved is drawn hollow.
Figure cross_heritage_figure(const StudyResult&, size_t estimator = 0);

// Each model's trace by layer, mean and range over prompts, with L* and the prediction marked.
Figure traces_figure(const StudyResult&, size_t estimator = 0);

struct LabColour {
  std::string lab;
  std::string colour;  // "#E74C3C"
};

// One colour a lab, sorted by lab: the notebook's for its four labs and for labs that carry their names, the colours of
// a palette made for colour-blind readers for the others.
std::vector<LabColour> lab_colours(const StudyResult&);
std::vector<LabColour> lab_colours(const std::vector<std::string>& labs);  // each may be there several times

// The last part of a model's name, as figures show it: "pythia-160m" of "EleutherAI/pythia-160m".
std::string short_name(std::string_view model);

}  // namespace lstar
