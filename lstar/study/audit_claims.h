// The parts of an audit, by subject; audit.h is what others include.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/analysis/chance.h"
#include "lstar/study/audit.h"

namespace lstar {

// Models that claims are held against: published ones, or measured.
struct AuditTable {
  std::vector<std::string> models;
  std::vector<ModelPoint> points;
  size_t size() const { return points.size(); }
  std::vector<double> predicted(std::string_view formula) const;
  double mape_of(std::string_view formula) const { return mape(points, predicted(formula)); }
};
AuditTable table_of(std::span<const PublishedRow>);
AuditTable table_of(const MeasuredPoints&);
// Those of `table` whose bare names are among these.
AuditTable of_the_same_models(const AuditTable& table, std::span<const PublishedRow>);

// Of a claim that was stated: its id, words and number. Empty of any other id.
Claim stated(const Published&, std::string_view id, std::string unit);

// Whether the number is the published one to the digits of that.
bool rounds_to(double number, double published);
ClaimVerdict agrees_if(bool);

inline constexpr uint64_t kAuditSeed = 0;
inline constexpr double kFivePercent = 0.05;

// How often to draw what takes so much work a time: a share is known to 0.001 where that costs no more than a second.
size_t draws_of(size_t work);
NoiseStudies noise_studies(const AuditTable&);

// L* uniform on 1 ... L - 1 in place of these, and how often a formula scores its observed error or less then. None
// where that would take too long, of a great many prompts on deep models.
std::optional<ClaimChance> noise_chance(const AuditTable&, std::string_view formula);
void put_noise_chance(Claim&, const AuditTable&, std::string_view formula);

std::vector<Claim> calibration_claims(const Published&);
std::vector<Claim> calibration_claims(const Published&, const AuditTable& measured);
std::vector<Claim> cross_heritage_claims(const Published&);
std::vector<Claim> cross_heritage_claims(const Published&, const AuditTable& measured, const std::string& detector);
std::vector<Claim> gain_claims(const Published&);
std::vector<Claim> gain_claims(const Published&, const MeasuredPoints&);
std::vector<Claim> trace_claims(const Published&);
std::vector<Claim> trace_claims(const Published&, const MeasuredPoints&);

}  // namespace lstar
