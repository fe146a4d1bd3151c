#include "lstar/study/audit.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "lstar/analysis/chance.h"
#include "lstar/analysis/formulas.h"
#include "lstar/study/audit_claims.h"

namespace lstar {
namespace {

// Additions that counting the sums of noise takes, of each model anew.
double noise_work(const AuditTable& table) {
  constexpr int kCounted = 1'000;  // prompts up to which they are counted
  double sum = 0;
  for (const ModelPoint& point : table.points)
    if (point.prompts <= kCounted) sum += double(point.layers) * point.prompts * point.prompts / 2;
  return sum;
}

std::vector<Claim> joined(std::vector<std::vector<Claim>> parts) {
  std::vector<Claim> all;
  for (std::vector<Claim>& part : parts) std::move(part.begin(), part.end(), std::back_inserter(all));
  return all;
}

}  // namespace

const char* name(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::agrees: return "agrees";
    case ClaimVerdict::differs: return "differs";
    case ClaimVerdict::cannot_be_checked: break;
  }
  return "cannot be checked";
}

std::vector<double> AuditTable::predicted(std::string_view formula) const {
  std::vector<double> values;
  for (const ModelPoint& point : points)
    values.push_back(predict(*find_formula(formula), point.layers, point.heads).l_star.value_or(0));
  return values;
}

AuditTable table_of(std::span<const PublishedRow> rows) {
  AuditTable table;
  for (const PublishedRow& row : rows) {
    table.models.push_back(row.model);
    table.points.push_back(row.point);
  }
  return table;
}

AuditTable table_of(const MeasuredPoints& measured) {
  AuditTable table;
  for (const MeasuredPoint& model : measured.models) {
    table.models.push_back(model.model);
    table.points.push_back(model.point);
  }
  return table;
}

AuditTable of_the_same_models(const AuditTable& table, std::span<const PublishedRow> rows) {
  std::set<std::string_view> names;
  for (const PublishedRow& row : rows) names.insert(bare_name(row.model));
  AuditTable same;
  for (size_t i = 0; i < table.size(); ++i) {
    if (names.erase(bare_name(table.models[i])) == 0) continue;  // each once
    same.models.push_back(table.models[i]);
    same.points.push_back(table.points[i]);
  }
  return same;
}

Claim stated(const Published& published, std::string_view id, std::string unit) {
  Claim claim{.id = std::string(id), .unit = std::move(unit)};
  for (const PublishedClaim& one : published.claims)
    if (one.id == id) claim.claim = one.claim, claim.published = one.value;
  return claim;
}

bool rounds_to(double number, double published) {
  const std::string text = fmt::format("{}", published);
  const size_t point = text.find('.');
  const size_t digits = point == text.npos || text.ends_with(".0") ? 0 : text.size() - point - 1;
  constexpr double kLastBits = 1e-9;  // what was computed in another order
  return std::fabs(number - published) <= 0.5 * std::pow(10, -static_cast<double>(digits)) + kLastBits;
}

ClaimVerdict agrees_if(bool agrees) { return agrees ? ClaimVerdict::agrees : ClaimVerdict::differs; }

size_t draws_of(size_t work) {
  constexpr size_t kLeast = 2'000, kMost = 200'000, kWork = 400'000'000;
  return std::clamp(kWork / std::max<size_t>(work, 1), kLeast, kMost);
}

NoiseStudies noise_studies(const AuditTable& table) {
  constexpr size_t kOfAModel = 64;  // its L* is found among sums, and held against each formula
  return {table.points, kAuditSeed, static_cast<int>(draws_of(kOfAModel * table.size()))};
}

std::optional<ClaimChance> noise_chance(const AuditTable& table, std::string_view formula) {
  constexpr double kMostWork = 2e8;  // under a second
  if (table.size() == 0 || noise_work(table) > kMostWork) return std::nullopt;
  const NoiseNull null = noise_null(noise_studies(table), table.points, table.predicted(formula));
  return ClaimChance{.what = "L* uniform on 1 ... L - 1 for each prompt",
                     .p = null.as_good.p,
                     .p_error = null.as_good.error,
                     .expected = null.expected};
}

void put_noise_chance(Claim& claim, const AuditTable& table, std::string_view formula) {
  claim.chance = noise_chance(table, formula);
  if (!claim.chance)
    claim.no_chance = table.size() == 0 ? "no model to draw L* for" : "too many layers and prompts to count noise for";
}

std::vector<Claim> audit(const Published& published) {
  return joined({calibration_claims(published), cross_heritage_claims(published), gain_claims(published),
                 trace_claims(published)});
}

std::vector<Claim> audit(const Published& published, const MeasuredPoints& measured) {
  const AuditTable table = table_of(measured);
  return joined({calibration_claims(published, table), cross_heritage_claims(published, table, measured.detector),
                 gain_claims(published, measured), trace_claims(published, measured)});
}

}  // namespace lstar
