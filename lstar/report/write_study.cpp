#include "lstar/report/write_study.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "lstar/base/atomic_file.h"
#include "lstar/report/csv.h"
#include "lstar/report/figures/figure.h"
#include "lstar/report/json/study_json.h"
#include "lstar/report/trace_table.h"
#include "lstar/report/write_figure.h"

namespace lstar {
namespace {

constexpr const char *kStudy = "l_star_cross_heritage", *kPrompts = "l_star_prompts", *kTraces = "l_star_traces",
                     *kHeads = "l_star_heads";

}  // namespace

Result<StudyFiles> write_study(const StudyResult& result, const std::string& folder,
                               const std::vector<FigureFormat>& formats, bool per_head) {
  LSTAR_TRY(make_writable_folder(folder));
  FileNames names(folder, result.timestamp, {kStudy, kPrompts, kTraces, kHeads});
  const std::string wanted = names.json();
  LSTAR_TRY(names.claim(study_json_text(result, per_head)));
  StudyFiles files;
  files.written.push_back(names.json());
  if (files.written[0] != wanted) files.other_run = wanted;
  const auto write = [&](const char* stem, std::string_view extension, std::string_view content) -> Result<void> {
    LSTAR_ASSIGN(std::string written, names.write(stem, extension, content));
    files.written.push_back(std::move(written));
    return {};
  };
  std::vector<TracedModel> traced;
  for (const ModelResult& model : result.models) traced.push_back({model.entry.name, model.measurement, model.traces});
  LSTAR_TRY(write(kStudy, "csv", study_csv(result)));
  LSTAR_TRY(write(kPrompts, "csv", prompts_csv(result)));
  LSTAR_TRY(write(kTraces, "csv", layers_csv(traced, /*texts=*/false)));
  if (per_head) LSTAR_TRY(write(kHeads, "csv", heads_csv(traced)));
  if (result.models.empty()) return files;  // nothing to draw

  const Figure heritage = cross_heritage_figure(result), traces = traces_figure(result);
  for (const auto& [stem, figure] : {std::pair{kStudy, &heritage}, {kTraces, &traces}})
    LSTAR_TRY(write_figure(*figure, stem, formats, names, files));
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
