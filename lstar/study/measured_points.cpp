#include "lstar/study/measured_points.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "lstar/base/limits.h"

namespace lstar {
namespace {

constexpr size_t kMostModels = 1'000;  // noise is drawn for each

int within(const Reported<int64_t>& value, int most) {
  const int64_t given = value.value.value_or(0);
  return given >= 1 && given <= most ? static_cast<int>(given) : 0;
}

// Why a model is no point of a fit; empty where it is one.
std::string why_none(const ReportedModel& model, const ReportedEstimate* estimate, int layers, int heads) {
  if (model.error.value) return "failed: " + *model.error.value;
  if (model.same_as.value) return "the same checkpoint as " + *model.same_as.value;
  if (layers < 2 || heads < 1) return "the result does not say its layers and heads";
  if (!estimate) return "the result has no L* of it by this estimator";
  if (!estimate->score.l_star.value) return "no L*: " + estimate->score.reason.value.value_or("no reason is given");
  if (*estimate->score.l_star.value < 0 || *estimate->score.l_star.value > layers) return "its L* is no layer";
  return {};
}

// Over how many prompts its L* is a mean.
int prompts_of(const ReportedEstimate& estimate) {
  const auto& each = estimate.l_star_per_prompt.value;
  if (!each) return 1;
  const auto found = std::count_if(each->begin(), each->end(), [](const auto& layer) { return layer.has_value(); });
  return static_cast<int>(std::max<std::ptrdiff_t>(1, found));
}

Result<void> add(const ResultFile& result, MeasuredPoints& all, std::set<std::string>& taken) {
  const bool has_it = std::any_of(result.summaries.begin(), result.summaries.end(),
                                  [&](const ReportedSummary& s) { return s.estimator == all.estimator; });
  if (!has_it)
    return fail({.kind = ErrorKind::missing,
                 .what = fmt::format("no L* by {}; its run's folder or store can be asked", all.estimator),
                 .file = result.source});
  for (const ReportedModel& model : result.models) {
    if (!taken.insert(model.name).second) continue;
    const auto found = std::find_if(model.estimates.begin(), model.estimates.end(),
                                    [&](const ReportedEstimate& e) { return e.score.estimator == all.estimator; });
    const ReportedEstimate* estimate = found == model.estimates.end() ? nullptr : &*found;
    const int layers = within(model.layers, limits::kLayers), heads = within(model.heads, limits::kHeads);
    std::string lab = model.lab.value.value_or("unknown");
    if (std::string reason = why_none(model, estimate, layers, heads); !reason.empty()) {
      all.left_out.push_back({model.name, std::move(reason), std::move(lab), layers, model.gain.value});
      continue;
    }
    all.models.push_back({.model = model.name,
                          .point = {.layers = layers,
                                    .heads = heads,
                                    .l_star = *estimate->score.l_star.value,
                                    .lab = std::move(lab),
                                    .prompts = prompts_of(*estimate)},
                          .gain = model.gain.value,
                          .is_resolved = estimate->score.resolved.value.value_or(false)});
  }
  if (all.models.size() <= kMostModels) return {};
  return fail({.kind = ErrorKind::unsupported,
               .what = "too many models",
               .file = result.source,
               .expected = fmt::format("at most {}", kMostModels)});
}

}  // namespace

Result<MeasuredPoints> measured_points(std::span<const ResultFile> results, const std::string& estimator) {
  MeasuredPoints all{.estimator = estimator};
  std::set<std::string> taken;
  for (const ResultFile& result : results) {
    if (all.estimator.empty() && !result.summaries.empty()) all.estimator = result.summaries.front().estimator;
    const std::string detector = result.detector.value.value_or("an unknown detector");
    if (all.sources.empty()) all.detector = detector;
    if (detector != all.detector)
      return fail({.kind = ErrorKind::argument,
                   .what = "L* of different detectors are never mixed",
                   .file = result.source,
                   .expected = all.detector,
                   .found = detector});
    all.sources.push_back(result.source);
    LSTAR_TRY(add(result, all, taken));
  }
  return all;
}

}  // namespace lstar
