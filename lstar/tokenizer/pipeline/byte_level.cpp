#include "lstar/tokenizer/pipeline/byte_level.h"

#include <array>
#include <cstdint>

#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

struct Table {
  std::array<uint16_t, 256> character{};           // of a byte
  std::array<int16_t, 256 + 68> byte{};            // of a character; -1 for none
  std::array<std::array<char, 2>, 256> spelled{};  // UTF-8 of the character
  std::array<uint8_t, 256> length{};
};

constexpr Table make_table() {
  Table table;
  table.byte.fill(-1);
  uint16_t next = 256;
  for (unsigned b = 0; b < 256; ++b) {
    const uint16_t c = stands_for_itself(b) ? static_cast<uint16_t>(b) : next++;
    table.character[b] = c;
    table.byte[c] = static_cast<int16_t>(b);
    table.length[b] = c < 0x80 ? 1 : 2;
    if (c < 0x80)
      table.spelled[b] = {static_cast<char>(c), 0};
    else
      table.spelled[b] = {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
  }
  return table;
}

constexpr Table kTable = make_table();

}  // namespace

void spell_bytes(std::string_view bytes, std::string& out) {
  out.clear();
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out.append(kTable.spelled[b].data(), kTable.length[b]);
  }
}

std::string unspell_bytes(std::string_view piece) {
  std::string out;
  for (size_t i = 0; i < piece.size();) {
    const CodePoint c = decode_utf8(piece, i);
    if (c.value < kTable.byte.size() && kTable.byte[c.value] >= 0)
      out.push_back(static_cast<char>(kTable.byte[c.value]));
    else
      out.append(piece, i, c.bytes);
    i += c.bytes;
  }
  return out;
}

}  // namespace lstar
