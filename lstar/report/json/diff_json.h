// The difference of two results as one JSON object. Pure.
#pragma once

#include <string>

#include "lstar/report/json/json_writer.h"
#include "lstar/study/result_diff.h"

namespace lstar {

JsonValue diff_json(const ResultDiff&);

}  // namespace lstar
