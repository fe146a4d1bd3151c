// What the targets of the tokenizers share: fixed texts and a piece of the input, encoded.
#pragma once

#include "fuzz/support.h"
#include "lstar/tokenizer/tokenizer.h"

namespace lstar::fuzz {

// The ids of a text, with nothing but ids of the vocabulary among them.
inline Result<std::vector<int32_t>> encode_one(const Tokenizer& tokenizer, std::string_view text, bool special) {
  auto ids = tokenizer.encode(text, special);
  if (!succeeded(ids)) return ids;
  const size_t count = tokenizer.size();
  for (const int32_t id : *ids) require(id >= 0 && static_cast<size_t>(id) < count, "an id is in the vocabulary");
  tokenizer.decode(*ids);
  return ids;
}

inline void encode_some(const Tokenizer& tokenizer, std::string_view input) {
  const std::string_view texts[] = {
      "",
      "Hello, world! It's 2024 and don't 12345 stop...",
      "  \n\t x\r\n  <s></s><unk>[CLS] a b c <|endoftext|>",
      "na\xc3\xafve caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x99\x82 e\xcc\x81\xcc\xa3 \xef\xac\x81 \xe2\x96\x81",
      "\xff\xfe\x80 \xe4\xb8 \xed\xa0\x80 \xf4\x90\x80\x80",
      input.substr(input.size() / 2, 100),
      input.substr(input.size() - std::min<size_t>(input.size(), 100)),
  };
  for (const std::string_view text : texts)
    for (const bool special : {true, false}) static_cast<void>(encode_one(tokenizer, text, special));
  for (const int32_t id : {INT32_MIN, -1, 0, 1, static_cast<int32_t>(tokenizer.size()), INT32_MAX}) tokenizer.piece(id);
}

}  // namespace lstar::fuzz
