#include "lstar/report/text/spectrum_text.h"

#include <algorithm>

#include <fmt/core.h>

namespace lstar {
namespace {

constexpr size_t kShownEigenvalues = 3;  // of each end

std::string end_text(const SpectrumEnd& end) {
  if (!end.reason.empty()) return "-";
  std::string out;
  for (size_t i = 0; i < std::min(kShownEigenvalues, end.values.size()); ++i)
    out += fmt::format("{}{:.4g}", out.empty() ? "" : " ", end.values[i]);
  return out;
}

}  // namespace

std::string spectrum_table(const AttentionSpectra& spectra, size_t row, const Paint& paint) {
  TextTable table;
  for (const char* head : {"layer", "D - A median", "largest", "L least", "L largest"}) table.column(head);
  std::string reasons;
  const auto explain = [&](const char* what, size_t layer, const std::string& reason) {
    if (!reason.empty() && reasons.find(reason) == std::string::npos)
      reasons += wrap(reason, kColumns, fmt::format("  {}, layer {}: ", what, layer), 4);
  };
  for (size_t l = 0; const AttentionSpectrum* found = spectra.of(row, l); ++l) {
    std::vector<std::string> cells{std::to_string(l), "-", "-"};
    if (!found->causal.empty()) {
      const CausalSummary causal = summary_of(found->causal);
      cells[1] = fmt::format("{:.4g}", causal.median);
      cells[2] = fmt::format("{:.4g}", causal.largest);
    }
    explain("D - A", l, found->causal_reason);
    for (const SpectrumEnd* end : {&found->symmetrised.smallest, &found->symmetrised.largest}) {
      cells.push_back(end_text(*end));
      explain("L", l, end->reason);
    }
    table.row(std::move(cells));
  }
  std::string head = "Eigenvalues of attention alone: of D - A; of L, the Laplacian of (A + Aᵀ)/2, beside its 0";
  if (spectra.values > static_cast<int>(kShownEigenvalues))
    head += fmt::format(", {} of {} at each end", kShownEigenvalues, spectra.values);
  return wrap(head, kColumns, "  ", 4) + table.str(kColumns, "  ", paint) + reasons;
}

}  // namespace lstar
