#include <algorithm>

#include <fmt/format.h>

#include "lstar/analysis/fit_null.h"
#include "lstar/study/audit_claims.h"

namespace lstar {
namespace {

constexpr const char* kPublishedOrders = "L*/L dealt out anew among the models, the form refitted each time";

// Beside every fitted number: what asks for no fit, and what no function of the shape can undercut.
std::vector<ClaimNumber> simpler(const AuditTable& table) {
  return {{"L/2", table.mape_of("half")},
          {"2L/3", table.mape_of("two_thirds")},
          {"a constant fraction, leaving out one model", cross_validate_constant(table.points, LeaveOut::one).mape},
          {"the least of any function of L and H", shape_lower_bound(table.points)}};
}

ClaimChance refit_chance(const FitNull& null) {
  return {.what = kPublishedOrders, .p = null.permuted.p, .p_error = null.permuted.error};
}

Claim formula_mape(const Published& published, const AuditTable& table) {
  Claim claim = stated(published, "formula-mape", "%");
  claim.recomputed = table.mape_of("v3");
  claim.verdict = agrees_if(rounds_to(*claim.recomputed, *claim.published));
  claim.numbers = simpler(table);
  claim.reason = fmt::format("v3 gives {:.3f} % on the published table; 2L/3, which was fitted to nothing, {:.3f} %",
                             *claim.recomputed, table.mape_of("two_thirds"));
  return claim;
}

// The column of predictions that stands beside the table's L*.
Claim prediction_column(const Published& published, const AuditTable& table) {
  Claim claim{.id = "prediction-column",
              .claim = "the predictions published beside the calibration's L* are v3's",
              .unit = "%",
              .published = stated(published, "formula-mape", "%").published};
  std::vector<double> column;
  int equal = 0;
  const std::vector<double> v3 = table.predicted("v3");
  for (size_t i = 0; i < v3.size(); ++i) {
    column.push_back(published.calibration[i].predicted);
    equal += rounds_to(v3[i], column.back());
    claim.numbers.push_back({fmt::format("{}: v3, published as {:g}", table.models[i], column.back()), v3[i]});
  }
  claim.recomputed = mape(table.points, column);
  claim.verdict = agrees_if(equal == static_cast<int>(v3.size()) && rounds_to(*claim.recomputed, *claim.published));
  claim.reason =
      fmt::format("the column itself has {:.3f} %, the formula {:.3f} %; {} of its {} numbers are the formula's",
                  *claim.recomputed, table.mape_of("v3"), equal, v3.size());
  claim.no_chance = "it compares two predictions";
  return claim;
}

Claim naive_mape(const Published& published, const AuditTable& table) {
  Claim claim = stated(published, "naive-mape", "%");
  claim.recomputed = table.mape_of("half");
  claim.verdict = agrees_if(rounds_to(*claim.recomputed, *claim.published));
  claim.numbers = {{"2L/3", table.mape_of("two_thirds")}};
  claim.reason = fmt::format("L/2 gives {:.3f} %", *claim.recomputed);
  put_noise_chance(claim, table, "half");
  return claim;
}

// L/2 is one of the predictions that ask for no fit; is it the one to be beaten?
Claim two_thirds(const Published& published, const AuditTable& table) {
  Claim claim{.id = "two-thirds",
              .claim = "L/2 is the prediction without a fit that v3 is to be held against",
              .unit = "%",
              .published = stated(published, "naive-mape", "%").published,
              .recomputed = table.mape_of("two_thirds")};
  const double constant = cross_validate_constant(table.points, LeaveOut::one).mape.value_or(0);
  claim.numbers = {{"a constant fraction, leaving out one model", constant}};
  claim.verdict = agrees_if(*claim.recomputed >= table.mape_of("half"));
  claim.reason =
      fmt::format("2L/3 has {:.3f} % on the calibration table; the constant fraction of the other models {:.3f} %",
                  *claim.recomputed, constant);
  put_noise_chance(claim, table, "two_thirds");
  return claim;
}

Claim refit(const Published& published, const AuditTable& table) {
  Claim claim{.id = "fit-null",
              .claim = "v3's form fits these L* better than it fits the same L* dealt out anew",
              .unit = "%",
              .published = stated(published, "formula-mape", "%").published};
  const auto null = fit_null(table.points, kAuditSeed, draws_of(table.size() * table.size()));
  if (!null) {
    claim.reason = fmt::format(
        "v3's form is not identified: its three coefficients ask for more shapes than these {} "
        "models have (rank {})",
        table.size(), fit_shape(table.points).rank);
    claim.no_chance = "no fit";
    return claim;
  }
  claim.recomputed = null->mape;
  claim.chance = refit_chance(*null);
  claim.numbers = {{"F of both coefficients together", null->f},
                   {"its p", null->f_p},
                   {"refits of L* uniform on 1 ... L - 1 that are as good", null->random.p}};
  claim.verdict = agrees_if(null->permuted.p <= kFivePercent);
  claim.reason = fmt::format("the refit has {:.3f} %; F = {:.3f}, p = {:.4f}; noise fits as well in {:.4f} of draws",
                             null->mape, null->f, null->f_p, null->random.p);
  return claim;
}

// Models that share L and H share every prediction: only another shape asks whether the form predicts.
Claim leave_one_shape_out(const Published& published, const AuditTable& table) {
  Claim claim{.id = "leave-one-shape-out",
              .claim = "v3's form predicts shapes that it was not fitted to better than a constant fraction does",
              .unit = "%",
              .published = stated(published, "formula-mape", "%").published};
  const CrossValidation form = cross_validate_shape_fit(table.points, LeaveOut::shape),
                        constant = cross_validate_constant(table.points, LeaveOut::shape);
  claim.no_chance = "it compares two fits";
  if (!form.mape || !constant.mape) {
    claim.reason = "v3's form is " + (form.mape ? constant.reason : form.reason);
    return claim;
  }
  claim.recomputed = form.mape;
  claim.numbers = {{"a constant fraction, leaving out the same shapes", constant.mape},
                   {"v3's form, leaving out one model", cross_validate_shape_fit(table.points, LeaveOut::one).mape}};
  claim.verdict = agrees_if(*form.mape < *constant.mape);
  claim.reason = fmt::format("fitted without a shape, the form has {:.3f} % on it; the constant fraction {:.3f} %",
                             *form.mape, *constant.mape);
  return claim;
}

// What is measured of some of the models only leaves the number as it is, and the claim unchecked.
void hold_to_all(Claim& claim, const AuditTable& found, size_t of) {
  if (found.size() == of) return;
  claim.verdict = ClaimVerdict::cannot_be_checked;
  if (found.size() == 0) {
    claim.recomputed.reset();
    claim.numbers.clear();
    claim.chance.reset();
    claim.no_chance = "no model to draw L* for";
    claim.reason = fmt::format("none of the calibration's {} models was measured", of);
  } else {
    claim.reason =
        fmt::format("of the calibration's {} models {} were measured; on these, {}", of, found.size(), claim.reason);
  }
}

}  // namespace

std::vector<Claim> calibration_claims(const Published& published) {
  const AuditTable table = table_of(published.calibration);
  Claim formula = formula_mape(published, table);
  if (const auto null = fit_null(table.points, kAuditSeed)) formula.chance = refit_chance(*null);
  return {std::move(formula),           prediction_column(published, table),
          naive_mape(published, table), two_thirds(published, table),
          refit(published, table),      leave_one_shape_out(published, table)};
}

std::vector<Claim> calibration_claims(const Published& published, const AuditTable& measured) {
  const AuditTable found = of_the_same_models(measured, published.calibration);
  const size_t all = published.calibration.size();
  std::vector<Claim> claims;
  for (auto* const make : {formula_mape, naive_mape, two_thirds}) {
    Claim claim = make(published, found);
    hold_to_all(claim, found, all);
    if (claim.id == "formula-mape" && found.size() > 0) put_noise_chance(claim, found, "v3");
    claims.push_back(std::move(claim));
  }
  Claim column{.id = "prediction-column",
               .claim = "the predictions published beside the calibration's L* are v3's",
               .unit = "%",
               .published = stated(published, "formula-mape", "%").published,
               .reason = "it compares published predictions with the published formula; no measurement speaks of it",
               .no_chance = "it compares two predictions"};
  claims.insert(claims.begin() + 1, std::move(column));
  claims.push_back(refit(published, measured));  // any models can speak of the form
  claims.push_back(leave_one_shape_out(published, measured));
  return claims;
}

}  // namespace lstar
