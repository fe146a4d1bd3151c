#include <sys/stat.h>

#include <map>
#include <utility>

#include "lstar/base/catch_memory.h"
#include "lstar/base/worker_pool.h"
#include "lstar/study/open_model.h"
#include "lstar/study/study.h"

namespace lstar {
namespace {

Result<std::string> located(const ModelEntry& entry, const RunOptions& options) {
  if (options.locate) return options.locate(entry);
  return entry.path;
}

Result<ModelResult> run_model(const Study& study, const ModelEntry& entry, const std::string& path,
                              const RunOptions& options, const MeasureOptions& measuring,
                              const std::shared_ptr<WorkerPool>& pool) {
  LSTAR_ASSIGN(Measurement measurement, measure(path, study.prompts, measuring,
                                                {.name = entry.name, .pool = pool, .on_step = measuring.on_step}));
  if (!entry.written_path.empty()) measurement.identity.path = entry.written_path;
  LSTAR_ASSIGN(ModelResult model, evaluate_model(study, entry, std::move(measurement)));
  if (options.strict) LSTAR_TRY(refuse_warnings(model.measurement.warnings, entry.path));
  return model;
}

// The folder or file behind a path, whatever it is called; none where there is none.
std::optional<std::pair<dev_t, ino_t>> place_of(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return std::pair(status.st_dev, status.st_ino);
}

Result<StudyResult> run(const Study& study, const RunOptions& options) {
  const auto goes_on = [&] { return !options.goes_on || options.goes_on(); };
  MeasureOptions measuring{.numerics = {.dtype = study.dtype, .head_layout = study.head_layout},
                           .wants = Want::residual_norm,
                           .hash_files = options.hash_files,
                           .hash_memory = options.hash_memory,
                           .on_step = [&](const Step& step) {
                             const bool on = !options.on_step || options.on_step(step);
                             return on && goes_on();
                           }};
  const auto pool = std::make_shared<WorkerPool>(options.threads);
  for (const std::string& name : study.estimators) measuring.wants = measuring.wants | find_estimator(name)->wants;
  std::vector<Result<ModelResult>> models;
  std::map<std::pair<dev_t, ino_t>, size_t> places;  // of the models so far
  for (const ModelEntry& entry : study.models) {
    if (!goes_on()) {
      models.push_back(fail(cancelled()));
      continue;
    }
    if (options.begin) options.begin(entry);
    const auto path = located(entry, options);
    const auto place = path ? place_of(*path) : std::nullopt;
    std::optional<size_t> same;
    if (const auto found = place ? places.find(*place) : places.end(); found != places.end()) same = found->second;
    if (same && models[*same]) {  // measured already
      models.push_back(models[*same]);
    } else {
      models.push_back(path ? run_model(study, entry, *path, options, measuring, pool) : fail(path.error()));
      same.reset();
      for (size_t i = 0; models.back() && !same && i + 1 < models.size(); ++i)
        if (models[i] && same_checkpoint(models[i]->measurement, models.back()->measurement)) same = i;
      if (place) places.emplace(*place, models.size() - 1);
    }
    if (same && options.duplicate)
      options.duplicate(entry, study.models[*same].name);
    else if (!same && options.done)
      options.done(entry, models.back());
  }
  return evaluate(study, std::move(models), options.timestamp);
}

}  // namespace

Result<StudyResult> run_study(const Study& study, const RunOptions& options) {
  return catch_memory("running the study", [&] { return run(study, options); });
}

}  // namespace lstar
