#include <fmt/format.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "lstar/study/study.h"

namespace lstar {
namespace {

Result<Prompt> json_prompt(std::string_view line, const std::string& path, int number) {
  const std::string at = fmt::format("line {}", number);
  auto document = JsonDocument::parse(line, path);
  if (!document) {
    Error error = std::move(document).error();
    error.at = at;
    return fail(std::move(error));
  }
  Prompt prompt;
  prompt.text = json_string(document->root(), "text");
  const auto listed = json_find(document->root(), "token_ids");
  if (prompt.text && listed) return fail({.what = "both text and token_ids", .file = path, .at = at});
  if (prompt.text) return prompt;
  simdjson::dom::array ids;
  if (!listed || listed->get_array().get(ids))
    return fail({.what = "no prompt in this object", .file = path, .at = at, .expected = "\"text\" or \"token_ids\""});
  for (Json item : ids) {
    int64_t id = 0;
    if (item.get_int64().get(id) || id < 0 || id > INT32_MAX)
      return fail({.what = "not a token id", .file = path, .at = at, .found = json_shown(item, 40)});
    prompt.ids.push_back(static_cast<int32_t>(id));
  }
  return prompt;
}

}  // namespace

// A line that opens an object is JSON; any other is a prompt as it stands. Empty lines are skipped.
Result<std::vector<Prompt>> read_prompts(const std::string& path) {
  LSTAR_ASSIGN(const std::string content, read_file(path));
  std::vector<Prompt> prompts;
  int number = 0;
  const size_t mark = content.starts_with("\xef\xbb\xbf") ? 3 : 0;  // a byte order mark is not text
  for (size_t begin = mark; begin < content.size();) {
    size_t end = content.find('\n', begin);
    if (end == std::string::npos) end = content.size();
    std::string_view line(content.data() + begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.starts_with('{')) {
      LSTAR_ASSIGN(Prompt prompt, json_prompt(line, path, number));
      prompts.push_back(std::move(prompt));
    } else {
      prompts.push_back({.text = std::string(line), .ids = {}});
    }
  }
  if (prompts.empty()) return fail({.what = "no prompts", .file = path});
  return prompts;
}

}  // namespace lstar
