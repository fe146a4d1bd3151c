// The JSON of a result, as lstar diff and report read it, held against itself and against one that says nothing.
#include "fuzz/support.h"
#include "lstar/base/json.h"
#include "lstar/report/json/diff_json.h"
#include "lstar/report/text/diff_text.h"
#include "lstar/study/measured_points.h"

namespace lstar::fuzz {
namespace {

void show(const ResultDiff& diff) {
  require(!diff_text(diff, true).empty(), "a difference is shown");
  require(JsonDocument::parse(write_json(diff_json(diff)), "shown").has_value(), "what is printed is JSON");
}

void run(std::string_view text) {
  const auto result = parse_result(text, "result");
  if (!succeeded(result)) return;
  const ResultDiff same = compare(*result, *result);
  require(!same.changed(), "a result is like itself");
  for (const NumberDiff& kind : same.numbers) require(kind.unequal == 0, "a number is like itself");
  show(same);
  const auto points = measured_points({&*result, 1}, "");
  if (succeeded(points))
    for (const MeasuredPoint& model : points->models) {
      const ModelPoint& point = model.point;
      require(point.layers >= 2 && point.heads >= 1 && point.prompts >= 1, "a point of a fit has a shape");
      require(point.l_star >= 0 && point.l_star <= point.layers, "its L* is a layer");
    }
  const ResultFile nothing{.source = "nothing"};
  show(compare(*result, nothing));
  show(compare(nothing, *result));
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
