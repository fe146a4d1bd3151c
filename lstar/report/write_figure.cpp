#include "lstar/report/write_figure.h"

#include <algorithm>
#include <utility>

namespace lstar {

Result<void> write_figure(const Figure& figure, std::string_view stem, const std::vector<FigureFormat>& formats,
                          const FileNames& names, StudyFiles& files) {
  for (const FigureFormat format : formats) {
    Result<std::string> drawn = draw(figure, format);
    if (!drawn) {
      Error why = std::move(drawn).error();
      const bool known = std::any_of(files.missing.begin(), files.missing.end(),
                                     [&](const Error& e) { return e.message() == why.message(); });
      if (!known) files.missing.push_back(std::move(why));
      continue;
    }
    LSTAR_ASSIGN(std::string written, names.write(stem, name(format), *drawn));
    files.written.push_back(std::move(written));
  }
  return {};
}

}  // namespace lstar
