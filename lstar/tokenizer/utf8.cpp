#include "lstar/tokenizer/utf8.h"

#include <simdjson.h>

namespace lstar {

std::optional<std::string> repair_utf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::nullopt;
  std::string out;
  out.reserve(text.size() + 16);
  while (!text.empty()) {
    const DecodedCharacter character = first_character(text);
    out += character.valid ? text.substr(0, character.bytes) : "\xef\xbf\xbd";
    text.remove_prefix(character.bytes);
  }
  return out;
}

}  // namespace lstar
