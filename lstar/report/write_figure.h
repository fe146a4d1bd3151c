// A figure of a result in each format that was asked for, beside its other files.
#pragma once

#include <string_view>
#include <vector>

#include "lstar/report/figures/gnuplot.h"
#include "lstar/report/file_names.h"
#include "lstar/report/write_study.h"

namespace lstar {

// Adds to `files` what was written, and once each reason why a figure could not be drawn: the rest is written all the
// same. Fails if a file cannot be written.
Result<void> write_figure(const Figure&, std::string_view stem, const std::vector<FigureFormat>&, const FileNames&,
                          StudyFiles& files);

}  // namespace lstar
