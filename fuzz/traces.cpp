// The file of `lstar detect`, and what is shown of it.
#include "fuzz/support.h"
#include "lstar/base/json.h"
#include "lstar/report/detections.h"

namespace lstar::fuzz {
namespace {

void run(std::string_view text) {
  const auto traces = parse_traces(text, "traces");
  if (!succeeded(traces)) return;
  for (const NanPolicy policy : {NanPolicy::report, NanPolicy::propagate}) {
    for (const auto& [name, trace, floor] : *traces)
      for (const Detection& found : detect_all(trace, floor, policy))
        require(!found.layer || (*found.layer >= 0 && static_cast<size_t>(*found.layer) < trace.size()),
                "a layer is one of the trace's");
    require(!detections_text(*traces, policy, true).empty(), "a table is shown");
    require(JsonDocument::parse(detections_json(*traces, policy), "shown").has_value(), "what is printed is JSON");
  }
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
