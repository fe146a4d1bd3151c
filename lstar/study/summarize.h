// What a study says of one estimator: the errors of its models, by lab and overall, beside simpler predictions and
// chance. Pure.
#pragma once

#include "lstar/study/study.h"

namespace lstar {

// `estimator` counts the study's. What `designs` drew is drawn once for all of them.
EstimatorSummary summarize(const StudyResult&, size_t estimator, NoiseDesigns& designs);

// Every estimator of the study by every detector against every formula, for those that look at more than one.
std::vector<FormulaComparison> compare_all(const StudyResult&, NoiseDesigns& designs);

}  // namespace lstar
