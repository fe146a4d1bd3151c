#include "lstar/study/toml_limits.h"

#include <algorithm>

#include <fmt/core.h>

#include "lstar/base/limits.h"

namespace lstar {
namespace {

// Where a text in quotes ends that begins here: behind its closing quotes, or at the end of all.
size_t end_of_quoted(std::string_view text, size_t begin) {
  const char quote = text[begin];
  const std::string three(3, quote);
  const bool is_long = text.substr(begin).starts_with(three);
  size_t i = begin + (is_long ? 3 : 1);
  while (i < text.size()) {
    if (quote == '"' && text[i] == '\\') {
      i += 2;
    } else if (!is_long && (text[i] == quote || text[i] == '\n')) {
      return i + 1;
    } else if (is_long && text.substr(i).starts_with(three)) {
      i += 3;
      for (int more = 0; more < 2 && i < text.size() && text[i] == quote; ++more) ++i;  // they are of the text
      return i;
    } else {
      ++i;
    }
  }
  return text.size();
}

}  // namespace

Result<void> check_toml_depth(std::string_view text, const std::string& source) {
  int line = 1, open = 0, parts = 1;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    size_t end = i + 1;
    switch (c) {
      case '"':
      case '\'': end = std::min(end_of_quoted(text, i), text.size()); break;
      case '#': end = std::min(text.find('\n', i), text.size()); break;
      case '.': ++parts; break;
      case '[':
      case '{':
        ++open;
        parts = 1;
        break;
      case ']':
      case '}':
        open = std::max(0, open - 1);
        parts = 1;
        break;
      case '=':
      case ',':
      case '\n': parts = 1; break;
      default: break;
    }
    if (std::max(open, parts) > limits::kTomlDepth)
      return fail({.kind = ErrorKind::unsupported,
                   .what = open > parts ? "values nested too deep" : "a key of too many parts",
                   .file = source,
                   .at = fmt::format("line {}", line),
                   .expected = fmt::format("at most {}", limits::kTomlDepth)});
    line += static_cast<int>(
        std::count(text.begin() + static_cast<ptrdiff_t>(i), text.begin() + static_cast<ptrdiff_t>(end), '\n'));
    i = end;
  }
  return {};
}

}  // namespace lstar
