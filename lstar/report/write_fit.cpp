#include "lstar/report/write_fit.h"

#include "lstar/base/atomic_file.h"
#include "lstar/report/figures/figure_residuals.h"
#include "lstar/report/json/fit_json.h"
#include "lstar/report/write_figure.h"

namespace lstar {
namespace {

constexpr const char *kFit = "l_star_fit", *kResiduals = "l_star_residuals";

}  // namespace

Result<StudyFiles> write_fit(const FitStudy& study, const std::string& folder, const std::string& timestamp,
                             const std::vector<FigureFormat>& formats) {
  LSTAR_TRY(make_writable_folder(folder));
  FileNames names(folder, timestamp, {kFit, kResiduals});
  const std::string wanted = names.json();
  LSTAR_TRY(names.claim(write_json(fit_json(study))));
  StudyFiles files;
  files.written.push_back(names.json());
  if (files.written[0] != wanted) files.other_run = wanted;
  LSTAR_TRY(write_figure(residuals_figure(study), kResiduals, formats, names, files));
  return files;
}

}  // namespace lstar
