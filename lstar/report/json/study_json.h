// The result of a study as JSON: the notebook's keys with the notebook's meanings for the headline estimator,
// `by_estimator` with the same block for each, and all that is needed to see the result again (docs/results.md). Texts
// and token ids stand once, and of many prompts (detail.h) only the mean of their traces. Pure; the same result gives
// the same bytes.
#pragma once

#include <string>

#include "lstar/report/json/json_writer.h"
#include "lstar/study/study.h"

namespace lstar {

// `per_head`: what was seen of each head too, as its mean over prompts.
JsonValue study_json(const StudyResult&, bool per_head = false);
std::string study_json_text(const StudyResult&, bool per_head = false);

}  // namespace lstar
