#include "lstar/report/text/prompts_line.h"

#include <charconv>

#include <fmt/format.h>

#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr int kFirst = 60;

// Line breaks and tabs as they are written in a string, so that the first prompt is seen to have them.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 4 * kFirst)) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  return one_line(out);
}

template <class T>
std::optional<T> whole_number(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string prompts_line(const PromptsRead& read, const std::vector<Prompt>& prompts) {
  std::string line = fmt::format("{} prompt{}", prompts.size(), prompts.size() == 1 ? "" : "s");
  if (!read.file.empty()) {
    const std::string file = one_line(read.file == "-" ? "standard input" : read.file);
    line += read.count == prompts.size() ? fmt::format(" from {} ({})", file, one_line(read.format))
                                         : fmt::format(", {} of them from {} ({})", read.count, file, read.format);
  }
  if (prompts.empty()) return line;
  const Prompt& first = prompts.front();
  if (first.text) return line + fmt::format("; the first: \"{}\"", shorten(escaped(*first.text), kFirst));
  return line + shorten(fmt::format("; the first: ids {}", fmt::join(first.ids, " ")), kFirst);
}

JsonValue prompts_read_json(const PromptsRead& read, const std::optional<std::string>& first) {
  return {{"file", json_or_null(read.file)},
          {"format", json_or_null(read.format)},
          {"count", read.count},
          {"first", json_value(first)}};
}

std::string shown_id(const PromptId& id) { return shorten(escaped(id.text), 40); }

JsonValue json_value(const std::optional<PromptId>& id) {
  if (!id) return nullptr;
  if (!id->is_number) return id->text;
  if (const auto value = whole_number<int64_t>(id->text)) return *value;
  if (const auto value = whole_number<uint64_t>(id->text)) return *value;
  return json_digits(id->text);
}

}  // namespace lstar
