// Writing JSON: shortest round-trip numbers, no NaN or Infinity; lists of numbers, and objects of a few keys that hold
// no others, on one line. Pure; the same value gives the same bytes.
#pragma once

#include <optional>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "lstar/analysis/detectors.h"
#include "lstar/study/measurement.h"

namespace lstar {

using JsonValue = nlohmann::ordered_json;

// null where there is no finite number.
JsonValue json_value(std::optional<double> value);
JsonValue json_value(std::optional<int> value);
JsonValue json_value(const std::optional<std::string>& value);
JsonValue json_array(std::span<const double> values);
JsonValue json_or_null(const std::string& value);  // null where empty

// {"layer": 7, "resolved": true, "margin": 0.21, "rule": "argmax_step", "reason": null, "broken_from": null}
JsonValue json_value(const Detection&);
// {"argmax_step": {...}, ...}; `found` is in the order of detectors().
JsonValue json_detections(std::span<const Detection> found);
// {"path": .., "revision": .., "format": .., "stored_dtype": .., "files": [{"file", "bytes", "sha256"}]}
JsonValue json_value(const Identity&);

// A number by its digits, which may be more than a double holds. They must be a number as JSON writes it.
JsonValue json_digits(const std::string& digits);

// The document, indented by two, ending in a line break. Text that is no UTF-8 has its bytes replaced.
std::string write_json(const JsonValue&);
// The same on one line.
std::string json_line(const JsonValue&);

}  // namespace lstar
