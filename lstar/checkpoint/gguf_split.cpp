#include "lstar/checkpoint/gguf_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lstar {

std::string GgufPartName::path(int part) const { return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, part, count); }

std::optional<GgufPartName> parse_gguf_part_name(std::string_view path) {
  constexpr std::string_view kForm = "-00000-of-00000.gguf";  // a 0 for each digit
  if (path.size() < kForm.size()) return std::nullopt;
  const std::string_view end = path.substr(path.size() - kForm.size());
  const auto fits = [](char c, char form) { return form == '0' ? c >= '0' && c <= '9' : c == form; };
  if (!std::equal(end.begin(), end.end(), kForm.begin(), fits)) return std::nullopt;
  GgufPartName name{.prefix = std::string(path.substr(0, path.size() - kForm.size()))};
  std::from_chars(end.data() + 1, end.data() + 6, name.number);
  std::from_chars(end.data() + 10, end.data() + 15, name.count);
  if (name.number < 1 || name.number > name.count) return std::nullopt;
  return name;
}

}  // namespace lstar
