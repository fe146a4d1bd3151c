#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "lstar/analysis/association.h"
#include "lstar/analysis/gain_bound.h"
#include "lstar/study/audit_claims.h"

namespace lstar {
namespace {

constexpr const char* kLab = "EleutherAI";
constexpr const char* kNormalPairs = "pairs that have nothing to do with each other, normally distributed";
constexpr const char* kFixedSums = "the same numbers of models by lab and by direction, dealt out anew";

bool is_pythia(const PublishedGain& row) { return bare_name(row.model).starts_with("pythia-"); }

// Published gains name some models twice, from two files; the first counts.
std::vector<PublishedGain> each_once(const std::vector<PublishedGain>& a, const std::vector<PublishedGain>& b) {
  std::vector<PublishedGain> all;
  std::set<std::string_view> names;
  for (const auto* list : {&a, &b})
    for (const PublishedGain& row : *list)
      if (names.insert(bare_name(row.model)).second) all.push_back(row);
  return all;
}

// Claims that a handful of gains cannot speak to.
Claim unchecked(Claim claim, std::string reason) {
  claim.reason = std::move(reason);
  claim.no_chance = "nothing was recomputed";
  return claim;
}

Claim depth_gain(const Published& published, const std::vector<PublishedGain>& pythias) {
  Claim claim = stated(published, "depth-gain", "");
  std::vector<double> depth, gain;
  for (const PublishedGain& row : pythias) {
    depth.push_back(row.layers);
    gain.push_back(row.gain);
  }
  const auto by_value = pearson(depth, gain), by_rank = spearman(depth, gain);
  if (!by_value || !by_rank)
    return unchecked(std::move(claim), "it takes the gains of three Pythia models of several depths");
  claim.recomputed = by_value->r;
  claim.verdict = agrees_if(rounds_to(by_value->r, *claim.published));
  claim.chance = ClaimChance{.what = kNormalPairs, .p = by_value->p};
  claim.numbers = {{"models", static_cast<double>(pythias.size())},
                   {"Pearson's r", by_value->r},
                   {"its p", by_value->p},
                   {"Spearman's correlation", by_rank->r},
                   {"its p by Student's t", by_rank->p}};
  claim.reason = fmt::format("over {} Pythia models Pearson's r is {:.3f} (p = {:.4f}), Spearman's {:.3f} (p = {:.3f})",
                             pythias.size(), by_value->r, by_value->p, by_rank->r, by_rank->p);
  return claim;
}

Claim depth_gain_p(const Published& published, const Claim& correlation) {
  Claim claim{.id = "depth-gain-p", .claim = "that correlation has p = 0.014"};
  for (const PublishedClaim& one : published.claims)
    if (one.id == "depth-gain") claim.published = one.p;
  if (!correlation.chance) return unchecked(std::move(claim), correlation.reason);
  claim.recomputed = correlation.chance->p;
  claim.verdict = agrees_if(claim.published && rounds_to(*claim.recomputed, *claim.published));
  claim.reason = "by Student's t on the published gains' own correlation";
  claim.no_chance = "it is a p";
  return claim;
}

Claim stated_bound(const std::vector<PublishedGain>& gains) {
  Claim claim{.id = "gain-bound", .claim = "no gain exceeds G_max = 10^(1/L)", .published = 0};
  if (gains.empty()) return unchecked(std::move(claim), "no gain was measured");
  double above = 0;
  std::string names;
  for (const PublishedGain& row : gains) {
    const double most = greatest_gain(row.layers);
    if (!(row.gain > most)) continue;
    ++above;
    claim.numbers.push_back({fmt::format("{}: gain, bound {:.3f}", row.model, most), row.gain});
    if (above <= 6) names += fmt::format("{}{}", names.empty() ? "" : ", ", bare_name(row.model));
  }
  claim.recomputed = above;
  claim.verdict = agrees_if(above == 0);
  claim.reason = fmt::format("{:.0f} of {} gains exceed it{}{}", above, gains.size(), names.empty() ? "" : ": ", names);
  claim.no_chance = "a bound has no exceptions";
  return claim;
}

struct Heritage {
  TwoByTwo table;  // dampening, expanding; EleutherAI, others
  std::string dampening_others;
  bool has_both() const { return lab() > 0 && others() > 0; }
  int64_t lab() const { return table.first_with + table.first_without; }
  int64_t others() const { return table.second_with + table.second_without; }
};

Heritage heritage_of(const std::vector<PublishedGain>& gains) {
  Heritage h;
  for (const PublishedGain& row : gains) {
    const bool dampens = row.gain < 1;
    if (row.lab == kLab) {
      (dampens ? h.table.first_with : h.table.first_without)++;
      continue;
    }
    (dampens ? h.table.second_with : h.table.second_without)++;
    if (dampens)
      h.dampening_others +=
          fmt::format("{}{} {:.4f}", h.dampening_others.empty() ? "" : ", ", bare_name(row.model), row.gain);
  }
  return h;
}

Claim by_heritage(Claim claim, const Heritage& h, const std::string& of) {
  claim.recomputed = fisher_exact(h.table);
  claim.verdict = agrees_if(*claim.recomputed < claim.published.value_or(0));
  claim.chance = ClaimChance{.what = kFixedSums, .p = *claim.recomputed};
  claim.numbers = {{"EleutherAI, dampening", static_cast<double>(h.table.first_with)},
                   {"EleutherAI, all", static_cast<double>(h.lab())},
                   {"others, dampening", static_cast<double>(h.table.second_with)},
                   {"others, all", static_cast<double>(h.others())}};
  claim.reason = fmt::format("{}EleutherAI dampens in {} of {}, the others in {} of {}: Fisher's exact p = {:.4f}", of,
                             h.table.first_with, h.lab(), h.table.second_with, h.others(), *claim.recomputed);
  return claim;
}

Claim share(const char* id, const char* words, double published, int64_t count, int64_t all,
            const std::string& reason) {
  Claim claim{.id = id, .claim = words, .unit = "%", .published = published};
  claim.recomputed = 100.0 * static_cast<double>(count) / static_cast<double>(all);
  claim.verdict = agrees_if(rounds_to(*claim.recomputed, published));
  claim.reason = fmt::format("{} of {}{}", count, all, reason.empty() ? "" : ": " + reason);
  claim.no_chance = "a share of a few models";
  return claim;
}

constexpr const char* kDampening = "EleutherAI's models dampen in 80 %";
constexpr const char* kExpansion = "all models of other labs expand";

std::vector<Claim> shares(const Heritage& h) {
  return {share("heritage-dampening", kDampening, 80, h.table.first_with, h.lab(), ""),
          share("heritage-expansion", kExpansion, 100, h.table.second_without, h.others(),
                h.dampening_others.empty() ? "" : "the others have " + h.dampening_others)};
}

Claim over_all(const Published& published) {
  Claim claim = stated(published, "heritage", "");
  claim.id = "heritage-all";
  claim.claim = "the same over all models of the series whose gains were published";
  return claim;
}

std::vector<PublishedGain> gains_of(const MeasuredPoints& measured) {
  std::vector<PublishedGain> gains;
  for (const MeasuredPoint& model : measured.models)
    if (model.gain) gains.push_back({model.model, model.point.lab, model.point.layers, *model.gain});
  for (const UnmeasuredModel& model : measured.left_out)  // a model without an L* may have a gain
    if (model.gain && model.layers > 0) gains.push_back({model.model, model.lab, model.layers, *model.gain});
  return gains;
}

}  // namespace

std::vector<Claim> gain_claims(const Published& published) {
  const Heritage h = heritage_of(published.lab_gains);
  const std::vector<PublishedGain> all = each_once(published.lab_gains, published.pythia_gains);
  std::vector<PublishedGain> rows = published.lab_gains;
  rows.insert(rows.end(), published.pythia_gains.begin(), published.pythia_gains.end());
  std::vector<Claim> claims{depth_gain(published, published.pythia_gains)};
  claims.push_back(depth_gain_p(published, claims.front()));
  claims.push_back(stated_bound(rows));
  claims.push_back(by_heritage(stated(published, "heritage", ""), h, ""));
  for (Claim& claim : shares(h)) claims.push_back(std::move(claim));
  claims.push_back(by_heritage(over_all(published), heritage_of(all), fmt::format("of {} models ", all.size())));
  return claims;
}

std::vector<Claim> gain_claims(const Published& published, const MeasuredPoints& measured) {
  const std::vector<PublishedGain> gains = gains_of(measured);
  std::vector<PublishedGain> pythias;
  std::copy_if(gains.begin(), gains.end(), std::back_inserter(pythias), is_pythia);
  const Heritage h = heritage_of(gains);
  std::vector<Claim> claims{depth_gain(published, pythias)};
  claims.push_back(depth_gain_p(published, claims.front()));
  if (claims.back().recomputed) claims.back().reason = "by Student's t on the measured gains' correlation";
  claims.push_back(stated_bound(gains));
  if (h.has_both()) {
    claims.push_back(by_heritage(stated(published, "heritage", ""), h, ""));
    for (Claim& claim : shares(h)) claims.push_back(std::move(claim));
  } else {
    const std::string why =
        fmt::format("it takes gains of EleutherAI and of other labs; here are {} and {}", h.lab(), h.others());
    claims.push_back(unchecked(stated(published, "heritage", ""), why));
    claims.push_back(unchecked({.id = "heritage-dampening", .claim = kDampening, .unit = "%", .published = 80}, why));
    claims.push_back(unchecked({.id = "heritage-expansion", .claim = kExpansion, .unit = "%", .published = 100}, why));
  }
  claims.push_back(unchecked(over_all(published), "it is about the models whose gains were published"));
  return claims;
}

}  // namespace lstar
