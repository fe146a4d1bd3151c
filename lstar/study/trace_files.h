// Traces that somebody else computed, or lstar before: what `lstar detect` reads. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

struct NamedTrace {
  std::string name;
  std::vector<double> trace, floor;  // (layers); no floor where the file has none
};

// JSON: an array of numbers (one trace, named "trace"), an object of named arrays, or what `lstar trace` and `lstar
// run` print. CSV, TSV or bare numbers: a column for each trace, under a header if there is one; or what `lstar trace
// --csv` prints. null, NaN, Infinity and an empty cell are no finite numbers. Names are unique.
Result<std::vector<NamedTrace>> parse_traces(std::string_view content, const std::string& source);

}  // namespace lstar
