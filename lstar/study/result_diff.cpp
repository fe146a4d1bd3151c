#include "lstar/study/result_diff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "lstar/base/dtype.h"

namespace lstar {
namespace {

enum Kind { kTraces, kWeights, kResiduals, kMargins, kErrors };
constexpr const char* kKinds[] = {"traces", "norms of weights", "residual norms", "margins", "predictions and errors"};
constexpr double kMarginTolerance = 5;  // of the traces': a margin is of differences of layers, which are smaller

std::string shown(const std::string& value) { return value; }
std::string shown(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, ", ")); }
template <class T>
std::string shown(const T& value) {
  return fmt::format("{}", value);
}
template <class T>
std::optional<std::string> shown(const std::optional<T>& value) {
  return value ? std::optional(shown(*value)) : std::nullopt;
}

class Comparison {
 public:
  Comparison(const ResultFile& a, const ResultFile& b) : a_(a), b_(b) {
    diff_.a = a.source;
    diff_.b = b.source;
    tolerance_ =
        std::max(rounding_tolerance(a.dtype.value.value_or("")), rounding_tolerance(b.dtype.value.value_or("")));
    for (const char* kind : kKinds) diff_.numbers.push_back({.what = kind, .tolerance = tolerance_});
    diff_.numbers[kMargins].tolerance = kMarginTolerance * tolerance_;
    diff_.numbers[kMargins].is_relative = false;
  }

  ResultDiff run() {
    compare_study();
    ModelsMatch models = match_models(a_.models, b_.models);
    diff_.models_removed = std::move(models.removed);
    diff_.models_added = std::move(models.added);
    for (const auto& [a, b] : models.in_both) {
      ++diff_.models_compared;
      ModelDiff model = compare_model(*a, *b);
      if (model.asked_changed() || model.outcome_changed()) diff_.models.push_back(std::move(model));
    }
    compare_summaries();
    return std::move(diff_);
  }

 private:
  // Whether both say it; what one does not is noted.
  template <class T>
  bool both(const std::string& what, const Reported<T>& a, const Reported<T>& b) {
    if (a.is_there && b.is_there) return true;
    lacks(what, !a.is_there, !b.is_there);
    return false;
  }
  void lacks(const std::string& what, bool a, bool b) {
    auto& [a_lacks, b_lacks] = diff_.lacking[what];
    a_lacks |= a;
    b_lacks |= b;
  }
  template <class T>
  bool exact(const std::string& what, const Reported<T>& a, const Reported<T>& b, std::vector<ValueDifference>& out) {
    if (!both(what, a, b) || a.value == b.value) return false;
    out.push_back({what, shown(a.value), shown(b.value)});
    return true;
  }

