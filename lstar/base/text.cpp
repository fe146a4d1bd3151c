#include "lstar/base/text.h"

#include <algorithm>

#include <simdjson.h>

namespace lstar {

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

void append_utf8(uint32_t c, std::string& out) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

bool is_unseen(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || (c >= 0xe0000 && c <= 0xe007f);
}

DecodedCharacter first_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xc2 || lead > 0xf4) return {0xfffd, 1, false};
  const size_t wanted = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte is narrower after four leads: no overlong forms, no surrogates, nothing past U+10FFFF.
  const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  uint32_t c = lead & (0x7fU >> wanted);
  size_t bytes = 1;
  while (bytes < wanted && bytes < text.size()) {
    const unsigned next = byte(bytes);
    if (bytes == 1 ? next < low || next > high : next < 0x80 || next > 0xbf) break;
    c = c << 6 | (next & 0x3f);
    ++bytes;
  }
  return bytes == wanted ? DecodedCharacter{c, bytes} : DecodedCharacter{0xfffd, bytes, false};
}

bool is_utf8(std::string_view bytes) { return simdjson::validate_utf8(bytes.data(), bytes.size()); }

std::optional<std::string> repair_utf8(std::string_view text) {
  if (is_utf8(text)) return std::nullopt;
  std::string out;
  out.reserve(text.size() + 16);
  while (!text.empty()) {
    const DecodedCharacter character = first_character(text);
    out += character.valid ? text.substr(0, character.bytes) : "\xef\xbf\xbd";
    text.remove_prefix(character.bytes);
  }
  return out;
}

std::string valid_utf8(std::string_view text) {
  std::optional<std::string> repaired = repair_utf8(text);
  return repaired ? *std::move(repaired) : std::string(text);
}

std::string one_plain_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (true) {
    const size_t plain = static_cast<size_t>(
        std::find_if_not(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }) - text.begin());
    line += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return line;
    const auto [c, bytes, valid] = first_character(text);
    if (valid)
      line += is_unseen(c) ? " " : text.substr(0, bytes);
    else
      for (const char byte : text.substr(0, bytes)) line += is_unseen(static_cast<unsigned char>(byte)) ? '?' : byte;
    text.remove_prefix(bytes);
  }
}

std::string_view without_mark(std::string_view content) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (content.starts_with(kMark)) content.remove_prefix(kMark.size());
  return content;
}

}  // namespace lstar
