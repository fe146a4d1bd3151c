#include "lstar/report/text/audit_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

// What was published has the digits that it was published with; a count has none behind the point.
std::string value_text(std::optional<double> value, const std::string& unit, bool is_published) {
  if (!value) return "-";
  const std::string tail = unit.empty() ? "" : " " + unit;
  if (is_published) return fmt::format("{:.4g}{}", *value, tail);
  if (unit.empty() && *value == std::round(*value)) return fmt::format("{:.0f}", *value);
  if (unit.empty() && std::fabs(*value) < 0.1) return fmt::format("{:.4f}", *value);
  return fmt::format("{:.3f}{}", *value, tail);
}

std::string chance_text(const ClaimChance& chance, const std::string& unit) {
  std::string text = fmt::format("Chance ({}): ", chance.what);
  if (chance.expected) text += fmt::format("{:.2f}{} on average, ", *chance.expected, unit.empty() ? "" : " " + unit);
  const int digits = chance.p < 0.01 ? 4 : 3;
  text += fmt::format("p = {:.{}f}", chance.p, digits);
  if (chance.p_error > 0) text += fmt::format(" ± {:.{}f}", chance.p_error, digits);
  if (chance.least_p) text += fmt::format(", at least {:.3f} whatever is found", *chance.least_p);
  return text + ".";
}

std::string verdict_text(ClaimVerdict verdict, const Paint& paint) {
  switch (verdict) {
    case ClaimVerdict::agrees: return name(verdict);
    case ClaimVerdict::differs: return paint.red(name(verdict));
    case ClaimVerdict::cannot_be_checked: break;
  }
  return paint.dim(name(verdict));
}

std::string head_of(const MeasuredPoints* measured) {
  if (!measured) return "What was published, against what follows from the published numbers.\n";
  std::string sources;
  for (const std::string& source : measured->sources)
    sources += (sources.empty() ? "" : ", ") + shorten_name(one_line(source), kNameColumns);
  std::string out = wrap(fmt::format("What was published, against {} of {}: L* by {} and {}.",
                                     counted(static_cast<int64_t>(measured->models.size()), "model"), sources,
                                     one_line(measured->estimator), one_line(measured->detector)),
                         kColumns, "", 0);
  constexpr size_t kMost = 5;
  for (size_t i = 0; i < std::min(kMost, measured->left_out.size()); ++i) {
    const UnmeasuredModel& model = measured->left_out[i];
    out += wrap(fmt::format("Without {}: {}", shorten_name(one_line(model.model), kNameColumns),
                            shorten_words(shorten(one_line(model.reason), kColumns), kNameColumns)),
                kColumns, "", 2);
  }
  if (measured->left_out.size() > kMost) out += fmt::format("and {} more\n", measured->left_out.size() - kMost);
  return out;
}

}  // namespace

std::string audit_text(std::span<const Claim> claims, const MeasuredPoints* measured, bool colour) {
  const Paint paint{colour};
  constexpr int kId = 28, kNumber = 12;
  std::string out = head_of(measured);
  out += paint.bold(
      fmt::format("\n{:<{}}{:>{}}{:>{}}  verdict", "claim", kId, "published", kNumber, "recomputed", kNumber));
  out += "\n";
  size_t agree = 0, differ = 0;
  for (const Claim& claim : claims) {
    agree += claim.verdict == ClaimVerdict::agrees;
    differ += claim.verdict == ClaimVerdict::differs;
    out += fmt::format("{}{:>{}}{:>{}}  {}\n", paint.bold(fmt::format("{:<{}}", claim.id, kId)),
                       value_text(claim.published, claim.unit, true), kNumber,
                       value_text(claim.recomputed, claim.unit, false), kNumber, verdict_text(claim.verdict, paint));
    std::string text = shorten_words(one_line(claim.reason), kNameColumns) + ".";
    if (claim.chance) text.append(" ").append(chance_text(*claim.chance, claim.unit));
    out += wrap(fmt::format("{}: {}", one_line(claim.claim), text), kColumns, "    ", 4);
  }
  return out +
         paint.bold(fmt::format("{}: {} agree, {} differ, {} cannot be checked",
                                counted(static_cast<int64_t>(claims.size()), "claim"), agree, differ,
                                claims.size() - agree - differ)) +
         "\n";
}

}  // namespace lstar
