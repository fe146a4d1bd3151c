// A folder with a tokenizer's files other than tokenizer.json alone: vocab.txt, tokenizer.model, vocab.json and
// merges.txt, and the settings beside them. The input is the files one after the other, each behind a line
// "%%%% NAME".
#include <array>

#include "fuzz/tokens.h"

namespace lstar::fuzz {
namespace {

constexpr std::array<std::string_view, 9> kNames{"vocab.txt",   "tokenizer.model",       "vocab.json",
                                                 "merges.txt",  "tokenizer_config.json", "special_tokens_map.json",
                                                 "config.json", "added_tokens.json",     "tokenizer.json"};

void run(std::string_view input) {
  static const MemoryFolder folder;
  std::array<bool, kNames.size()> written{};
  constexpr std::string_view kMark = "%%%% ";
  for (size_t begin = input.find(kMark); begin != input.npos;) {
    const std::string_view rest = input.substr(begin + kMark.size());
    const size_t next = rest.find(kMark);
    const std::string_view part = rest.substr(0, next);
    const size_t line = std::min(part.find('\n'), part.size());
    const auto* name = std::find(kNames.begin(), kNames.end(), part.substr(0, line));
    if (name != kNames.end()) {
      folder.write(std::string(*name), part.substr(std::min(line + 1, part.size())));
      written[static_cast<size_t>(name - kNames.begin())] = true;
    }
    begin = next == rest.npos ? input.npos : begin + kMark.size() + next;
  }
  const auto tokenizer = open_tokenizer({.folder = folder.path()});
  if (succeeded(tokenizer)) encode_some(*tokenizer, input);
  for (size_t i = 0; i < kNames.size(); ++i)
    if (written[i]) folder.remove(std::string(kNames[i]));
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
