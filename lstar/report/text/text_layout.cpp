#include "lstar/report/text/text_layout.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/core.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "lstar/base/text.h"

namespace lstar {
namespace {

constexpr UChar32 kReplacement = 0xfffd;

void append(std::string& text, UChar32 c) {
  char bytes[U8_MAX_LENGTH];
  int32_t n = 0;
  U8_APPEND_UNSAFE(bytes, n, c);
  text.append(bytes, static_cast<size_t>(n));
}

// Calls f(code point, its bytes) for each character; malformed bytes come as U+FFFD.
template <class F>
void for_each_character(std::string_view text, F f) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const size_t length = text.size();
  for (size_t i = 0; i < length;) {
    const size_t begin = i;
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes, i, length, c);
    f(c, text.substr(begin, i - begin));
  }
}

int columns(UChar32 c) {
  if (c < 0x300) return 1;
  const int8_t type = u_charType(c);
  if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR) return 0;
  const int32_t width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_FULLWIDTH || width == U_EA_WIDE ? 2 : 1;
}

std::string padded(const std::string& cell, int width, bool right) {
  const int missing = std::max(0, width - display_width(cell));
  const std::string space(static_cast<size_t>(missing), ' ');
  return right ? space + cell : cell + space;
}

}  // namespace

std::string drawable(std::string_view text) {
  std::string drawn;
  for_each_character(text, [&](UChar32 c, std::string_view) {
    const bool has_glyph = c < 0x0700 || (c >= 0x1e00 && c < 0x2400) || (c >= 0x2500 && c < 0x27c0);
    append(drawn, has_glyph ? c : 0x25a1);
  });
  return drawn;
}

std::string one_line(std::string_view text) {
  std::string line;
  for_each_character(text,
                     [&](UChar32 c, std::string_view) { append(line, is_unseen(static_cast<uint32_t>(c)) ? ' ' : c); });
  return line;
}

int display_width(std::string_view text) {
  int width = 0;
  for_each_character(text, [&](UChar32 c, std::string_view) { width += columns(c); });
  return width;
}

std::string shorten(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  if (width <= 0) return {};
  std::string kept;
  int used = 0;
  bool full = false;
  for_each_character(text, [&](UChar32 c, std::string_view bytes) {
    full = full || used + columns(c) > width - 1;
    if (full) return;
    used += columns(c);
    kept += c == kReplacement ? "\ufffd" : bytes;
  });
  return kept + "…";
}

std::string shorten_name(std::string_view name, int width) {
  if (display_width(name) <= width) return std::string(name);
  if (width <= 0) return {};
  std::vector<std::pair<std::string, int>> characters;
  for_each_character(name, [&](UChar32 c, std::string_view bytes) {
    characters.emplace_back(c == kReplacement ? "\ufffd" : bytes, columns(c));
  });
  std::string begin, end;
  int left = width - 1;
  size_t last = characters.size();
  for (int of_end = left / 2; last > 0 && characters[last - 1].second <= of_end; --last) {
    of_end -= characters[last - 1].second;
    left -= characters[last - 1].second;
    end.insert(0, characters[last - 1].first);
  }
  for (size_t i = 0; i < last && characters[i].second <= left; ++i) {
    left -= characters[i].second;
    begin += characters[i].first;
  }
  return begin + "…" + end;
}

std::string shorten_words(std::string_view text, int width) {
  std::string out;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    out += shorten_name(text.substr(0, space), width);
    if (space < text.size()) out += ' ';
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out;
}

std::string wrap(std::string_view text, int width, std::string_view first, int indent) {
  std::string out(first), rest(static_cast<size_t>(indent), ' ');
  int used = display_width(first);
  bool line_is_empty = true;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    const std::string_view word = text.substr(i, text.find(' ', i) - i);
    const int needed = display_width(word) + (line_is_empty ? 0 : 1);
    if (!line_is_empty && used + needed > width) {
      out += '\n';
      out += rest;
      used = indent;
      line_is_empty = true;
    }
    if (!line_is_empty) out += ' ', ++used;
    out += word;
    used += display_width(word);
    line_is_empty = false;
    i += word.size();
  }
  return out + "\n";
}

std::string Paint::code(std::string_view sgr, std::string_view text) const {
  return on ? fmt::format("\x1b[{}m{}\x1b[0m", sgr, text) : std::string(text);
}

void TextTable::column(std::string head, Align align) {
  head_.push_back(std::move(head));
  align_.push_back(align);
}

void TextTable::row(std::vector<std::string> cells) {
  assert(cells.size() <= head_.size());
  cells.resize(head_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::str(int width, std::string_view indent, const Paint& paint) const {
  std::vector<int> widths;
  for (const std::string& head : head_) widths.push_back(display_width(head));
  for (const auto& row : rows_)
    for (size_t j = 0; j < row.size(); ++j) widths[j] = std::max(widths[j], display_width(row[j]));
  int total = display_width(indent);
  for (const int w : widths) total += w + 2;
  total -= 2;
  if (total > width) widths[0] = std::max(8, widths[0] - (total - width));

  std::string out;
  const auto line = [&](const std::vector<std::string>& cells, bool head) {
    std::string text;
    for (size_t j = 0; j < cells.size(); ++j) {
      if (j) text += "  ";
      const std::string cell = j == 0 ? shorten_name(cells[j], widths[j]) : cells[j];
      text += padded(cell, widths[j], align_[j] == Align::right);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += indent;
    out += head ? paint.bold(text) : text;
    out += '\n';
  };
  line(head_, true);
  for (const auto& row : rows_) line(row, false);
  return out;
}

std::string fixed(std::optional<double> value, int digits) {
  return value && std::isfinite(*value) ? fmt::format("{:.{}f}", *value, digits) : "-";
}

std::string percent(std::optional<double> value) { return value ? fixed(value, 1) + "%" : "-"; }

std::string counted(int64_t count, const char* thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace lstar
