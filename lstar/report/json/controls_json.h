// What a model's controls say, as JSON. docs/results.md names the keys.
#pragma once

#include "lstar/report/json/json_writer.h"
#include "lstar/study/study.h"

namespace lstar {

JsonValue controls_json(const ModelScore&);
JsonValue resolved_by_json(const ModelScore&);
JsonValue agreement_json(const std::optional<Agreement>&);

}  // namespace lstar
