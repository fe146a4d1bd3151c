#include <sys/stat.h>

#include <chrono>
#include <map>
#include <utility>

#include "lstar/base/catch_memory.h"
#include "lstar/base/worker_pool.h"
#include "lstar/study/measure_controls.h"
#include "lstar/study/measure_missing.h"
#include "lstar/study/open_model.h"
#include "lstar/study/store/private_paths.h"
#include "lstar/study/study.h"

namespace lstar {
namespace {

Result<std::string> located(const ModelEntry& entry, const RunOptions& options) {
  if (options.locate) return options.locate(entry);
  return entry.path;
}

struct MeasuredModel {
  Measurement measurement;
  std::vector<ControlMeasurement> controls;
};

// The measurements of one model, kept where there is a store; `kept` is then what the run will say of it.
Result<MeasuredModel> measured(const Study& study, const ModelEntry& entry, const std::string& path,
                               const RunOptions& options, const MeasureOptions& measuring,
                               const std::shared_ptr<WorkerPool>& pool, RunModel& kept) {
  LSTAR_ASSIGN(OpenModel model,
               OpenModel::open(path, {.name = entry.name, .pool = pool, .on_step = measuring.on_step}));
  MeasuredModel all;
  if (!options.keep.store) {
    LSTAR_ASSIGN(Measurement measurement, model.measure(study.prompts, measuring));
    all.measurement = without_path(std::move(measurement), entry, path);
  } else {
    LSTAR_ASSIGN(KeptMeasurement found, measure_missing(model, study.prompts, measuring, options.keep));
    if (options.kept) options.kept(found.kept);
    all.measurement = without_path(std::move(found.measurement), entry, path);
    kept = {.key = std::move(found.key), .measurement = all.measurement};
  }
  if (!study.controls.any()) return all;
  LSTAR_ASSIGN(auto controls,
               measure_controls(model, study, all.measurement, kept.key.content, measuring, options, pool));
  for (MeasuredControl& one : controls) {
    auto& [control, measurement] = one.measured;
    if (measurement)
      measurement = without_path(*std::move(measurement), entry, path);
    else
      measurement = fail(without_path(std::move(measurement).error(), entry, path));
    if (options.keep.store) kept.controls.push_back({control, std::move(one.key), measurement});
    all.controls.push_back(std::move(one.measured));
  }
  return all;
}

Result<ModelResult> run_model(const Study& study, const ModelEntry& entry, const std::string& path,
                              const RunOptions& options, const MeasureOptions& measuring,
                              const std::shared_ptr<WorkerPool>& pool, RunModel& kept) {
  // One model too large for this machine never stops a study.
  return catch_memory(
      "measuring the model: fewer or shorter prompts take less", entry.path, [&]() -> Result<ModelResult> {
        LSTAR_ASSIGN(MeasuredModel all, measured(study, entry, path, options, measuring, pool, kept));
        LSTAR_ASSIGN(ModelResult model, evaluate_model(study, entry, std::move(all.measurement), all.controls));
        if (options.strict) LSTAR_TRY(refuse_warnings(model.measurement.warnings, entry.path));
        return model;
      });
}

// What was asked and what came of it, once its measurements are kept: the run's digest. Where one is not, for which
// there was an error already, there is no run either.
Result<std::string> keep_run(const Study& study, const std::vector<Result<ModelResult>>& models,
                             std::vector<RunModel> kept, const KeepOptions& keep, double seconds) {
  for (size_t i = 0; i < models.size(); ++i) {
    if (!models[i])
      kept[i] = {.key = {}, .measurement = fail(models[i].error())};
    else if (kept[i].key.content.empty())
      return std::string();
    for (const RunControl& one : kept[i].controls)
      if (one.measurement && one.key.content.empty()) return std::string();
  }
  Provenance provenance = keep.provenance;
  provenance.seconds = seconds;
  return keep.store->put_run(study, kept, provenance);
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
                           .wants = wants_of(study),
                           .hash_files = options.hash_files,
                           .hash_memory = options.hash_memory,
                           .on_step = [&](const Step& step) {
                             const bool on = !options.on_step || options.on_step(step);
                             return on && goes_on();
                           }};
  const auto pool = std::make_shared<WorkerPool>(options.threads);
  const auto began = std::chrono::steady_clock::now();
  std::vector<Result<ModelResult>> models;
  std::vector<RunModel> kept;                        // beside models
  std::map<std::pair<dev_t, ino_t>, size_t> places;  // of the models so far
  for (const ModelEntry& entry : study.models) {
    kept.emplace_back();
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
      kept.back() = kept[*same];
    } else {
      models.push_back(path ? run_model(study, entry, *path, options, measuring, pool, kept.back())
                            : fail(path.error()));
      if (!models.back()) models.back() = fail(without_path(models.back().error(), entry, path.value_or(entry.path)));
      same = earlier_same(models, models.size() - 1);
      if (place) places.emplace(*place, models.size() - 1);
    }
    if (same && options.duplicate)
      options.duplicate(entry, study.models[*same].name);
    else if (!same && options.done)
      options.done(entry, models.back());
  }
  std::string digest;
  if (options.keep.store) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
    auto done = keep_run(study, models, std::move(kept), options.keep, spent.count());
    if (!done && options.not_kept) options.not_kept(done.error());
    if (done) digest = *std::move(done);
  }
  LSTAR_ASSIGN(StudyResult result, evaluate(study, std::move(models), options.timestamp));
  result.run = std::move(digest);
  return result;
}

}  // namespace

Result<StudyResult> run_study(const Study& study, const RunOptions& options) {
  return catch_memory("running the study", [&] { return run(study, options); });
}

}  // namespace lstar
