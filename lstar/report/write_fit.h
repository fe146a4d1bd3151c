// The files of fitted forms. Each appears whole or not at all, and no other run's file is replaced.
#pragma once

#include <string>
#include <vector>

#include "lstar/report/write_study.h"
#include "lstar/study/fit_study.h"

namespace lstar {

// Writes to `folder`, which is made if need be, l_star_fit_<timestamp>.json and in each format
// l_star_residuals_<timestamp>; names and errors are as with write_study().
Result<StudyFiles> write_fit(const FitStudy&, const std::string& folder, const std::string& timestamp,
                             const std::vector<FigureFormat>& formats);

}  // namespace lstar
