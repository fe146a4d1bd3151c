#include "lstar/study/study_chance.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

namespace lstar {
namespace {

constexpr double kLevel = 0.05;

struct Studied {
  std::vector<ModelPoint> points;
  std::vector<std::string> labs, each;  // of each model; a name of its own
  std::vector<double> predicted, errors;
};

std::vector<double> errors_of(const std::vector<ModelPoint>& points, const std::vector<double>& predicted) {
  std::vector<double> errors;
  for (size_t i = 0; i < points.size(); ++i)
    errors.push_back(error_pct(predicted[i], points[i].l_star, points[i].layers));
  return errors;
}

std::optional<Interval> by_groups(std::span<const double> values, const std::vector<std::string>& groups,
                                  uint64_t seed) {
  const auto drawn = bootstrap_groups(values, groups, seed);
  return drawn ? std::optional(drawn->interval()) : std::nullopt;
}

PairedDifference paired(std::string name, const Studied& s, const std::vector<double>& errors, uint64_t seed) {
  std::vector<double> differences;
  for (size_t i = 0; i < errors.size(); ++i) differences.push_back(s.errors[i] - errors[i]);
  return {.name = std::move(name),
          .mape = mean(errors),
          .difference = mean(differences),
          .labs = by_groups(differences, s.labs, seed),
          .models = interval_of_mean(differences, seed)};
}

void add_paired(StudyChance& chance, const Studied& s, std::span<const ScoredModel> models, const Formula& formula,
                uint64_t seed) {
  for (const Formula& simple : formulas())
    if (!simple.is_fitted && simple.name != formula.name)
      chance.paired.push_back(
          paired(std::string(simple.name), s, errors_of(s.points, *predictions(simple, models)), seed));
  if (const auto fit = cross_validate_constant(s.points, LeaveOut::one); fit.mape)
    chance.paired.push_back(paired("constant", s, errors_of(s.points, fit.predicted), seed));
  std::vector<double> random;  // a layer of 1 ... L - 1 named blindly is what noise would be off from this one
  for (const ModelPoint& point : s.points) random.push_back(expected_noise_error_pct(point.l_star, point.layers, 1));
  chance.paired.push_back(paired("random_layer", s, random, seed));
  if (const auto fit = cross_validate_shape_fit(s.points, LeaveOut::one); fit.mape)
    chance.paired.push_back(paired("refit", s, errors_of(s.points, fit.predicted), seed));
}

void add_seen(StudyChance& chance, const Studied& s, std::span<const ScoredModel> models, const Formula& formula) {
  ModelsSeen seen, unseen;
  std::vector<double> seen_errors, unseen_errors;
  for (size_t i = 0; i < models.size(); ++i) {
    const auto [layers, heads] = std::pair(models[i].point.layers, models[i].point.heads);
    const std::optional<bool> name = saw_model(formula, models[i].name, layers, heads),
                              path = saw_model(formula, models[i].path, layers, heads);
    if (!name) {
      chance.seen_reason = fmt::format("which models {} was calibrated on is not published", formula.name);
      return;
    }
    const bool saw = *name || *path;
    (saw ? seen : unseen).names.push_back(models[i].name);
    (saw ? seen_errors : unseen_errors).push_back(s.errors[i]);
  }
  const auto finish = [](ModelsSeen& of, const std::vector<double>& errors) {
    of.models = static_cast<int>(errors.size());
    if (!errors.empty()) of.mape = mean(errors);
  };
  finish(seen, seen_errors);
  finish(unseen, unseen_errors);
  chance.seen = std::move(seen);
  chance.unseen = std::move(unseen);
}

std::vector<LeftOutFits> left_out_fits(const std::vector<ModelPoint>& points) {
  std::vector<LeftOutFits> fits;
  for (const LeaveOut leave_out : {LeaveOut::one, LeaveOut::lab, LeaveOut::shape}) {
    const CrossValidation constant = cross_validate_constant(points, leave_out),
                          refit = cross_validate_shape_fit(points, leave_out);
    fits.push_back({leave_out, constant.mape, refit.mape, refit.rank, refit.condition, refit.reason});
  }
  return fits;
}

StudyPower power_of(const Studied& s, const Formula& formula, std::span<const double> noise, double expected,
                    uint64_t seed) {
  StudyPower power{.noise = noise_power(noise, expected), .expected = expected};
  std::vector<double> own, residuals, differ;
  for (size_t i = 0; i < s.points.size(); ++i) {
    const double layers = s.points[i].layers;
    own.push_back(s.predicted[i] / layers);
    residuals.push_back(100 * (s.points[i].l_star / layers - own[i]));
  }
  power.constant = mean(own);
  power.scatter = population_deviation(residuals);
  for (const double fraction : own) differ.push_back(100 * std::abs(fraction - power.constant));
  power.differ = mean(differ);
  power.new_models = models_to_decide(formula, own, power.constant, power.scatter, seed);
  return power;
}

}  // namespace

bool is_better_than_noise(const NoiseNull& noise) { return noise.as_good.p + 4 * noise.as_good.error <= kLevel; }

std::optional<std::vector<double>> predictions(const Formula& formula, std::span<const ScoredModel> models) {
  std::vector<double> predicted;
  for (const ScoredModel& model : models) {
    const Prediction p = predict(formula, model.point.layers, model.point.heads, model.gain);
    if (!p.l_star) return std::nullopt;
    predicted.push_back(*p.l_star);
  }
  return models.empty() ? std::nullopt : std::optional(std::move(predicted));
}

const std::vector<double>& NoiseDesigns::mapes(std::span<const ModelPoint> points, std::span<const double> predicted) {
  std::vector<int> design;
  for (const ModelPoint& point : points) {
    design.push_back(point.layers);
    design.push_back(point.prompts);
  }
  std::vector<double>& mapes = mapes_[{design, {predicted.begin(), predicted.end()}}];
  if (mapes.empty()) mapes = studies_.try_emplace(design, points, seed_).first->second.mapes(predicted);
  return mapes;
}

StudyChance chance_of(std::span<const ScoredModel> models, const Formula& formula, int not_noise, uint64_t seed,
                      NoiseDesigns& designs) {
  StudyChance chance{.models = static_cast<int>(models.size())};
  if (models.empty()) {
    chance.reason = "no model has both an L* and a prediction";
    return chance;
  }
  Studied s;
  for (const ScoredModel& model : models) {
    s.points.push_back(model.point);
    s.labs.push_back(model.point.lab);
    s.each.push_back(std::to_string(s.each.size()));
  }
  chance.labs = static_cast<int>(std::set(s.labs.begin(), s.labs.end()).size());
  chance.shape_bound = shape_lower_bound(s.points);
  chance.fit_null = fit_null(s.points, seed);
  chance.left_out = left_out_fits(s.points);
  const auto predicted = predictions(formula, models);
  if (!predicted) {
    chance.reason = fmt::format("{} does not predict every model", formula.name);
    return chance;
  }
  s.predicted = *predicted;
  s.errors = errors_of(s.points, s.predicted);

  const auto add_formula = [&](const Formula& other, const std::vector<double>& its) {
    chance.formulas.push_back(
        {std::string(other.name), mape(s.points, its), noise_null(designs.mapes(s.points, its), s.points, its)});
  };
  add_formula(formula, s.predicted);
  for (const Formula& other : formulas())
    if (const auto its = predictions(other, models); its && other.name != formula.name) add_formula(other, *its);
  chance.assignment = assignment_test(s.points, s.predicted, seed);
  if (const auto labs = bootstrap_groups(s.errors, s.labs, seed)) {
    chance.mape_by_labs = labs->interval();
    chance.labs_exact = labs->is_exact;
  }
  chance.mape_by_models = interval_of_mean(s.errors, seed);
  if (const auto drawn = bootstrap_groups(s.errors, s.each, seed)) {
    const auto below = [&](double value) {
      return static_cast<size_t>(std::lower_bound(drawn->means.begin(), drawn->means.end(), value - 1e-9) -
                                 drawn->means.begin());
    };
    chance.generalizes = share_of(below(10), drawn->means.size());
    chance.partly = share_of(below(15) - below(10), drawn->means.size());
    if (drawn->is_exact) chance.generalizes.error = chance.partly.error = 0;
  }
  add_paired(chance, s, models, formula, seed);
  add_seen(chance, s, models, formula);
  const NoiseNull& noise = chance.formulas.front().noise;
  chance.power = power_of(s, formula, designs.mapes(s.points, s.predicted), noise.expected, seed);

  if (not_noise == 0) {
    chance.reason = "no L* is resolved";
    return chance;
  }
  const auto blind = std::find_if(chance.paired.begin(), chance.paired.end(),
                                  [](const PairedDifference& pair) { return pair.name == "random_layer"; });
  chance.reason = fmt::format("noise scores this or better with probability {:.3f}", noise.as_good.p);
  chance.better_than_chance = is_better_than_noise(noise) && blind->difference < 0;
  if (is_better_than_noise(noise) && !*chance.better_than_chance)
    chance.reason += fmt::format(", and a layer named blindly is off by {:.1f} %", blind->mape);
  return chance;
}

}  // namespace lstar
