// A file of prompts by each of its names. What is read has a text or ids, and a name decides alone how.
#include "lstar/study/prompts.h"
#include "fuzz/support.h"

namespace lstar::fuzz {
namespace {

void run(std::string_view text) {
  for (const char* name : {"p.txt", "p.jsonl", "p.csv", "p.tsv"}) {
    const auto file = parse_prompts(text, name);
    if (!succeeded(file)) continue;
    require(!file->prompts.empty(), "a file without prompts is refused");
    for (const Prompt& prompt : file->prompts)
      require(prompt.text.has_value() == prompt.ids.empty(), "a prompt is a text or ids");
  }
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
