#include "lstar/report/text/diff_text.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "lstar/report/text/study_brief.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr int kName = 40, kValue = 160;
constexpr size_t kShown = 3;    // of what there are many
constexpr size_t kDigits = 12;  // of a hash

bool is_hash(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string shown(const std::optional<std::string>& value) {
  if (!value) return "none";
  return is_hash(*value) ? value->substr(0, kDigits) : shorten(one_line(*value), kValue);
}

std::string name_of(const std::string& model) { return shorten_name(one_line(model), kName); }

std::string line(int indent, std::string_view head, const std::string& text) {
  const std::string first = fmt::format("{}{}: ", std::string(static_cast<size_t>(indent), ' '), head);
  return wrap(text, kColumns, first, indent + 2);
}

std::string line(int indent, const ValueDifference& d) {
  return line(indent, one_line(d.what), fmt::format("{} -> {}", shown(d.a), shown(d.b)));
}

std::string layer(const std::optional<int64_t>& value, bool resolved) {
  if (!value) return "none";
  return fmt::format("{}{}", *value, resolved ? "" : "?");
}

bool is_resolved(const ReportedScore& s) { return s.resolved.value.value_or(true); }

// "7 -> 9", or the one value of both.
std::string change(const std::string& a, const std::string& b) { return a == b ? a : a + " -> " + b; }

std::string mean_text(const ReportedScore& s, bool in_full) {
  if (!s.l_star.value) return "none";
  const std::string mean = in_full ? fmt::format("{}", *s.l_star.value) : fmt::format("{:g}", *s.l_star.value);
  return mean + (is_resolved(s) ? "" : "?");
}

// Two means; to the last digit where that is what is different.
std::string means_text(const ReportedScore& a, const ReportedScore& b) {
  const bool in_full = a.l_star.value != b.l_star.value && mean_text(a, false) == mean_text(b, false);
  return change(mean_text(a, in_full), mean_text(b, in_full));
}

std::string or_none(const std::optional<double>& value) { return value ? fmt::format("{:g}", *value) : "none"; }

std::string prompt_text(const std::optional<size_t>& number, const ReportedPrompt& prompt) {
  const std::string id = prompt.id.empty() ? "" : fmt::format(" {}", one_line(prompt.id));
  const std::string content = prompt.text ? fmt::format("\"{}\"", shorten(one_line(*prompt.text), kName))
                                          : shorten(fmt::format("ids {}", fmt::join(prompt.ids, " ")), kName);
  return fmt::format("{}{} {}", number.value_or(0) + 1, id, content);
}

std::string prompts_text(const PromptsDiff& prompts) {
  if (prompts.changed.empty() && !prompts.is_reordered) return {};
  size_t added = 0, removed = 0;
  for (const PromptDifference& d : prompts.changed) added += !d.a, removed += !d.b;
  std::string text = fmt::format("{} -> {}: {} added, {} removed, {} changed", prompts.a, prompts.b, added, removed,
                                 prompts.changed.size() - added - removed);
  if (prompts.is_reordered) text += ", in another order";
  std::string out = line(2, "prompts", text);
  for (size_t i = 0; i < std::min(prompts.changed.size(), kShown); ++i) {
    const PromptDifference& d = prompts.changed[i];
    std::string one =
        d.a ? fmt::format("- {}", prompt_text(d.a, d.before)) : fmt::format("+ {}", prompt_text(d.b, d.after));
    if (d.a && d.b) one = fmt::format("~ {} -> {}", prompt_text(d.a, d.before), prompt_text(d.b, d.after));
    out += wrap(one, kColumns, "    ", 6);
  }
  if (prompts.changed.size() > kShown) out += fmt::format("    and {} more\n", prompts.changed.size() - kShown);
  return out;
}

std::string names_text(const char* sign, const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kShown * 2); ++i)
    out += fmt::format("  {} {}\n", sign, shorten_name(one_line(names[i]), kColumns - 4));
  if (names.size() > kShown * 2) out += fmt::format("  {} and {} more\n", sign, names.size() - kShown * 2);
  return out;
}

