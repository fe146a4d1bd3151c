#include "lstar/study/evaluate_run.h"

#include <fmt/core.h>

#include "lstar/base/catch_memory.h"

namespace lstar {
namespace {

using Measurements = std::vector<Result<Measurement>>;

// The measurements with what is wanted, by a head layout that may be another than the run's.
StoredRun with_layout(StoredRun run, HeadLayout layout) {
  for (StoredOutcome& outcome : run.outcomes) {
    outcome.numerics.head_layout = layout;
    for (StoredControl& control : outcome.controls) control.outcome.numerics.head_layout = layout;
  }
  return run;
}

Result<Measurements> read(Store& store, const StoredRun& run, Wants wants, HeadLayout layout) {
  return store.read_run(with_layout(run, layout), wants);
}

// Which of the questions it is that the measurements have no answer to, and what to do.
Error not_kept(Store& store, const StoredRun& run, const Study& study, Error why) {
  std::string lacks, option;
  if (!read(store, run, wants_of(std::vector<std::string>{}), run.study.head_layout)) return why;  // whatever is asked
  for (const std::string& name : study.estimators) {
    if (!lacks.empty() || read(store, run, wants_of(std::vector<std::string>{name}), run.study.head_layout)) continue;
    lacks = fmt::format("what {} reads was not measured", name);
    option = "--estimator " + name;
  }
  if (lacks.empty() && study.head_layout != run.study.head_layout) {
    lacks = fmt::format("the norms of head layout {} were not kept", name(study.head_layout));
    option = fmt::format("--head-layout {}", name(study.head_layout));
  }
  if (lacks.empty()) return why;
  why.what = fmt::format("{}; the run's own command with {} and --store {} measures it", lacks, option, store.path());
  return why;
}

}  // namespace

Result<std::vector<Result<ModelResult>>> evaluate_models(Store& store, const StoredRun& run, const Study& study) {
  return catch_memory("evaluating a run", store.path(), [&]() -> Result<std::vector<Result<ModelResult>>> {
    LSTAR_TRY(check(study));
    auto measurements = read(store, run, wants_of(study), study.head_layout);
    if (!measurements) {
      if (measurements.error().kind != ErrorKind::missing) return fail(std::move(measurements).error());
      return fail(not_kept(store, run, study, std::move(measurements).error()));
    }
    std::vector<Result<ModelResult>> models;
    for (size_t i = 0; i < measurements->size(); ++i) {
      Result<Measurement>& m = (*measurements)[i];
      if (!m) {
        models.push_back(fail(std::move(m).error()));
        continue;
      }
      LSTAR_ASSIGN(const auto controls,
                   store.read_controls(with_layout(run, study.head_layout), i, wants_of(study.estimators)));
      models.push_back(evaluate_model(study, study.models[i], *std::move(m), controls));
      if (!models.back() && models.back().error().kind == ErrorKind::memory) return fail(models.back().error());
    }
    return models;
  });
}

Result<StudyResult> evaluate_run(const StoredRun& run, const Study& study, std::vector<Result<ModelResult>> models,
                                 std::string timestamp) {
  LSTAR_ASSIGN(StudyResult result, evaluate(study, std::move(models), std::move(timestamp)));
  result.run = run.digest;
  for (const StoredOutcome& outcome : run.outcomes)
    if (!outcome.error) result.numerics = outcome.key.numerics;
  return result;
}

}  // namespace lstar
