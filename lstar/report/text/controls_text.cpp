#include "lstar/report/text/controls_text.h"

#include <fmt/core.h>

#include "lstar/report/figures/figure.h"
#include "lstar/report/text/study_brief.h"

namespace lstar {
namespace {

std::string spread(const std::optional<double>& mean, const std::optional<double>& deviation) {
  return mean ? fmt::format("{:.1f} ± {:.1f}", *mean, deviation.value_or(0)) : "none";
}

std::string controls_table(const StudyResult& result, const Paint& paint) {
  const ControlWishes& wishes = result.study.controls;
  TextTable table;
  table.column("model", TextTable::Align::left);
  table.column("L*");
  table.column("prompts agree");
  if (wishes.shadow) table.column(fmt::format("as in {}", name(*wishes.shadow)));
  if (wishes.mca > 0) table.column("rounded at random");
  if (wishes.untrained > 0) {
    table.column("untrained L*");
    table.column("of twins");
    table.column(fmt::format("{} off them by", result.study.formula));
  }
  for (const ModelResult& model : result.models) {
    const ModelScore& s = model.scores[0];
    std::vector<std::string> cells{
        one_line(short_name(model.entry.name)), marked(spread(s.l_star, s.l_star_std), s.resolved),
        s.agreement ? fmt::format("{:.0f}% at {}", 100 * s.agreement->modal_share, s.agreement->mode) : "-"};
    if (wishes.shadow)
      cells.push_back(s.shadow && s.shadow->reason.empty() ? fmt::format("{}/{}", s.shadow->same, s.shadow->prompts)
                                                           : "failed");
    if (wishes.mca > 0)
      cells.push_back(s.mca && s.mca->same
                          ? fmt::format("{:.0f}% same, ± {:.1f}", 100 * *s.mca->same, s.mca->l_star_std.value_or(0))
                          : "failed");
    if (wishes.untrained > 0) {
      cells.push_back(s.untrained ? spread(s.untrained->l_star, s.untrained->l_star_std) : "-");
      cells.push_back(s.untrained ? fmt::format("{}/{}", s.untrained->seeds, s.untrained->asked) : "-");
      cells.push_back(percent(s.untrained ? s.untrained->error_pct : std::nullopt));
    }
    table.row(std::move(cells));
  }
  return table.str(kColumns, "", paint);
}

std::string lengths_table(const StudyResult& result, const Paint& paint) {
  TextTable table;
  table.column("model", TextTable::Align::left);
  for (const char* head : {"tokens", "begin", "cuts", "L*", "likeliest", "margin"}) table.column(head);
  std::string reasons;
  for (const ModelResult& model : result.models)
    for (const LengthScore& length : model.scores[0].lengths) {
      const std::string shown = one_line(short_name(model.entry.name));
      table.row({shown, std::to_string(length.tokens), length.has_begin ? "yes" : "no", std::to_string(length.prompts),
                 spread(length.l_star, length.l_star_std),
                 length.agreement
                     ? fmt::format("{} in {:.0f}%", length.agreement->mode, 100 * length.agreement->modal_share)
                     : "-",
                 fixed(length.margin, 2)});
      if (!length.reason.empty())
        reasons += wrap(one_line(length.reason), kColumns, fmt::format("  {}, {} tokens: ", shown, length.tokens), 4);
    }
  return table.str(kColumns, "", paint) + reasons;
}

}  // namespace

std::string controls_section(const StudyResult& result, const Paint& paint) {
  if (!result.study.controls.any()) return {};
  std::string out = controls_table(result, paint);
  if (!result.study.controls.lengths.empty()) out.append("\n").append(lengths_table(result, paint));
  return out;
}

}  // namespace lstar