std::string asked_text(const ResultDiff& diff) {
  std::string out;
  for (const ValueDifference& d : diff.asked) out += line(2, d);
  out += prompts_text(diff.prompts) + names_text("- model", diff.models_removed) +
         names_text("+ model", diff.models_added);
  for (const ModelDiff& model : diff.models)
    for (const ValueDifference& d : model.asked)
      out += line(2, name_of(model.b) + ", " + one_line(d.what), fmt::format("{} -> {}", shown(d.a), shown(d.b)));
  return out;
}

std::string score_text(const ScoreDiff& d) {
  std::string text = "L* " + means_text(d.a, d.b);
  if (d.l_star || d.error)
    text += fmt::format(", error {}", change(percent(d.a.error_pct.value), percent(d.b.error_pct.value)));
  if (d.resolved) text += d.b.resolved.value.value_or(false) ? ", is resolved now" : ", is no longer resolved";
  if (d.deviation && !d.l_star)
    text += fmt::format(", deviation {}", change(or_none(d.a.deviation.value), or_none(d.b.deviation.value)));
  if (d.decided) text += fmt::format(", decided by {} -> {}", shown(d.a.decided_by.value), shown(d.b.decided_by.value));
  if (d.reason) text += fmt::format(", reason: {} -> {}", shown(d.a.reason.value), shown(d.b.reason.value));
  if (!d.prompts.empty()) text += fmt::format("; {} of {} prompts", d.prompts.size(), d.prompts_compared);
  for (size_t i = 0; i < std::min(d.prompts.size(), kShown); ++i) {
    const LayerDifference& one = d.prompts[i];
    const std::string moved = one.prompt_a == one.prompt_b ? "" : fmt::format(" (#{} in B)", one.prompt_b + 1);
    text += fmt::format("{} #{}{} {} -> {}", i == 0 ? ":" : ",", one.prompt_a + 1, moved,
                        layer(one.a, one.is_resolved_a), layer(one.b, one.is_resolved_b));
  }
  if (d.prompts.size() > kShown) text += fmt::format(" and {} more", d.prompts.size() - kShown);
  return line(4, one_line(d.estimator), text);
}

std::string models_text(const ResultDiff& diff) {
  std::string out;
  for (const ModelDiff& model : diff.models) {
    if (!model.outcome_changed()) continue;
    out += fmt::format("  {}\n", name_of(model.b));
    for (const ValueDifference& d : model.outcome) out += line(4, d);
    if (model.other_tokens > 0)
      out += fmt::format("    {} with other token ids of the same text\n", counted(model.other_tokens, "prompt"));
    for (const ScoreDiff& score : model.scores) out += score_text(score);
  }
  return out;
}

std::string counts(const ReportedSummary& s) {
  const auto number = [](const Reported<int64_t>& n) { return n.value ? std::to_string(*n.value) : "-"; };
  return fmt::format("{} of {} models, {} resolved", number(s.models), number(s.asked), number(s.resolved));
}

std::string of_actual_text(const ReportedSummary& a, const ReportedSummary& b) {
  const auto &x = a.mape_of_actual.value, &y = b.mape_of_actual.value;
  return x == y ? "" : fmt::format(", of actual {} -> {}", or_none(x), or_none(y));
}

// Those of one summary that the other has not.
std::string caveats_text(const char* sign, const ReportedSummary& of, const ReportedSummary& other) {
  std::set<std::string_view> those;
  if (other.caveats.value) those.insert(other.caveats.value->begin(), other.caveats.value->end());
  std::string out;
  size_t count = 0;
  for (const std::string& caveat : of.caveats.value.value_or(std::vector<std::string>()))
    if (!those.contains(caveat) && ++count <= kShown)
      out += wrap(shorten(one_line(caveat), kValue), kColumns, fmt::format("    {} but ", sign), 10);
  if (count > kShown) out += fmt::format("    {} and {} more\n", sign, count - kShown);
  return out;
}

std::string verdicts_text(const ResultDiff& diff) {
  std::string out;
  for (const SummaryDiff& s : diff.summaries) {
    std::string text = change(shown(s.a.verdict.value), shown(s.b.verdict.value));
    text += fmt::format(" (MAPE {}{}; {})", change(percent(s.a.overall_mape.value), percent(s.b.overall_mape.value)),
                        of_actual_text(s.a, s.b), change(counts(s.a), counts(s.b)));
    out += line(2, one_line(s.estimator), text);
    if (s.caveats) out += caveats_text("-", s.a, s.b) + caveats_text("+", s.b, s.a);
  }
  return out;
}

