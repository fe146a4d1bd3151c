// The table that a SentencePiece model brings its normalisation in: a double-array trie of byte strings, whose values
// are places in a list of replacements. Immutable once made; lookups are safe from several threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

class Charsmap {
 public:
  // The table's own bytes: the size of the trie in bytes, the trie, the replacements with a NUL behind each; numbers
  // are little-endian.
  static Result<Charsmap> make(std::string_view bytes);

  // The bytes that base64 text stands for, or nothing where it is none.
  static std::optional<std::string> decode_base64(std::string_view text);

  // Replaces characters as `tokenizers` does: a grapheme of at most five bytes is looked up whole, of others each
  // character, and the shortest entry that begins a lookup replaces all of what was looked up.
  // False where that makes more than `most` bytes.
  bool normalize(std::string_view text, size_t most, std::string& out) const;

 private:
  std::optional<std::string_view> replacement(std::string_view part) const;

  std::vector<uint32_t> trie_;
  std::string replacements_;
};

}  // namespace lstar
