#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lstar/analysis/chance.h"
#include "lstar/analysis/detectors.h"
#include "lstar/study/audit_claims.h"

namespace lstar {
namespace {

struct TraceKind {
  const char* name;
  std::vector<double> PublishedModelTraces::*trace;
};
constexpr TraceKind kOffDiagonal{"off_diagonal", &PublishedModelTraces::off_diagonal},
    kMultiHead{"multi_head", &PublishedModelTraces::multi_head};

std::span<const double> before_nan(const std::vector<double>& trace) {
  const auto broken = std::find_if(trace.begin(), trace.end(), [](double t) { return std::isnan(t); });
  return {trace.begin(), broken};
}
bool has_nan(const std::vector<double>& trace) { return before_nan(trace).size() < trace.size(); }

// By numpy's rule, to which the first NaN is the largest of all; and of the layers before it.
std::optional<int> numpy_layer(const char* detector, const std::vector<double>& trace) {
  return detect(*find_detector(detector), trace, {}, NanPolicy::propagate).layer;
}
std::optional<int> finite_layer(const char* detector, const std::vector<double>& trace) {
  return detect(*find_detector(detector), before_nan(trace), {}).layer;
}

double trace_mean(std::span<const double> trace) { return mean(trace); }

Claim trace_ratio(const Published& published) {
  Claim claim = stated(published, "trace-ratio", "");
  claim.no_chance = "two models; no distribution of such a ratio is defined";
  const auto find = [&](std::string_view model) -> const PublishedModelTraces* {
    for (const PublishedModelTraces& one : published.traces)
      if (bare_name(one.model) == model) return &one;
    return nullptr;
  };
  const PublishedModelTraces *gpt2 = find("gpt2"), *opt = find("opt-125m");
  if (!gpt2 || !opt) return claim;
  const double a = trace_mean(gpt2->multi_head), b = trace_mean(opt->multi_head),
               full = trace_mean(gpt2->off_diagonal) / trace_mean(opt->off_diagonal);
  claim.recomputed = a / b;
  claim.verdict = agrees_if(rounds_to(*claim.recomputed, *claim.published));
  claim.numbers = {
      {"GPT-2, mean over layers", a}, {"OPT-125m, mean over layers", b}, {"ratio of off_diagonal_trace", full}};
  claim.reason = fmt::format("the means over layers are {:.2f} and {:.2f}: {:.2f} times", a, b, *claim.recomputed);
  return claim;
}

// The traces of all models that are published with them.
std::vector<const PublishedModelTraces*> all_traces(const Published& published) {
  std::vector<const PublishedModelTraces*> all;
  for (const auto* list : {&published.traces, &published.more_traces})
    for (const PublishedModelTraces& one : *list) all.push_back(&one);
  return all;
}

const PublishedRow* row_of(const Published& published, const PublishedModelTraces& traces) {
  for (const PublishedRow& row : published.calibration)
    if (bare_name(row.model) == bare_name(traces.model)) return &row;
  return nullptr;
}

Claim calibration_l_star(const Published& published) {
  Claim claim = stated(published, "calibration-l-star", "");
  claim.claim = "L* of the calibration's models are where their traces change most";
  claim.published = static_cast<double>(published.calibration.size());
  int finite = 0, numpy = 0, off_diagonal = 0, multi_head = 0;
  std::string by_nan;
  for (const PublishedModelTraces* traces : all_traces(published)) {
    const PublishedRow* row = row_of(published, *traces);
    if (!row) continue;
    const auto l_star = static_cast<int>(row->point.l_star);
    bool found = false, found_finite = false, is_broken = false;
    for (const TraceKind& kind : {kOffDiagonal, kMultiHead}) {
      const std::vector<double>& trace = traces->*kind.trace;
      const auto with = numpy_layer("central_difference", trace), without = finite_layer("central_difference", trace);
      const std::string what = fmt::format("{}, published {}, {}: ", row->model, l_star, kind.name);
      claim.numbers.push_back({what + "numpy's rule", with});
      claim.numbers.push_back({what + "before the first NaN", without});
      found |= with == l_star;
      found_finite |= without == l_star;
      is_broken |= has_nan(trace);
      (kind.trace == kOffDiagonal.trace ? off_diagonal : multi_head) += with == l_star;
    }
    finite += found_finite;
    numpy += found;
    if (!is_broken || found_finite) continue;
    const auto without = finite_layer("central_difference", traces->off_diagonal),
               without_heads = finite_layer("central_difference", traces->multi_head);
    by_nan += fmt::format("{}{} ({} is one before its first NaN; without it {} and {})", by_nan.empty() ? "" : ", ",
                          row->model, l_star, without.value_or(-1), without_heads.value_or(-1));
  }
  claim.recomputed = finite;
  claim.verdict = agrees_if(finite == static_cast<int>(published.calibration.size()));
  claim.reason = fmt::format(
      "{} of {} by central_difference on what is finite of one trace or the other; with numpy's NaN rule {} ({} in "
      "off_diagonal_trace, {} in multi_head_trace)",
      finite, published.calibration.size(), numpy, off_diagonal, multi_head);
  if (!by_nan.empty()) claim.reason += ". From NaN: " + by_nan;
  claim.no_chance = "it is counted";
  return claim;
}

// The file of the calibration's traces has a model that the table is without.
Claim calibration_models(const Published& published) {
  Claim claim{.id = "calibration-models",
              .claim = "the calibration table has the models whose traces and L* were published",
              .published = static_cast<double>(published.calibration.size()),
              .no_chance = "it is counted"};
  AuditTable table = table_of(published.calibration);
  std::string names;
  for (const PublishedModelTraces* traces : all_traces(published)) {
    if (row_of(published, *traces)) continue;
    names += fmt::format("{}{} (L* = {})", names.empty() ? "" : ", ", bare_name(traces->model), traces->l_star);
    table.models.push_back(traces->model);
    table.points.push_back({.layers = traces->layers,
                            .heads = traces->heads,
                            .l_star = static_cast<double>(traces->l_star),
                            .lab = traces->lab});
  }
  claim.recomputed = static_cast<double>(table.size());
  claim.verdict = agrees_if(names.empty());
  claim.numbers = {{"error of v3 on all of them, %", table.mape_of("v3")}};
  claim.reason = names.empty()
                     ? "none is left out"
                     : fmt::format("it is without {}; with it v3's error is {:.3f} %", names, table.mape_of("v3"));
  return claim;
}

// The calibration's detector and the study's, on the same six traces.
Claim two_detectors(const Published& published, const TraceKind& kind) {
  Claim claim{
      .id = fmt::format("detectors-{}", kind.trace == kOffDiagonal.trace ? "off-diagonal" : "multi-head"),
      .claim = fmt::format("central_difference, which the calibration used, and argmax_step find the same L* in "
                           "{}_trace",
                           kind.name),
      .unit = "%"};
  int same = 0;
  double errors[2] = {}, by_numpy[2] = {};
  const char* const detectors[2] = {"central_difference", "argmax_step"};
  AuditTable by_argmax;
  for (const PublishedModelTraces& traces : published.traces) {
    const std::vector<double>& trace = traces.*kind.trace;
    std::optional<int> found[2];
    for (int d = 0; d < 2; ++d) {
      found[d] = finite_layer(detectors[d], trace);
      AuditTable one{{traces.model},
                     {{.layers = traces.layers,
                       .heads = traces.heads,
                       .l_star = double(found[d].value_or(0)),
                       .lab = traces.lab}}};
      errors[d] += one.mape_of("v3") / static_cast<double>(published.traces.size());
      if (d == 1) by_argmax.models.push_back(traces.model), by_argmax.points.push_back(one.points[0]);
      one.points[0].l_star = numpy_layer(detectors[d], trace).value_or(0);
      by_numpy[d] += one.mape_of("v3") / static_cast<double>(published.traces.size());
    }
    same += found[0] == found[1];
    for (int d = 0; d < 2; ++d)
      claim.numbers.push_back({fmt::format("{}: L* by {}", bare_name(traces.model), detectors[d]), found[d]});
  }
  claim.recomputed = errors[1];
  claim.verdict = agrees_if(same == static_cast<int>(published.traces.size()));
  for (int d = 0; d < 2; ++d) {
    claim.numbers.push_back({fmt::format("error of v3 by {}", detectors[d]), errors[d]});
    claim.numbers.push_back({fmt::format("error of v3 by {}, numpy's NaN rule", detectors[d]), by_numpy[d]});
  }
  claim.reason = fmt::format(
      "in {} of {} the same; v3's error is {:.3f} % by central_difference and {:.3f} % by "
      "argmax_step (with numpy's NaN rule {:.3f} and {:.3f})",
      same, published.traces.size(), errors[0], errors[1], by_numpy[0], by_numpy[1]);
  put_noise_chance(claim, by_argmax, "v3");
  return claim;
}

// Measured models that the calibration table has too.
Claim measured_l_star(const Published& published, const MeasuredPoints& measured) {
  Claim claim = stated(published, "calibration-l-star", "");
  claim.claim = "L* of the calibration's models are where their traces change most";
  claim.no_chance = "it is counted";
  const AuditTable found = of_the_same_models(table_of(measured), published.calibration);
  claim.published = static_cast<double>(published.calibration.size());
  if (found.size() == 0 || measured.detector != "central_difference") {
    claim.reason = found.size() == 0
                       ? fmt::format("none of the calibration's {} models was measured", published.calibration.size())
                       : fmt::format("the published L* are central_difference's, these {}'s", measured.detector);
    return claim;
  }
  int same = 0;
  for (size_t i = 0; i < found.size(); ++i)
    for (const PublishedRow& row : published.calibration) {
      if (bare_name(row.model) != bare_name(found.models[i])) continue;
      same += std::lround(found.points[i].l_star) == std::lround(row.point.l_star);
      claim.numbers.push_back(
          {fmt::format("{}: mean L*, published {:g}", row.model, row.point.l_star), found.points[i].l_star});
    }
  claim.recomputed = same;
  claim.verdict = found.size() < published.calibration.size() ? ClaimVerdict::cannot_be_checked
                                                              : agrees_if(same == static_cast<int>(found.size()));
  claim.reason =
      fmt::format("of {} that were measured {} have the published L*, to the nearest layer", found.size(), same);
  return claim;
}

Claim about_published_traces(Claim claim, const char* reason) {
  claim.recomputed.reset();
  claim.numbers.clear();
  claim.chance.reset();
  claim.no_chance = "nothing was recomputed";
  claim.verdict = ClaimVerdict::cannot_be_checked;
  claim.reason = reason;
  return claim;
}

}  // namespace

std::vector<Claim> trace_claims(const Published& published) {
  return {trace_ratio(published), calibration_l_star(published), calibration_models(published),
          two_detectors(published, kOffDiagonal), two_detectors(published, kMultiHead)};
}

std::vector<Claim> trace_claims(const Published& published, const MeasuredPoints& measured) {
  constexpr const char* kOther = "the published traces are not the estimators of these names: levels are not compared";
  constexpr const char* kOwn = "it is about the published traces";
  return {about_published_traces(trace_ratio(published), kOther), measured_l_star(published, measured),
          about_published_traces(calibration_models(published), kOwn),
          about_published_traces(two_detectors(published, kOffDiagonal), kOwn),
          about_published_traces(two_detectors(published, kMultiHead), kOwn)};
}

}  // namespace lstar
