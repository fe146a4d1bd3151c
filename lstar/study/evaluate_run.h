// A run that a store keeps, evaluated again without a model: its measurements may be asked by other estimators, another
// detector, formula, head layout or seed than they were. The same questions give the same StudyResult.
#pragma once

#include <string>
#include <vector>

#include "lstar/study/store/store.h"
#include "lstar/study/study.h"

namespace lstar {

// What run_study makes of each model, in the order of the run's study. `study` is the run's with other questions: its
// models, prompts and dtype are what was measured. Fails where an array or norm that it asks for was not kept, with how
// to measure it.
Result<std::vector<Result<ModelResult>>> evaluate_models(Store&, const StoredRun&, const Study& study);

// The whole of it. `models` are those of evaluate_models.
Result<StudyResult> evaluate_run(const StoredRun&, const Study& study, std::vector<Result<ModelResult>> models,
                                 std::string timestamp);

}  // namespace lstar