  static bool equal(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
  // How far two numbers are apart beyond their floors.
  static double apart(Kind kind, double a, double b, double floors) {
    if (equal(a, b)) return 0;
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::infinity();
    const double distance = std::max(0.0, std::fabs(a - b) - (std::isfinite(floors) ? floors : 0));
    return distance == 0 || kind == kMargins ? distance : distance / std::max(std::fabs(a), std::fabs(b));
  }
  // Enters two numbers that should be the same. Whether they are, rounding aside.
  bool number(Kind kind, double a, double b, double floors, const std::string& where) {
    NumberDiff& all = diff_.numbers[kind];
    ++all.compared;
    if (equal(a, b)) return true;
    ++all.unequal;
    const double distance = apart(kind, a, b, floors);
    if (distance > all.largest || all.where.empty()) {
      all.largest = std::max(distance, all.largest);
      all.where = where;
    }
    return distance <= all.tolerance;
  }
  // Of what a result says. With `follows` it is another anyway, as what it was made of is, and no matter of rounding.
  bool number(Kind kind, const Reported<double>& a, const Reported<double>& b, const std::string& where,
              bool follows = false) {
    if (!a.value || !b.value) return a.value.has_value() == b.value.has_value();
    if (follows) return apart(kind, *a.value, *b.value, 0) <= diff_.numbers[kind].tolerance;
    return number(kind, *a.value, *b.value, 0, where);
  }
  void numbers(Kind kind, const std::vector<double>& a, const std::vector<double>& b, const std::string& where) {
    if (!as_many(kind, a.size(), b.size(), where)) return;
    for (size_t i = 0; i < a.size(); ++i) number(kind, a[i], b[i], 0, where);
  }
  void more_on_one_side(Kind kind, const std::string& where) {
    number(kind, 0, std::numeric_limits<double>::quiet_NaN(), 0, where);
  }
  // Whether there is as much of it on both sides. Some on both and more on one is a difference; none is nothing said.
  bool as_many(Kind kind, size_t a, size_t b, const std::string& where) {
    if (a == b) return true;
    if (a > 0 && b > 0)
      more_on_one_side(kind, where);
    else
      lacks(kKinds[kind], a == 0, b == 0);
    return false;
  }

  void compare_study() {
    auto& asked = diff_.asked;
    exact("dtype", a_.dtype, b_.dtype, asked);
    exact("estimators", a_.estimators, b_.estimators, asked);
    exact("detector", a_.detector, b_.detector, asked);
    if (!exact("formula", a_.formula, b_.formula, asked))
      exact("formula's text", a_.formula_text, b_.formula_text, asked);
    exact("head layout", a_.head_layout, b_.head_layout, asked);
    exact("seed", a_.seed, b_.seed, asked);
    exact("in-sample labs", a_.in_sample, b_.in_sample, asked);
    if (both("device", a_.device, b_.device) && a_.device.value && b_.device.value)  // null: no model ran
      exact("device", a_.device, b_.device, asked);
    exact("lstar", a_.version, b_.version, asked);
    exact("numerics", a_.numerics, b_.numerics, asked);
    std::vector<ValueDifference> backend;
    if (exact("backend", a_.backend, b_.backend, backend)) diff_.backend = backend[0];
    if (both("prompts", a_.prompts, b_.prompts))
      diff_.prompts = match_prompts(a_.prompts.value.value_or(std::vector<ReportedPrompt>()),
                                    b_.prompts.value.value_or(std::vector<ReportedPrompt>()));
    for (size_t i = 0; a_.prompts.value && b_.prompts.value && i < a_.prompts.value->size(); ++i) {
      const auto j = in_b(i, a_.prompts.value->size(), b_.prompts.value->size());
      asked_same_.push_back(j && (*a_.prompts.value)[i].ids == (*b_.prompts.value)[*j].ids);
    }
  }

  static std::string state_of(const ReportedModel& model) {
    if (model.error.value) return "failed: " + *model.error.value;
    return model.same_as.value ? "the same as " + *model.same_as.value : "ran";
  }

  void compare_weights(const ReportedModel& a, const ReportedModel& b, std::vector<ValueDifference>& out) {
    if (!both("weights", a.files, b.files)) return;
    const auto none = std::vector<ReportedFile>();
    const auto x = a.files.value.value_or(none), y = b.files.value.value_or(none);
    if (x.size() != y.size()) {
      out.push_back({"weight files", shown(x.size()), shown(y.size())});
      return;
    }
    for (size_t i = 0; i < x.size(); ++i) {
      const Reported<std::string> p{x[i].sha256.has_value(), x[i].sha256}, q{y[i].sha256.has_value(), y[i].sha256};
      if (both("sha256 of weights", p, q) && p.value != q.value)
        out.push_back({"sha256 of " + x[i].file, p.value, q.value});
    }
  }

  ModelDiff compare_model(const ReportedModel& a, const ReportedModel& b) {
    ModelDiff model{.a = a.name, .b = b.name};
    if (a.name != b.name) model.asked.push_back({"name", a.name, b.name});
    exact("lab", a.lab, b.lab, model.asked);
    if (state_of(a) != state_of(b)) model.outcome.push_back({"outcome", state_of(a), state_of(b)});
    if (state_of(a) != "ran" || state_of(b) != "ran") return model;
    ++diff_.models_ran;
    exact("revision", a.revision, b.revision, model.asked);
    exact("stored dtype", a.stored_dtype, b.stored_dtype, model.asked);
    compare_weights(a, b, model.asked);
    exact("family", a.family, b.family, model.outcome);
    exact("L", a.layers, b.layers, model.outcome);
    exact("H", a.heads, b.heads, model.outcome);
    if (both("prediction", a.predicted, b.predicted) &&
        !number(kErrors, a.predicted, b.predicted, a.name, other_formula()))
      model.outcome.push_back({"predicted", shown(a.predicted.value), shown(b.predicted.value)});
    if (both("token ids", a.ids, b.ids)) model.other_tokens = other_tokens(a, b);
    // A mean over prompts, which is another one where these are others.
    if (both("gain", a.gain, b.gain) && !has_other_prompts(a, b) && !number(kErrors, a.gain, b.gain, a.name))
      model.outcome.push_back({"gain", shown(a.gain.value), shown(b.gain.value)});
    std::map<std::string_view, const ReportedEstimate*> others;
    for (const ReportedEstimate& one : b.estimates) others[one.score.estimator] = &one;
    for (const ReportedEstimate& one : a.estimates)
      if (const auto other = others.find(one.score.estimator); other != others.end())
        if (ScoreDiff of = compare_estimate(a, one, b, *other->second); of.any()) model.scores.push_back(std::move(of));
    compare_numbers(a, b);
    return model;
  }

  // Where a's prompt stands in b. Of results without prompts, in the same place if there are as many.
  std::optional<size_t> in_b(size_t prompt, size_t count_a, size_t count_b) const {
    if (!diff_.prompts.is_comparable) return count_a == count_b ? std::optional(prompt) : std::nullopt;
    const auto& places = diff_.prompts.b_of_a;
    const auto place = prompt < places.size() ? places[prompt] : std::nullopt;
    return place && *place < count_b ? place : std::nullopt;
  }

  // How many prompts have other token ids. Models share theirs, so that two lists are held together once.
  size_t other_tokens(const ReportedModel& a, const ReportedModel& b) {
    if (!a.ids.value || !b.ids.value) return 0;
    const auto &x = **a.ids.value, &y = **b.ids.value;
    const auto [known, is_new] = other_tokens_.emplace(std::pair(&x, &y), 0);
    if (is_new)
      for (size_t i = 0; i < x.size(); ++i)
        if (const auto j = in_b(i, x.size(), y.size())) known->second += !same_ids(a, i, b, *j);
    return known->second;
  }

  ScoreDiff compare_estimate(const ReportedModel& model_a, const ReportedEstimate& of_a, const ReportedModel& model_b,
                             const ReportedEstimate& of_b) {
    const ReportedScore &a = of_a.score, &b = of_b.score;
    ScoreDiff score{.estimator = a.estimator, .a = a, .b = b};
    const std::string where = fmt::format("{}, {}", model_a.name, a.estimator);
    compare_prompts(model_a, of_a, model_b, of_b, where, score);
    score.l_star = both("L*", a.l_star, b.l_star) && a.l_star.value != b.l_star.value;
    score.deviation = both("deviation of L*", a.deviation, b.deviation) &&
                      !number(kErrors, a.deviation, b.deviation, where, score.l_star || !score.prompts.empty());
    score.resolved = both("resolved", a.resolved, b.resolved) && a.resolved.value != b.resolved.value;
    score.error = both("error", a.error_pct, b.error_pct) &&
                  !number(kErrors, a.error_pct, b.error_pct, where, score.l_star || other_formula());
    if (score.l_star) moved_.insert(a.estimator);
    score.decided = both("what decides", a.decided_by, b.decided_by) && a.decided_by.value != b.decided_by.value;
    score.reason = both("reason", a.reason, b.reason) && a.reason.value != b.reason.value;
    return score;
  }

  void compare_prompts(const ReportedModel& model_a, const ReportedEstimate& a, const ReportedModel& model_b,
                       const ReportedEstimate& b, const std::string& where, ScoreDiff& score) {
    if (!both("L* of each prompt", a.l_star_per_prompt, b.l_star_per_prompt)) return;
    if (!a.l_star_per_prompt.value || !b.l_star_per_prompt.value) return;
    const auto &x = *a.l_star_per_prompt.value, &y = *b.l_star_per_prompt.value;
    const auto is_resolved = [](const ReportedEstimate& of, size_t prompt) {
      return of.resolved_per_prompt.value && prompt < of.resolved_per_prompt.value->size() &&
             (*of.resolved_per_prompt.value)[prompt].value_or(false);
    };
    const bool margins = both("margins", a.margin_per_prompt, b.margin_per_prompt) && a_.detector == b_.detector;
    for (size_t i = 0; i < x.size(); ++i) {
      const auto j = in_b(i, x.size(), y.size());
      if (!j) continue;
      ++score.prompts_compared;
      const LayerDifference one{i, *j, x[i], y[*j], is_resolved(a, i), is_resolved(b, *j)};
      if (one.a != one.b || one.is_resolved_a != one.is_resolved_b) score.prompts.push_back(one);
      if (margins && one.is_resolved_a && one.is_resolved_b && same_ids(model_a, i, model_b, *j))
        number(kMargins, margin_of(a, i), margin_of(b, *j), where);
    }
  }

  static Reported<double> margin_of(const ReportedEstimate& of, size_t prompt) {
    const auto& margins = of.margin_per_prompt.value;
    return {true, margins && prompt < margins->size() ? (*margins)[prompt] : std::nullopt};
  }

  // The prompts of a model's rows: those that ran.
  static std::vector<size_t> prompts_of_rows(const ReportedModel& model, size_t rows) {
    std::vector<size_t> prompts;
    if (!model.ids.value)
      for (size_t row = 0; row < rows; ++row) prompts.push_back(row);
    else
      for (size_t p = 0; p < (*model.ids.value)->size() && prompts.size() < rows; ++p)
        if (!model.failed_prompts.contains(p)) prompts.push_back(p);
    return prompts;
  }

  // How many prompts ran and have no row; null where that is not known.
  static std::optional<size_t> without_row(const ReportedModel& model, size_t rows) {
    if (!model.ids.value) return std::nullopt;
    const size_t count = (*model.ids.value)->size();
    size_t ran = count;
    for (const size_t failed : model.failed_prompts) ran -= failed < count;
    return ran > rows ? ran - rows : 0;
  }
  // Whether rows of the same prompts are more on one side.
  bool lacks_rows(const ReportedModel& a, const ReportedModel& b, size_t rows_a, size_t rows_b) const {
    const auto less_a = without_row(a, rows_a), less_b = without_row(b, rows_b);
    if (less_a && less_b) return less_a != less_b;
    return diff_.prompts.is_comparable && diff_.prompts.changed.empty() && rows_a != rows_b;
  }

  // Each pair of rows that are of the same token ids.
  template <class Use>
  void each_row(Kind kind, const ReportedModel& a, const ReportedModel& b, size_t rows_a, size_t rows_b,
                const std::string& where, Use use) {
    if (rows_a > 0 && rows_b > 0 && lacks_rows(a, b, rows_a, rows_b)) more_on_one_side(kind, where);
    const auto of_a = prompts_of_rows(a, rows_a), of_b = prompts_of_rows(b, rows_b);
    std::map<size_t, size_t> row_of;  // by b's prompt
    for (size_t row = 0; row < of_b.size(); ++row) row_of[of_b[row]] = row;
    for (size_t row = 0; row < of_a.size(); ++row) {
      const size_t i = of_a[row];
      const auto j =
          in_b(i, a.ids.value ? (*a.ids.value)->size() : rows_a, b.ids.value ? (*b.ids.value)->size() : rows_b);
      const auto other = j ? row_of.find(*j) : row_of.end();
      if (other != row_of.end() && same_ids(a, i, b, *j)) use(row, other->second);
    }
  }
  // Two prompts, as far as their models say what they made of them.
  bool same_ids(const ReportedModel& a, size_t i, const ReportedModel& b, size_t j) const {
    if (!a.ids.value || !b.ids.value) return true;
    const auto &x = **a.ids.value, &y = **b.ids.value;
    if (i >= x.size() || j >= y.size()) return false;
    if (!x[i] && !y[j]) return i >= asked_same_.size() || asked_same_[i];
    const std::vector<int64_t>*of_a = x[i] ? &*x[i] : asked_ids(a_, i), *of_b = y[j] ? &*y[j] : asked_ids(b_, j);
    return of_a && of_b && *of_a == *of_b;
  }
  static const std::vector<int64_t>* asked_ids(const ResultFile& result, size_t prompt) {
    const auto& all = result.prompts.value;
    return all && prompt < all->size() ? &(*all)[prompt].ids : nullptr;
  }
  // Whether a mean over prompts is one over the same.
  bool same_prompts(const ReportedModel& a, const ReportedModel& b) {
    return diff_.prompts.is_comparable && diff_.prompts.changed.empty() && !diff_.prompts.is_reordered &&
           a.failed_prompts == b.failed_prompts && a.ids.value && b.ids.value &&
           (*a.ids.value)->size() == (*b.ids.value)->size() && other_tokens(a, b) == 0;
  }
  // Whether it is known that it is not.
  bool has_other_prompts(const ReportedModel& a, const ReportedModel& b) {
    return diff_.prompts.is_comparable && !same_prompts(a, b);
  }

  void compare_numbers(const ReportedModel& a, const ReportedModel& b) {
    if (!both("traces", Reported<int>{!a.traces.empty(), {}}, Reported<int>{!b.traces.empty(), {}})) return;
    for (const auto& [key, norms] : a.weight_norms)
      if (const auto other = b.weight_norms.find(key); other != b.weight_norms.end())
        numbers(kWeights, norms, other->second, a.name);
    const bool same = same_prompts(a, b), other = has_other_prompts(a, b);
    const auto &norms_a = a.residual_norm, &norms_b = b.residual_norm;
    each_row(kResiduals, a, b, norms_a.size(), norms_b.size(), a.name,
             [&](size_t i, size_t j) { numbers(kResiduals, norms_a[i], norms_b[j], a.name); });
    if (norms_a.empty() || norms_b.empty()) {
      const auto &x = a.residual_norm_mean, &y = b.residual_norm_mean;
      if (same && (!x.empty() || !y.empty()))
        numbers(kResiduals, x, y, a.name);
      else if (!other)
        as_many(kResiduals, norms_a.size(), norms_b.size(), a.name);
    }
    for (const auto& [estimator, of_b] : b.traces)
      if (!a.traces.contains(estimator)) lacks("traces by " + estimator, true, false);
    for (const auto& [estimator, of_a] : a.traces) {
      const auto found = b.traces.find(estimator);
      if (found == b.traces.end()) {
        lacks("traces by " + estimator, false, true);
        continue;
      }
      const auto &x = of_a.prompts, &y = found->second.prompts;
      const auto &mean_a = of_a.mean, &mean_b = found->second.mean;
      const std::string where = fmt::format("{}, {}", a.name, estimator);
      each_row(kTraces, a, b, x.size(), y.size(), where, [&](size_t i, size_t j) { compare_trace(x[i], y[j], where); });
      if (!x.empty() && !y.empty()) continue;
      if (same && (!mean_a.trace.empty() || !mean_b.trace.empty()))
        compare_trace(mean_a, mean_b, where);
      else if (!other)
        as_many(kTraces, x.size(), y.size(), where);
    }
  }

  void compare_trace(const ReportedTrace& a, const ReportedTrace& b, const std::string& where) {
    if (!as_many(kTraces, a.trace.size(), b.trace.size(), where)) return;
    for (size_t l = 0; l < a.trace.size(); ++l) {
      const double floors = (l < a.floor.size() ? a.floor[l] : 0) + (l < b.floor.size() ? b.floor[l] : 0);
      number(kTraces, a.trace[l], b.trace[l], floors, where);
    }
  }

  bool other_formula() const { return a_.formula != b_.formula; }
  bool has_other_models() const { return !diff_.models_removed.empty() || !diff_.models_added.empty(); }

  void compare_summaries() {
    std::map<std::string_view, const ReportedSummary*> others;
    for (const ReportedSummary& summary : b_.summaries) others[summary.estimator] = &summary;
    for (const ReportedSummary& a : a_.summaries)
      if (const auto other = others.find(a.estimator); other != others.end()) {
        const ReportedSummary& b = *other->second;
        SummaryDiff summary{.estimator = a.estimator, .a = a, .b = b};
        std::vector<ValueDifference> counts;
        summary.verdict = both("verdict", a.verdict, b.verdict) && a.verdict.value != b.verdict.value;
        summary.numbers |= exact("models asked", a.asked, b.asked, counts);
        summary.numbers |= exact("models with an L*", a.models, b.models, counts);
        summary.numbers |= exact("models resolved", a.resolved, b.resolved, counts);
        const bool follows = summary.numbers || moved_.contains(a.estimator) || has_other_models() || other_formula();
        summary.numbers |= !number(kErrors, a.overall_mape, b.overall_mape, a.estimator, follows);
        summary.numbers |= !number(kErrors, a.mape_of_actual, b.mape_of_actual, a.estimator, follows);
        summary.caveats = both("caveats", a.caveats, b.caveats) && a.caveats.value != b.caveats.value;
        if (summary.verdict || summary.numbers || summary.caveats) diff_.summaries.push_back(std::move(summary));
      }
  }

  const ResultFile &a_, &b_;
  ResultDiff diff_;
  double tolerance_ = 0;
  std::vector<bool> asked_same_;  // of a's prompts, whether b's has the same ids as they were asked
  std::map<std::pair<const ReportedIds*, const ReportedIds*>, size_t> other_tokens_;
  std::set<std::string> moved_;  // estimators by which some L* is another
};

}  // namespace

