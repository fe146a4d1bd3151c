#include "lstar/study/prompts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include <fmt/core.h>

#include "lstar/base/catch_memory.h"
#include "lstar/base/text.h"
#include "lstar/base/text_file.h"
#include "lstar/study/prompt_readers.h"
#include "lstar/study/study.h"

namespace lstar {
namespace {

// A line that means to be an object with a prompt, whether or not it is well-formed.
bool opens_record(std::string_view line) {
  if (!line.starts_with('{')) return false;
  line.remove_prefix(1);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  for (std::string_view key : {"text", "prompt", "token_ids", "input_ids", "messages", "id"}) {
    std::string_view rest = line;
    const std::string quoted = fmt::format("\"{}\"", key);
    if (!rest.starts_with(quoted)) continue;
    rest.remove_prefix(quoted.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (rest.starts_with(':')) return true;
  }
  return false;
}

struct Line {
  int number = 0;
  std::string_view text;
  bool is_json = false;  // an object, a list or a text
};

std::vector<Line> lines_of(std::string_view content) {
  std::vector<Line> lines;
  int number = 0;
  for (std::string_view rest = content; !rest.empty();) {
    Line line{.number = ++number, .text = next_line(rest)};
    if (is_blank(line.text)) continue;
    const size_t first = line.text.find_first_not_of(" \t");
    line.is_json = first != std::string_view::npos && std::string_view("{[\"").find(line.text[first]) < 3 &&
                   JsonDocument::parse(line.text, "").has_value();
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

std::span<const PromptFormat> prompt_formats() {
  static const std::array<PromptFormat, 6> formats{{
      {"JSON or JSON Lines", {".json", ".jsonl", ".ndjson", ".jsonlines"}, read_json_prompts, ""},
      {"CSV", {".csv"}, read_csv_prompts, ""},
      {"TSV", {".tsv", ".tab"}, read_tsv_prompts, ""},
      {"YAML", {".yaml", ".yml"}, nullptr, "YAML is not read; write its texts as JSON Lines"},
      {"TOML", {".toml"}, nullptr, "a study's manifest; it goes behind --manifest"},
      {"text", {}, read_text_prompts, ""},
  }};
  return formats;
}

Result<PromptFile> read_text_prompts(std::string_view content, const std::string& source) {
  if (looks_like_table(content)) return read_table_prompts(content, source);
  const size_t first = content.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && (content[first] == '[' || content[first] == '{'))
    if (JsonDocument::parse(content, source)) return read_json_prompts(content, source);
  const std::vector<Line> lines = lines_of(content);
  const auto is_json = [](const Line& line) { return line.is_json; };
  if (!lines.empty() && std::all_of(lines.begin(), lines.end(), is_json)) return read_json_prompts(content, source);
  const auto is_object = [](const Line& line) {
    return line.is_json && line.text.find_first_not_of(" \t") == line.text.find('{');
  };
  const bool has_objects = std::any_of(lines.begin(), lines.end(), is_object);
  PromptFile file{.prompts = {}, .format = has_objects ? "lines of text and of JSON" : "lines of text"};
  for (const Line& line : lines) {
    const std::string at = fmt::format("line {}", line.number);
    if (is_object(line)) {
      LSTAR_ASSIGN(const JsonDocument document, JsonDocument::parse(line.text, source));
      LSTAR_ASSIGN(Prompt prompt, json_prompt(document.root(), source, at));
      file.prompts.push_back(std::move(prompt));
    } else if (opens_record(line.text)) {
      Error error = JsonDocument::parse(line.text, source).error();
      error.at = at;
      return fail(std::move(error));
    } else {
      file.prompts.push_back({.text = std::string(line.text), .ids = {}});
    }
  }
  return file;
}

Result<std::vector<int32_t>> parse_token_ids(std::string_view text, const std::string& file, const std::string& at) {
  constexpr std::string_view kBetween = " ,\t\r\n";
  const auto trim = [&](std::string_view piece) {
    const size_t first = std::min(piece.find_first_not_of(kBetween), piece.size());
    return piece.substr(first, piece.find_last_not_of(kBetween) + 1 - first);
  };
  std::string_view rest = trim(text);
  if (rest.starts_with('[') && rest.ends_with(']')) rest = trim(rest.substr(1, rest.size() - 2));
  std::vector<int32_t> ids;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find_first_of(kBetween));
    int32_t id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || end != word.data() + word.size() || id < 0)
      return fail({.kind = file.empty() ? ErrorKind::argument : ErrorKind::malformed,
                   .what = "not a token id",
                   .file = file,
                   .at = at,
                   .found = std::string(word.substr(0, 40))});
    ids.push_back(id);
    rest = trim(rest.substr(word.size()));
  }
  if (ids.empty())
    return fail({.kind = file.empty() ? ErrorKind::argument : ErrorKind::malformed,
                 .what = "no token ids",
                 .file = file,
                 .at = at});
  return ids;
}

namespace {

Result<PromptFile> parse(std::string_view content, const std::string& name) {
  LSTAR_TRY(check_text(content, name));
  content = without_mark(content);
  const std::string opening = lower_ascii(content.substr(0, 512));
  const std::string_view first =
      std::string_view(opening).substr(std::min(opening.find_first_not_of(" \t\r\n"), opening.size()));
  if (first.starts_with("<!doctype html") || first.starts_with("<html"))
    return fail({.kind = ErrorKind::unsupported, .what = "an HTML page; save its text", .file = name});
  if (first.starts_with("<?xml"))
    return fail(
        {.kind = ErrorKind::unsupported, .what = "an XML document; write its texts as JSON Lines", .file = name});
  const std::string extension = lower_ascii(std::filesystem::path(name).extension().string());
  for (const PromptFormat& format : prompt_formats()) {
    const auto& known = format.extensions;
    if (!known.empty() && std::find(known.begin(), known.end(), extension) == known.end()) continue;
    if (!format.read) return fail({.kind = ErrorKind::unsupported, .what = std::string(format.refusal), .file = name});
    if (is_blank(content)) break;
    LSTAR_ASSIGN(PromptFile file, format.read(content, name));
    if (file.prompts.empty()) break;
    return file;
  }
  return fail({.what = "no prompts", .file = name});
}

constexpr std::string_view kReading = "reading the prompts: several smaller files take less";

}  // namespace

Result<PromptFile> parse_prompts(std::string_view content, const std::string& name) {
  return catch_memory(kReading, name, [&] { return parse(content, name); });
}

Result<PromptFile> read_prompt_file(const std::string& path) {
  return catch_memory(kReading, path, [&]() -> Result<PromptFile> {
    LSTAR_ASSIGN(const std::string content, read_text_file(path));
    return parse(content, path);
  });
}

}  // namespace lstar
