// GPT-2's spelling of bytes as visible characters: a byte that is a printable Latin-1 character stands for itself, the
// other 68 are U+0100 onwards in order, so that a space is "Ġ" (U+0120).
#pragma once

#include <string>
#include <string_view>

namespace lstar {

// Replaces `out` by the spelling of `bytes`.
void spell_bytes(std::string_view bytes, std::string& out);

// The bytes that a piece of a byte-level vocabulary spells. A character that spells no byte stays as it is.
std::string unspell_bytes(std::string_view piece);

}  // namespace lstar