// What the statistics are held to against transformers, and of 16 bits four roundings. AVX2 and one number at a time
// are apart by 1e-7, 1e-15, 2e-4 and 2e-3 on the zoo (Diff.VectorTargetsDifferByRounding in tests/report).
double rounding_tolerance(const std::string& dtype) {
  switch (parse_dtype(dtype).value_or(Dtype::float32)) {
    case Dtype::float64: return 1e-10;
    case Dtype::float16: return 2e-3;
    case Dtype::bfloat16: return 2e-2;
    case Dtype::float32: break;
  }
  return 1e-5;
}

bool ResultDiff::asked_changed() const {
  return !asked.empty() || !prompts.changed.empty() || prompts.is_reordered || !models_removed.empty() ||
         !models_added.empty() ||
         std::any_of(models.begin(), models.end(), [](const ModelDiff& model) { return model.asked_changed(); });
}

bool ResultDiff::results_changed() const {
  return !summaries.empty() ||
         std::any_of(models.begin(), models.end(), [](const ModelDiff& model) { return model.outcome_changed(); }) ||
         std::any_of(numbers.begin(), numbers.end(), [](const NumberDiff& kind) { return !kind.is_rounding(); });
}

ResultDiff compare(const ResultFile& a, const ResultFile& b) { return Comparison(a, b).run(); }

}  // namespace lstar
