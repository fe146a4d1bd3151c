#include "lstar/tokenizer/utf8.h"

#include <simdjson.h>

namespace lstar {

namespace {

struct Sequence {
  size_t bytes;  // of a character, or of the maximal part of one
  bool valid;
};

Sequence sequence_at(std::string_view text, size_t position) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[position + i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xc2 || lead > 0xf4) return {1, false};
  const size_t wanted = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte is narrower after four leads: no overlong forms, no surrogates, nothing past U+10FFFF.
  const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  size_t bytes = 1;
  while (bytes < wanted && position + bytes < text.size()) {
    const unsigned next = byte(bytes);
    if (bytes == 1 ? next < low || next > high : next < 0x80 || next > 0xbf) break;
    ++bytes;
  }
  return {bytes, bytes == wanted};
}

}  // namespace

std::optional<std::string> repair_utf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::nullopt;
  std::string out;
  out.reserve(text.size() + 16);
  for (size_t i = 0; i < text.size();) {
    const Sequence sequence = sequence_at(text, i);
    if (sequence.valid)
      out.append(text, i, sequence.bytes);
    else
      out.append("\xef\xbf\xbd");
    i += sequence.bytes;
  }
  return out;
}

}  // namespace lstar