std::string number_text(const NumberDiff& kind) {
  if (kind.compared == 0) return "not compared";
  if (kind.unequal == 0) return fmt::format("equal to the last bit ({})", kind.compared);
  const std::string where = fmt::format("{} of {}, most in {}", kind.unequal, kind.compared, one_line(kind.where));
  if (kind.largest == 0) return fmt::format("differ within their rounding floors ({})", where);
  if (!std::isfinite(kind.largest)) return fmt::format("changed, some are on one side alone ({})", where);
  const std::string most =
      fmt::format("differ by at most {:.1e}{} ({})", kind.largest, kind.is_relative ? ", relative" : "", where);
  if (kind.is_rounding()) return most + fmt::format(", which is rounding: no change up to {:.0e}", kind.tolerance);
  return most + fmt::format(": changed, rounding explains up to {:.0e}", kind.tolerance);
}

std::string numbers_text(const ResultDiff& diff) {
  std::string out;
  for (const NumberDiff& kind : diff.numbers) out += line(2, kind.what, number_text(kind));
  if (diff.backend)
    out += line(2, "computed by", fmt::format("{} -> {}", shown(diff.backend->a), shown(diff.backend->b)));
  return out;
}

std::string lacking_text(const ResultDiff& diff) {
  std::string only_a, only_b, neither;
  for (const auto& [what, lacks] : diff.lacking) {
    std::string& names = lacks.first && lacks.second ? neither : lacks.first ? only_a : only_b;
    names += (names.empty() ? "" : ", ") + one_line(what);
  }
  std::string out;
  if (!only_a.empty()) out += line(2, "A does not say", only_a);
  if (!only_b.empty()) out += line(2, "B does not say", only_b);
  if (!neither.empty()) out += line(2, "neither says", neither);
  return out;
}

std::string conclusion(const ResultDiff& diff) {
  if (!diff.changed()) return diff.lacking.empty() ? "no change" : "no change in what can be compared";
  std::string text = diff.asked_changed() ? "what was asked changed" : "the same was asked";
  size_t moved = 0, doubted = 0;  // models whose L* is another; and whose L* alone is resolved on one side
  bool any_resolved = false;
  for (const ModelDiff& model : diff.models) {
    bool has_moved = false, has_changed = false;
    for (const ScoreDiff& score : model.scores) {
      has_moved = has_moved || score.l_star;
      has_changed = has_changed || score.resolved || !score.prompts.empty();
      any_resolved = any_resolved || (score.l_star && (is_resolved(score.a) || is_resolved(score.b)));
      for (const LayerDifference& one : score.prompts) {
        has_moved = has_moved || one.a != one.b;
        any_resolved = any_resolved || (one.a != one.b && (one.is_resolved_a || one.is_resolved_b));
      }
    }
    moved += has_moved;
    doubted += has_changed && !has_moved;
  }
  if (moved > 0)
    text += fmt::format("; L* changed in {} of {}", moved, counted(diff.models_ran, "model"));
  else if (diff.models_ran > 0)
    text += fmt::format("; L* is the same in {}", counted(diff.models_ran, "model"));
  if (moved > 0 && !any_resolved) text += ", nowhere a resolved one";
  if (doubted > 0) text += fmt::format("; only its resolution changed in {}", doubted);
  const bool other = std::any_of(diff.summaries.begin(), diff.summaries.end(), [](const auto& s) { return s.verdict; });
  return text + (other ? "; the verdict changed" : "");
}

}  // namespace

std::string diff_text(const ResultDiff& diff, bool colour) {
  const Paint paint{colour};
  std::string out = wrap(one_line(diff.a), kColumns, "A: ", 3) + wrap(one_line(diff.b), kColumns, "B: ", 3);
  const auto section = [&](const char* title, const std::string& text) {
    if (!text.empty()) out += paint.bold(title) + "\n" + text;
  };
  section("ASKED", asked_text(diff));
  section("MODELS", models_text(diff));
  section("VERDICTS", verdicts_text(diff));
  section("NUMBERS", numbers_text(diff));
  section("NOT COMPARABLE", lacking_text(diff));
  return out + paint.bold(conclusion(diff)) + "\n";
}

}  // namespace lstar
