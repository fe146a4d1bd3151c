// Comma-separated values: fields quoted where they must be, numbers that read back to the same double, an empty field
// for a number that does not exist. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lstar/study/study.h"

namespace lstar {

std::string csv_number(std::optional<double> value);
std::string csv_row(const std::vector<std::string>& cells);  // with its line break

// One row a model and estimator; failed models with their error.
std::string study_csv(const StudyResult&);

}  // namespace lstar
