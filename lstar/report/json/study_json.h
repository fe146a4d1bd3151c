// The result of a study as JSON: the notebook's keys with the notebook's meanings for the headline estimator,
// `by_estimator` with the same block for each, and all that is needed to see the result again. Pure; the same result
// gives the same bytes.
#pragma once

#include <string>

#include "lstar/report/json/json_writer.h"
#include "lstar/study/study.h"

namespace lstar {

JsonValue study_json(const StudyResult&);
std::string study_json_text(const StudyResult&);

}  // namespace lstar
