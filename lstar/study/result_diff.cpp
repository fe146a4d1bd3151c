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

// A model's place in both results.
struct Pair {
  const ReportedModel *a, *b;
};

class Comparison {
 public:
  Comparison(const ResultFile& a, const ResultFile& b) : a_(a), b_(b) {
    diff_.a = a.source;
    diff_.b = b.source;
    tolerance_ =
        std::max(rounding_tolerance(a.dtype.value.value_or("")), rounding_tolerance(b.dtype.value.value_or("")));
    for (const char* kind : kKinds) diff_.numbers.push_back({.what = kind, .tolerance = tolerance_});
    diff_.numbers[kMargins].tolerance = kMarginTolerance * tolerance_;
  }

  ResultDiff run() {
    compare_study();
    for (const Pair& pair : pairs()) {
      ++diff_.models_compared;
      ModelDiff model = compare_model(*pair.a, *pair.b);
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
    auto& [a_lacks, b_lacks] = diff_.lacking[what];
    a_lacks |= !a.is_there;
    b_lacks |= !b.is_there;
    return false;
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
    for (size_t i = 0; a.size() == b.size() && i < a.size(); ++i) number(kind, a[i], b[i], 0, where);
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
    exact("device", a_.device, b_.device, asked);
    exact("lstar", a_.version, b_.version, asked);
    exact("numerics", a_.numerics, b_.numerics, asked);
    std::vector<ValueDifference> backend;
    if (exact("backend", a_.backend, b_.backend, backend)) diff_.backend = backend[0];
    if (both("prompts", a_.prompts, b_.prompts))
      diff_.prompts = match_prompts(a_.prompts.value.value_or(std::vector<ReportedPrompt>()),
                                    b_.prompts.value.value_or(std::vector<ReportedPrompt>()));
  }

  // Models of the same name, and of what is left those of the same weights.
  std::vector<Pair> pairs() {
    std::map<std::string, std::vector<const ReportedModel*>> by_name;
    for (const ReportedModel& model : b_.models) by_name[model.name].push_back(&model);
    std::map<std::string, size_t> taken;
    std::map<const ReportedModel*, const ReportedModel*> pair_of;  // a's by b's
    std::vector<Pair> found;
    std::vector<const ReportedModel*> left;
    for (const ReportedModel& model : a_.models) {
      const auto& same = by_name[model.name];
      const size_t n = taken[model.name]++;
      if (n < same.size()) pair_of[same[n]] = &model;
      found.push_back({&model, n < same.size() ? same[n] : nullptr});
    }
    std::map<std::string, const ReportedModel*> by_weights;
    for (const ReportedModel& model : b_.models)
      if (const std::string weights = weights_of(model); !weights.empty() && !pair_of.contains(&model))
        by_weights.emplace(weights, &model);
    for (Pair& pair : found) {
      if (pair.b) continue;
      const auto same = by_weights.find(weights_of(*pair.a));
      if (same == by_weights.end()) continue;
      pair.b = same->second;
      pair_of[pair.b] = pair.a;
      by_weights.erase(same);
    }
    for (const Pair& pair : found)
      if (!pair.b) diff_.models_removed.push_back(pair.a->name);
    std::erase_if(found, [](const Pair& pair) { return !pair.b; });
    for (const ReportedModel& model : b_.models)
      if (!pair_of.contains(&model)) diff_.models_added.push_back(model.name);
    return found;
  }

  // Their hashes, where each file has one.
  static std::string weights_of(const ReportedModel& model) {
    std::string all;
    for (const ReportedFile& file : model.files.value.value_or(std::vector<ReportedFile>())) {
      if (!file.sha256) return {};
      all += *file.sha256 + " ";
    }
    return all;
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
    exact("revision", a.revision, b.revision, model.asked);
    compare_weights(a, b, model.asked);
    exact("family", a.family, b.family, model.outcome);
    exact("L", a.layers, b.layers, model.outcome);
    exact("H", a.heads, b.heads, model.outcome);
    if (both("prediction", a.predicted, b.predicted) &&
        !number(kErrors, a.predicted, b.predicted, a.name, other_formula()))
      model.outcome.push_back({"predicted", shown(a.predicted.value), shown(b.predicted.value)});
    model.other_tokens = compare_tokens(a, b);
    std::map<std::string_view, const ReportedScore*> others;
    for (const ReportedScore& score : b.scores) others[score.estimator] = &score;
    for (const ReportedScore& score : a.scores)
      if (const auto other = others.find(score.estimator); other != others.end())
        if (ScoreDiff of = compare_score(a, score, b, *other->second); of.any()) model.scores.push_back(std::move(of));
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

  size_t compare_tokens(const ReportedModel& a, const ReportedModel& b) {
    if (!both("token ids", a.prompts, b.prompts) || !a.prompts.value || !b.prompts.value) return 0;
    const auto &x = **a.prompts.value, &y = **b.prompts.value;
    size_t other = 0;
    for (size_t i = 0; i < x.size(); ++i)
      if (const auto j = in_b(i, x.size(), y.size())) other += x[i].ids != y[*j].ids;
    return other;
  }

  ScoreDiff compare_score(const ReportedModel& model_a, const ReportedScore& a, const ReportedModel& model_b,
                          const ReportedScore& b) {
    ScoreDiff score{.estimator = a.estimator, .a = a, .b = b};
    for (ReportedScore* of : {&score.a, &score.b}) {
      of->l_star_per_prompt = {};
      of->resolved_per_prompt = {};
      of->margin_per_prompt = {};
    }
    const std::string where = fmt::format("{}, {}", model_a.name, a.estimator);
    score.l_star = both("L*", a.l_star, b.l_star) && a.l_star.value != b.l_star.value;
    score.resolved = both("resolved", a.resolved, b.resolved) && a.resolved.value != b.resolved.value;
    score.error = both("error", a.error_pct, b.error_pct) &&
                  !number(kErrors, a.error_pct, b.error_pct, where, score.l_star || other_formula());
    if (score.l_star) moved_.insert(a.estimator);
    score.decided = both("what decides", a.decided_by, b.decided_by) && a.decided_by.value != b.decided_by.value;
    if (!both("L* of each prompt", a.l_star_per_prompt, b.l_star_per_prompt)) return score;
    if (!a.l_star_per_prompt.value || !b.l_star_per_prompt.value) return score;
    const auto &x = *a.l_star_per_prompt.value, &y = *b.l_star_per_prompt.value;
    const auto is_resolved = [](const ReportedScore& of, size_t prompt) {
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
    return score;
  }

  static Reported<double> margin_of(const ReportedScore& of, size_t prompt) {
    const auto& margins = of.margin_per_prompt.value;
    return {true, margins && prompt < margins->size() ? (*margins)[prompt] : std::nullopt};
  }

  // The prompts of a model's rows: those that ran.
  static std::vector<size_t> prompts_of_rows(const ReportedModel& model, size_t rows) {
    std::vector<size_t> prompts;
    if (!model.prompts.value)
      for (size_t row = 0; row < rows; ++row) prompts.push_back(row);
    else
      for (size_t p = 0; p < (*model.prompts.value)->size() && prompts.size() < rows; ++p)
        if (!model.failed_prompts.contains(p)) prompts.push_back(p);
    return prompts;
  }

  // Each pair of rows that are of the same token ids.
  template <class Use>
  void each_row(const ReportedModel& a, const ReportedModel& b, size_t rows_a, size_t rows_b, Use use) const {
    const auto of_a = prompts_of_rows(a, rows_a), of_b = prompts_of_rows(b, rows_b);
    std::map<size_t, size_t> row_of;  // by b's prompt
    for (size_t row = 0; row < of_b.size(); ++row) row_of[of_b[row]] = row;
    for (size_t row = 0; row < of_a.size(); ++row) {
      const size_t i = of_a[row];
      const auto j = in_b(i, a.prompts.value ? (*a.prompts.value)->size() : rows_a,
                          b.prompts.value ? (*b.prompts.value)->size() : rows_b);
      const auto other = j ? row_of.find(*j) : row_of.end();
      if (other != row_of.end() && same_ids(a, i, b, *j)) use(row, other->second);
    }
  }
  // Two prompts, as far as their models say what they made of them.
  static bool same_ids(const ReportedModel& a, size_t i, const ReportedModel& b, size_t j) {
    if (!a.prompts.value || !b.prompts.value) return true;
    const auto &x = **a.prompts.value, &y = **b.prompts.value;
    return i < x.size() && j < y.size() && x[i].ids == y[j].ids;
  }
  // Whether a mean over prompts is one over the same.
  bool same_prompts(const ReportedModel& a, const ReportedModel& b) const {
    return diff_.prompts.is_comparable && diff_.prompts.changed.empty() && !diff_.prompts.is_reordered &&
           a.failed_prompts == b.failed_prompts && a.prompts.value && b.prompts.value &&
           std::equal((*a.prompts.value)->begin(), (*a.prompts.value)->end(), (*b.prompts.value)->begin(),
                      (*b.prompts.value)->end(), [](const auto& x, const auto& y) { return x.ids == y.ids; });
  }

  void compare_numbers(const ReportedModel& a, const ReportedModel& b) {
    if (!both("traces", Reported<int>{!a.traces.empty(), {}}, Reported<int>{!b.traces.empty(), {}})) return;
    for (const auto& [key, norms] : a.weight_norms)
      if (const auto other = b.weight_norms.find(key); other != b.weight_norms.end())
        numbers(kWeights, norms, other->second, a.name);
    const bool same = same_prompts(a, b);
    each_row(a, b, a.residual_norm.size(), b.residual_norm.size(),
             [&](size_t i, size_t j) { numbers(kResiduals, a.residual_norm[i], b.residual_norm[j], a.name); });
    if (same && (a.residual_norm.empty() || b.residual_norm.empty()))
      numbers(kResiduals, a.residual_norm_mean, b.residual_norm_mean, a.name);
    for (const auto& [estimator, of_a] : a.traces) {
      const auto found = b.traces.find(estimator);
      if (found == b.traces.end()) continue;
      const auto &x = of_a.prompts, &y = found->second.prompts;
      const std::string where = fmt::format("{}, {}", a.name, estimator);
      each_row(a, b, x.size(), y.size(), [&](size_t i, size_t j) { compare_trace(x[i], y[j], where); });
      if (same && (x.empty() || y.empty())) compare_trace(of_a.mean, found->second.mean, where);
    }
  }

  void compare_trace(const ReportedTrace& a, const ReportedTrace& b, const std::string& where) {
    if (a.trace.size() != b.trace.size()) return;
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
