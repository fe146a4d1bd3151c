// An audit as one JSON object. Pure.
#pragma once

#include <span>

#include "lstar/report/json/json_writer.h"
#include "lstar/study/audit.h"

namespace lstar {

// `measured` is null where the published numbers were held against themselves.
JsonValue audit_json(std::span<const Claim>, const MeasuredPoints* measured);

}  // namespace lstar
