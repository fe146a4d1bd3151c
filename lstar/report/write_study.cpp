#include "lstar/report/write_study.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "lstar/base/atomic_file.h"
#include "lstar/report/csv.h"
#include "lstar/report/figure.h"
#include "lstar/report/study_json.h"

namespace lstar {
namespace {

// A timestamp may be any text; in a file's name it keeps what is harmless there.
std::string for_file_name(std::string text) {
  for (char& c : text) {
    const bool harmless = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                          c == '-' || c == '.' || c == '+';
    if (!harmless) c = '_';
  }
  return text;
}

}  // namespace

Result<StudyFiles> write_study(const StudyResult& result, const std::string& folder,
                               const std::vector<FigureFormat>& formats) {
  namespace fs = std::filesystem;
  LSTAR_TRY(make_folder(folder));

  StudyFiles files;
  const auto path = [&](const char* stem, std::string_view extension) {
    return (fs::path(folder) / fmt::format("{}_{}.{}", stem, for_file_name(result.timestamp), extension)).string();
  };
  const auto write = [&](const std::string& to, std::string_view content) -> Result<void> {
    LSTAR_TRY(write_file(to, content));
    files.written.push_back(to);
    return {};
  };
  LSTAR_TRY(write(path("l_star_cross_heritage", "json"), study_json_text(result)));
  LSTAR_TRY(write(path("l_star_cross_heritage", "csv"), study_csv(result)));
  if (result.models.empty()) return files;  // nothing to draw

  const Figure heritage = cross_heritage_figure(result), traces = traces_figure(result);
  for (const auto& [stem, figure] : {std::pair{"l_star_cross_heritage", &heritage}, {"l_star_traces", &traces}})
    for (const FigureFormat format : formats) {
      Result<std::string> drawn = draw(*figure, format);
      if (!drawn) {
        Error why = std::move(drawn).error();
        const bool known = std::any_of(files.missing.begin(), files.missing.end(),
                                       [&](const Error& e) { return e.message() == why.message(); });
        if (!known) files.missing.push_back(std::move(why));
        continue;
      }
      LSTAR_TRY(write(path(stem, name(format)), *drawn));
    }
  return files;
}

}  // namespace lstar
