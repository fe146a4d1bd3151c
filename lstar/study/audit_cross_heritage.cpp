#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "lstar/analysis/association.h"
#include "lstar/analysis/chance.h"
#include "lstar/study/audit_claims.h"

namespace lstar {
namespace {

// The models of a study that a claim about it is held against, by their names: "the published table", "these 6 models".
struct Across {
  AuditTable table;
  std::string who;
};

Claim cross_heritage_mape(const Published& published, const Across& of) {
  Claim claim = stated(published, "cross-heritage-mape", "%");
  claim.recomputed = of.table.mape_of("v3");
  claim.verdict = agrees_if(rounds_to(*claim.recomputed, *claim.published));
  const double half = of.table.mape_of("half"), thirds = of.table.mape_of("two_thirds");
  claim.numbers = {
      {"L/2", half},
      {"2L/3", thirds},
      {"a constant fraction, leaving out one model", cross_validate_constant(of.table.points, LeaveOut::one).mape}};
  claim.reason =
      fmt::format("v3 has {:.3f} % on {}; 2L/3 {:.3f} %, L/2 {:.3f} %", *claim.recomputed, of.who, thirds, half);
  put_noise_chance(claim, of.table, "v3");
  return claim;
}

Claim predictions_of_the_table(const Published& published) {
  const std::vector<double> v3 = table_of(published.by_argmax_step).predicted("v3");
  int equal = 0;
  for (size_t i = 0; i < v3.size(); ++i) equal += rounds_to(published.by_argmax_step[i].predicted, v3[i]);
  const auto all = static_cast<double>(v3.size());
  return {.id = "cross-heritage-predictions",
          .claim = "the predictions of the cross-heritage table are v3's",
          .published = all,
          .recomputed = equal,
          .verdict = agrees_if(equal == static_cast<int>(v3.size())),
          .reason = fmt::format("{} of {} are the formula's to the last digit", equal, v3.size()),
          .no_chance = "it compares two predictions"};
}

// The second version of the table: the same models and prompts, L* by sign_change.
Claim sign_change(const AuditTable& table, std::optional<double> by_argmax_step) {
  Claim claim{.id = "cross-heritage-sign-change",
              .claim = "cross-heritage MAPE 55.69 % where L* is found by sign_change",
              .unit = "%",
              .published = 55.69,
              .recomputed = table.mape_of("v3")};
  claim.verdict = agrees_if(rounds_to(*claim.recomputed, *claim.published));
  claim.numbers = {{"L/2", table.mape_of("half")}, {"2L/3", table.mape_of("two_thirds")}};
  claim.reason = fmt::format("v3 has {:.3f} %, L/2 {:.3f} %", *claim.recomputed, table.mape_of("half"));
  if (by_argmax_step) claim.reason += fmt::format("; by argmax_step v3 has {:.3f} %", *by_argmax_step);
  put_noise_chance(claim, table, "v3");
  return claim;
}

// Two versions of one measurement should agree about the models.
Claim versions(const Published& published) {
  std::vector<double> first, second;
  double mean_first = 0, mean_second = 0;
  for (size_t i = 0; i < published.by_argmax_step.size(); ++i) {
    first.push_back(published.by_argmax_step[i].point.l_star);
    second.push_back(published.by_sign_change[i].point.l_star);
    mean_first += first.back() / static_cast<double>(published.by_argmax_step.size());
    mean_second += second.back() / static_cast<double>(published.by_sign_change.size());
  }
  const auto together = spearman(first, second);
  Claim claim{
      .id = "cross-heritage-detectors",
      .claim = "the two published tables find L* of the same models in the same place",
      .published = mean_first,
      .recomputed = mean_second,
      .verdict = agrees_if(false),
      .reason = fmt::format("mean L* is {:.2f} by argmax_step and {:.2f} by sign_change", mean_first, mean_second)};
  if (!together) {
    claim.no_chance = "one of them is the same for all models";
    return claim;
  }
  claim.verdict = agrees_if(together->r > 0 && together->p <= kFivePercent && rounds_to(mean_second, mean_first));
  claim.numbers = {{"Spearman's correlation of the two", together->r}};
  claim.reason += fmt::format("; Spearman's correlation over the models is {:.3f}", together->r);
  claim.chance = ClaimChance{.what = "models in any order", .p = together->p};
  return claim;
}

Claim noise(const Published& published, const Across& of) {
  Claim claim{.id = "noise-null",
              .claim = "v3's cross-heritage error is less than noise in place of L* would give it",
              .unit = "%",
              .published = stated(published, "cross-heritage-mape", "%").published};
  put_noise_chance(claim, of.table, "v3");
  if (!claim.chance) {
    claim.reason = claim.no_chance;
    return claim;
  }
  claim.recomputed = claim.chance->expected;
  claim.verdict = agrees_if(claim.chance->p <= kFivePercent);
  claim.reason = fmt::format(
      "v3 has {:.2f} % on {}, where noise gives it {:.2f} % on average and as little in {:.3f} of "
      "studies",
      of.table.mape_of("v3"), of.who, *claim.recomputed, claim.chance->p);
  const NoiseStudies studies = noise_studies(of.table);
  const NoiseNull half = noise_null(studies, of.table.points, of.table.predicted("half")),
                  thirds = noise_null(studies, of.table.points, of.table.predicted("two_thirds"));
  claim.numbers = {{"v3", of.table.mape_of("v3")},
                   {"noise, expected error of L/2", half.expected},
                   {"noise, expected error of 2L/3", thirds.expected},
                   {"share of noise studies where L/2 is below 10 %", half.below_10.p},
                   {"share of noise studies where L/2 is below 15 %", half.below_15.p}};
  return claim;
}

Claim assignment(const Published& published, const Across& of) {
  Claim claim{.id = "assignment",
              .claim = "v3 knows which model has which L*/L",
              .unit = "%",
              .published = stated(published, "cross-heritage-mape", "%").published};
  const AssignmentTest test = assignment_test(of.table.points, of.table.predicted("v3"), kAuditSeed);
  claim.recomputed = test.mean;
  claim.verdict = agrees_if(test.as_good.p <= kFivePercent);
  claim.chance = ClaimChance{.what = "L*/L dealt out anew among the models",
                             .p = test.as_good.p,
                             .p_error = test.as_good.error,
                             .expected = test.mean,
                             .least_p = test.least_p};
  claim.numbers = {{"assignments", static_cast<double>(test.assignments)},
                   {"least error of an assignment", test.least},
                   {"mean error of an assignment", test.mean},
                   {"greatest error of an assignment", test.greatest},
                   {"the true one", of.table.mape_of("v3")}};
  claim.reason = fmt::format(
      "of {} assignments {:.0f} score the observed {:.3f} % or less (least {:.3f}, mean {:.3f}, "
      "greatest {:.3f})",
      test.assignments, test.as_good.p * static_cast<double>(test.assignments), of.table.mape_of("v3"), test.least,
      test.mean, test.greatest);
  return claim;
}

// The models that v3 was fitted to are no test of it.
Claim seen(const Published& published, const Across& of) {
  Claim claim{.id = "seen",
              .claim = "v3's cross-heritage error is that of models which its calibration had not seen",
              .unit = "%",
              .published = stated(published, "cross-heritage-mape", "%").published};
  const AuditTable known = of_the_same_models(of.table, published.calibration);
  const std::set<std::string> names(known.models.begin(), known.models.end());
  AuditTable unseen;
  for (size_t i = 0; i < of.table.size(); ++i) {
    if (names.contains(of.table.models[i])) continue;
    unseen.models.push_back(of.table.models[i]);
    unseen.points.push_back(of.table.points[i]);
  }
  if (unseen.size() == 0) {
    claim.reason = fmt::format("the calibration had seen all {} models", of.table.size());
    claim.no_chance = "no model to draw L* for";
    return claim;
  }
  claim.recomputed = unseen.mape_of("v3");
  claim.verdict = agrees_if(known.size() == 0);
  claim.numbers = {{"models seen", static_cast<double>(known.size())},
                   {"models unseen", static_cast<double>(unseen.size())},
                   {"unseen", *claim.recomputed}};
  if (known.size() > 0) claim.numbers.push_back({"seen", known.mape_of("v3")});
  claim.reason =
      known.size() == 0
          ? fmt::format("none of the {} models is in the calibration table", unseen.size())
          : fmt::format("of {} models the calibration had seen {} ({:.3f} %); the other {}: {:.3f} %", of.table.size(),
                        known.size(), known.mape_of("v3"), unseen.size(), *claim.recomputed);
  put_noise_chance(claim, unseen, "v3");
  return claim;
}

Claim bound(const Across& of) {
  constexpr double kGeneralizes = 10;  // the notebook's threshold
  const double least = shape_lower_bound(of.table.points);
  std::set<std::pair<int, int>> shapes;
  for (const ModelPoint& point : of.table.points) shapes.emplace(point.layers, point.heads);
  return {.id = "shape-bound",
          .claim = "some function of L and H could have an error below the 10 % of FORMULA GENERALIZES",
          .unit = "%",
          .published = kGeneralizes,
          .recomputed = least,
          .verdict = agrees_if(least < kGeneralizes),
          .reason = fmt::format("the best one has {:.4f} % on {}, of {} shape{}, chosen after the fact", least, of.who,
                                shapes.size(), shapes.size() == 1 ? "" : "s"),
          .numbers = {{"shapes", static_cast<double>(shapes.size())}},
          .no_chance = "it is a bound, chosen after the fact"};
}

// The error of v3 less that of another prediction, over draws of labs.
ClaimNumber against(const AuditTable& table, std::string_view other, const char* what) {
  std::vector<double> difference;
  std::vector<std::string> labs;
  const std::vector<double> v3 = table.predicted("v3"), simple = table.predicted(other);
  for (size_t i = 0; i < table.size(); ++i) {
    const ModelPoint& point = table.points[i];
    difference.push_back(error_pct(v3[i], point.l_star, point.layers) -
                         error_pct(simple[i], point.l_star, point.layers));
    labs.push_back(point.lab);
  }
  const auto draws = bootstrap_groups(difference, labs, kAuditSeed);
  return {what, mean(difference), draws ? std::optional(draws->interval()) : std::nullopt};
}

Claim labs_drawn(const Across& of) {
  Claim claim{.id = "lab-bootstrap",
              .claim = "v3's error less that of 2L/3 is below 0, whichever labs are drawn",
              .unit = "%",
              .no_chance = "the intervals are over draws of labs"};
  std::vector<double> errors;
  std::vector<std::string> labs;
  const std::vector<double> v3 = of.table.predicted("v3");
  for (size_t i = 0; i < of.table.size(); ++i) {
    errors.push_back(error_pct(v3[i], of.table.points[i].l_star, of.table.points[i].layers));
    labs.push_back(of.table.points[i].lab);
  }
  const auto drawn = bootstrap_groups(errors, labs, kAuditSeed);
  if (!drawn) {
    claim.reason = "the models are of one lab";
    return claim;
  }
  const Interval whole = drawn->interval();
  const ClaimNumber thirds = against(of.table, "two_thirds", "v3 less 2L/3"),
                    half = against(of.table, "half", "v3 less L/2");
  claim.recomputed = thirds.value;
  claim.numbers = {{"v3", of.table.mape_of("v3"), whole}, thirds, half};
  if (const auto models = bootstrap_groups(errors, of.table.models, kAuditSeed)) {  // each model its own group
    const std::vector<double>& means = models->means;
    const auto below = [&](double limit) {
      return static_cast<double>(std::lower_bound(means.begin(), means.end(), limit) - means.begin()) /
             static_cast<double>(means.size());
    };
    claim.numbers.push_back({"share of draws of models with FORMULA GENERALIZES", below(10)});
    claim.numbers.push_back({"... with PARTIAL GENERALIZATION", below(15) - below(10)});
    claim.numbers.push_back({"... with CALIBRATION NEEDED", 1 - below(15)});
  }
  claim.verdict = agrees_if(thirds.interval->high < 0);
  claim.reason = fmt::format(
      "over draws of the {} labs v3 has {:.3f} ... {:.3f} %; v3 less 2L/3 is {:+.3f} [{:+.3f}, "
      "{:+.3f}], v3 less L/2 {:+.3f} [{:+.3f}, {:+.3f}]",
      std::set<std::string>(labs.begin(), labs.end()).size(), whole.low, whole.high, *thirds.value,
      thirds.interval->low, thirds.interval->high, *half.value, half.interval->low, half.interval->high);
  return claim;
}

// Those that any study of several models can answer.
std::vector<Claim> of_any_study(const Published& published, const Across& of) {
  return {noise(published, of), assignment(published, of), seen(published, of), bound(of), labs_drawn(of)};
}

void append(std::vector<Claim>& to, std::vector<Claim> claims) {
  for (Claim& claim : claims) to.push_back(std::move(claim));
}

}  // namespace

std::vector<Claim> cross_heritage_claims(const Published& published) {
  const Across of{table_of(published.by_argmax_step), "the published table"};
  std::vector<Claim> claims{cross_heritage_mape(published, of), predictions_of_the_table(published),
                            sign_change(table_of(published.by_sign_change), of.table.mape_of("v3")),
                            versions(published)};
  append(claims, of_any_study(published, of));
  return claims;
}

std::vector<Claim> cross_heritage_claims(const Published& published, const AuditTable& measured,
                                         const std::string& detector) {
  const AuditTable six = of_the_same_models(measured, published.by_argmax_step);
  const size_t asked = published.by_argmax_step.size();
  const bool is_whole = six.size() == asked;
  const Across all{measured, fmt::format("the {} models measured", measured.size())};
  const auto without_a_model = [&](Claim claim) {
    claim.recomputed.reset();
    claim.numbers.clear();
    claim.chance.reset();
    claim.verdict = ClaimVerdict::cannot_be_checked;
    claim.reason = "no model has an L*";
    claim.no_chance = "no model to draw L* for";
    return claim;
  };

  std::vector<Claim> claims;
  Claim error = cross_heritage_mape(published, is_whole ? Across{six, "these six models"} : all);
  if (measured.size() == 0) {
    error = without_a_model(std::move(error));
  } else if (!is_whole) {
    error.verdict = ClaimVerdict::cannot_be_checked;
    error.reason = fmt::format("{} of the {} published models were measured; {}", six.size(), asked, error.reason);
  } else if (detector != "argmax_step") {
    error.verdict = ClaimVerdict::cannot_be_checked;
    error.reason = fmt::format("the published L* are argmax_step's, these {}'s; {}", detector, error.reason);
  }
  claims.push_back(std::move(error));

  Claim predictions = predictions_of_the_table(published);
  predictions.recomputed.reset();
  predictions.verdict = ClaimVerdict::cannot_be_checked;
  predictions.reason = "it compares published predictions with the published formula; no measurement speaks of it";
  claims.push_back(std::move(predictions));

  Claim turned = sign_change(six, std::nullopt);
  if (!is_whole || detector != "sign_change") {
    turned = without_a_model(std::move(turned));
    turned.reason = is_whole ? fmt::format("these L* are {}'s", detector)
                             : fmt::format("{} of the {} published models were measured", six.size(), asked);
    turned.no_chance = "nothing was recomputed";
  }
  claims.push_back(std::move(turned));

  Claim two = versions(published);
  two.recomputed.reset();
  two.numbers.clear();
  two.chance.reset();
  two.no_chance = "nothing was recomputed";
  two.verdict = ClaimVerdict::cannot_be_checked;
  two.reason = fmt::format("it compares two detectors; these L* are {}'s alone", detector);
  claims.push_back(std::move(two));

  if (measured.size() > 0) {
    append(claims, of_any_study(published, all));
    return claims;
  }
  for (Claim& claim : of_any_study(published, {table_of(published.by_argmax_step), ""}))
    claims.push_back(without_a_model(std::move(claim)));
  return claims;
}

}  // namespace lstar
