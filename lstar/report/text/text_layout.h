// Text for a terminal: UTF-8 made valid, measured in columns, padded, shortened, and set in tables. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lstar {

inline constexpr int kColumns = 100;     // of what is printed: a terminal's width
inline constexpr int kNameColumns = 50;  // of a name in prose

// The text on one line: malformed bytes replaced, control characters as spaces.
std::string one_line(std::string_view text);

// The text with a box in place of every character that DejaVu Sans, the font of the figures, has no glyph for: a
// renderer without one draws what it likes.
std::string drawable(std::string_view text);

// Columns a terminal gives to the text: combining marks take none, East Asian wide characters two.
int display_width(std::string_view text);

// At most `width` columns; what is cut off leaves an ellipsis.
std::string shorten(std::string_view text, int width);
// The same for names, which are told apart by how they end: what is cut is their middle.
std::string shorten_name(std::string_view name, int width);
// Prose with names in it: each word, between spaces, as shorten_name() has it.
std::string shorten_words(std::string_view text, int width);

// The text broken at spaces into lines of at most `width` columns, each opened by `indent` spaces, the first by
// `first`.
std::string wrap(std::string_view text, int width, std::string_view first, int indent);

// Colours that a terminal shows; with `on` false, text passes through unchanged.
struct Paint {
  bool on = false;
  std::string bold(std::string_view text) const { return code("1", text); }
  std::string dim(std::string_view text) const { return code("2", text); }
  std::string red(std::string_view text) const { return code("31", text); }
  std::string yellow(std::string_view text) const { return code("33", text); }

 private:
  std::string code(std::string_view sgr, std::string_view text) const;
};

// Rows of cells set in aligned columns under a head. A column is as wide as its widest cell; where the table would be
// wider than `width`, the first column gives way.
class TextTable {
 public:
  enum class Align { left, right };
  void column(std::string head, Align align = Align::right);
  void row(std::vector<std::string> cells);  // at most one a column
  std::string str(int width, std::string_view indent, const Paint&) const;

 private:
  std::vector<std::string> head_;
  std::vector<Align> align_;
  std::vector<std::vector<std::string>> rows_;
};

// "7.9", or "-" for none.
std::string fixed(std::optional<double> value, int digits);
std::string percent(std::optional<double> value);  // "7.9%", or "-"

// "1 prompt", "2 prompts".
std::string counted(int64_t count, const char* thing);

}  // namespace lstar
