// A tokenizer.json, and some texts through what it describes.
#include "fuzz/tokens.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar::fuzz {
namespace {

void run(std::string_view text) {
  auto pipeline = parse_tokenizer_json(text, "tokenizer.json");
  if (!succeeded(pipeline) || !succeeded((*pipeline)->finish())) return;
  encode_some(Tokenizer(*std::move(pipeline)), text);
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
