// What `lstar detect` reads and shows: traces made elsewhere, and L* by every detector.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lstar/analysis/detectors.h"
#include "lstar/base/result.h"

namespace lstar {

using NamedTrace = std::pair<std::string, std::vector<double>>;

// A JSON array of numbers (one trace, named "trace"), or an object of named arrays; null is NaN.
Result<std::vector<NamedTrace>> read_traces(const std::string& path);

std::string detections_text(const std::vector<NamedTrace>&, NanPolicy, bool colour);
// {"name": {"argmax_step": 7, "sign_change": 3, "central_difference": null}}
std::string detections_json(const std::vector<NamedTrace>&, NanPolicy);

}  // namespace lstar
