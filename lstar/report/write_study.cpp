#include "lstar/report/write_study.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "lstar/base/atomic_file.h"
#include "lstar/report/csv.h"
#include "lstar/report/figures/figure.h"
#include "lstar/report/json/study_json.h"
#include "lstar/report/trace_table.h"

namespace lstar {
namespace {

constexpr const char *kStudy = "l_star_cross_heritage", *kPrompts = "l_star_prompts", *kTraces = "l_star_traces",
                     *kHeads = "l_star_heads";

// A timestamp may be any text; in a file's name it keeps what is harmless there.
std::string for_file_name(std::string text) {
  for (char& c : text) {
    const bool harmless = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                          c == '-' || c == '.' || c == '+';
    if (!harmless) c = '_';
  }
  return text;
}

// The names of a study's files, of which the JSON is made first and claims the others.
class Names {
 public:
  Names(const std::string& folder, const std::string& timestamp)
      : folder_(folder), timestamp_(for_file_name(timestamp)) {}

  std::string path(std::string_view stem, std::string_view extension) const {
    const std::string number = number_ == 1 ? "" : fmt::format("_{}", number_);
    return (std::filesystem::path(folder_) / fmt::format("{}_{}{}.{}", stem, timestamp_, number, extension)).string();
  }
  bool is_taken() const {  // by files without the JSON that belongs to them
    std::error_code ignored;
    for (const char* extension : {"csv", "png", "svg", "pdf"})
      for (const char* stem : {kStudy, kPrompts, kTraces, kHeads})
        if (std::filesystem::exists(path(stem, extension), ignored)) return true;
    return false;
  }
  void next() { ++number_; }

 private:
  std::string folder_, timestamp_;
  int number_ = 1;
};

// Writes the JSON under the first name that is free, or that has the same JSON.
Result<Names> claim(Names names, const std::string& json) {
  constexpr int kMost = 10'000;  // runs of one second, or under one --deterministic-timestamp
  for (int i = 0; i < kMost; ++i, names.next()) {
    const std::string path = names.path(kStudy, "json");
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) {
      if (const auto there = read_file(path); there && *there == json) return names;
      continue;
    }
    if (names.is_taken()) continue;
    LSTAR_ASSIGN(const bool is_new, write_new_file(path, json));
    if (is_new) return names;
  }
  return fail(
      {.kind = ErrorKind::unreachable, .what = "too many runs of one time here", .file = names.path(kStudy, "json")});
}

}  // namespace

Result<StudyFiles> write_study(const StudyResult& result, const std::string& folder,
                               const std::vector<FigureFormat>& formats, bool per_head) {
  LSTAR_TRY(make_writable_folder(folder));
  const Names wanted(folder, result.timestamp);
  LSTAR_ASSIGN(const Names names, claim(wanted, study_json_text(result, per_head)));
  StudyFiles files;
  files.written.push_back(names.path(kStudy, "json"));
  if (files.written[0] != wanted.path(kStudy, "json")) files.other_run = wanted.path(kStudy, "json");
  const auto write = [&](const std::string& to, std::string_view content) -> Result<void> {
    // A run that is made again leaves what it finds the same, and what it does not find needs no name on its way.
    LSTAR_ASSIGN(const bool is_new, write_new_file(to, content));
    if (const auto there = is_new ? Result<std::string>(content) : read_file(to); !there || *there != content)
      LSTAR_TRY(write_file(to, content));
    files.written.push_back(to);
    return {};
  };
  std::vector<TracedModel> traced;
  for (const ModelResult& model : result.models) traced.push_back({model.entry.name, model.measurement, model.traces});
  LSTAR_TRY(write(names.path(kStudy, "csv"), study_csv(result)));
  LSTAR_TRY(write(names.path(kPrompts, "csv"), prompts_csv(result)));
  LSTAR_TRY(write(names.path(kTraces, "csv"), layers_csv(traced, /*texts=*/false)));
  if (per_head) LSTAR_TRY(write(names.path(kHeads, "csv"), heads_csv(traced)));
  if (result.models.empty()) return files;  // nothing to draw

  const Figure heritage = cross_heritage_figure(result), traces = traces_figure(result);
  for (const auto& [stem, figure] : {std::pair{kStudy, &heritage}, {kTraces, &traces}})
    for (const FigureFormat format : formats) {
      Result<std::string> drawn = draw(*figure, format);
      if (!drawn) {
        Error why = std::move(drawn).error();
        const bool known = std::any_of(files.missing.begin(), files.missing.end(),
                                       [&](const Error& e) { return e.message() == why.message(); });
        if (!known) files.missing.push_back(std::move(why));
        continue;
      }
      LSTAR_TRY(write(names.path(stem, name(format)), *drawn));
    }
  return files;
}

std::string files_text(const std::vector<std::string>& paths) {
  std::vector<std::pair<std::string, std::vector<std::string>>> stems;  // with their extensions
  for (const std::string& path : paths) {
    const std::filesystem::path file(path);
    const std::string stem = file.stem().string(), extension = file.extension().string();
    const auto found = std::find_if(stems.begin(), stems.end(), [&](const auto& s) { return s.first == stem; });
    auto& extensions =
        found == stems.end() ? stems.emplace_back(stem, std::vector<std::string>()).second : found->second;
    extensions.push_back(extension.empty() ? extension : extension.substr(1));
  }
  std::string text;
  for (const auto& [stem, extensions] : stems)
    text += fmt::format("{}{}.{}", text.empty() ? "" : ", ", stem,
                        extensions.size() == 1 ? extensions[0] : fmt::format("{{{}}}", fmt::join(extensions, ",")));
  const std::string folder = paths.empty() ? "" : std::filesystem::path(paths[0]).parent_path().string();
  return fmt::format("{}: {}", folder, text);
}

}  // namespace lstar
