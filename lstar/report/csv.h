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

// The tables of a study. A cell holds one thing: a number, true or false, a name, or a sentence.
// One row a model and estimator; failed models with their error.
std::string study_csv(const StudyResult&);

// One row a model, prompt, estimator and detector: L* and what it is worth. A prompt that could not be run has the same
// rows, with its error; a model that could not has none.
std::string prompts_csv(const StudyResult&);

}  // namespace lstar
