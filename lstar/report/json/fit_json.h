// Fitted forms as one JSON object. Pure.
#pragma once

#include "lstar/report/json/json_writer.h"
#include "lstar/study/fit_study.h"

namespace lstar {

JsonValue fit_json(const FitStudy&);

}  // namespace lstar
