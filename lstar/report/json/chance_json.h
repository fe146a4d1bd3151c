// What chance would have scored, as JSON. docs/results.md names the keys.
#pragma once

#include "lstar/report/json/json_writer.h"
#include "lstar/study/study.h"

namespace lstar {

JsonValue chance_json(const StudyChance&);
JsonValue comparisons_json(const StudyResult&);

// [low, high], or null.
JsonValue json_interval(const std::optional<Interval>&);

}  // namespace lstar
