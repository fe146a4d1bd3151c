// A folder with a tokenizer's files other than tokenizer.json alone: vocab.txt, tokenizer.model, vocab.json and
// merges.txt, and the settings beside them. The input is the files one after the other, each behind a line
// "%%%% NAME".
#include "fuzz/tokens.h"

namespace lstar::fuzz {
namespace {

constexpr std::string_view kNames[]{"vocab.txt",   "tokenizer.model",       "vocab.json",
                                    "merges.txt",  "tokenizer_config.json", "special_tokens_map.json",
                                    "config.json", "added_tokens.json",     "tokenizer.json"};

void run(std::string_view input) {
  static const MemoryFolder folder;
  const WrittenFiles files(folder, input, kNames);
  const auto tokenizer = open_tokenizer({.folder = folder.path()});
  if (succeeded(tokenizer)) encode_some(*tokenizer, input);
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
