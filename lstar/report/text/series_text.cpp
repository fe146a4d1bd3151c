#include "lstar/report/text/series_text.h"

#include <fmt/core.h>

#include "lstar/report/figures/figure.h"
#include "lstar/study/series.h"

namespace lstar {
namespace {

std::string four_digits(std::optional<double> value) { return value ? fmt::format("{:.4g}", *value) : "-"; }

void norm_columns(TextTable& table, bool spectral) {
  for (const char* head : {"entropy", "||W_V||", "||W_O||", "W_V/W_O"}) table.column(head);
  if (spectral)
    for (const char* head : {"s_max(W_V)", "s_max(W_O)"}) table.column(head);
}

std::string series_of_models(const StudyResult& result, const StudySeries& series, const Paint& paint) {
  const size_t shown = result.study.spectral ? 6 : 4;
  TextTable table;
  table.column("model", TextTable::Align::left);
  norm_columns(table, result.study.spectral);
  for (size_t m = 0; m < result.models.size(); ++m) {
    std::vector<std::string> cells{one_line(short_name(result.models[m].entry.name))};
    for (size_t i = 0; i < shown; ++i) cells.push_back(four_digits((series.models[m].*kSeriesMeans[i].series).mean));
    table.row(std::move(cells));
  }
  return table.str(kColumns, "", paint);
}

std::string gains_of_models(const StudyResult& result, const StudySeries& series, const Paint& paint) {
  TextTable table;
  table.column("model", TextTable::Align::left);
  for (const char* head : {"gain", "95% over prompts", "greatest gain", "in layer", "10^(1/L)"}) table.column(head);
  for (size_t m = 0; m < result.models.size(); ++m) {
    const ModelResult& model = result.models[m];
    const ModelSeries& s = series.models[m];
    const auto& at = s.greatest_gain_layer;
    const auto& of = model.gain_interval;
    table.row({one_line(short_name(model.entry.name)), fixed(model.gain, 3),
               of ? fmt::format("{:.3f} to {:.3f}", of->low, of->high) : "-",
               at ? fixed(s.residual_gain.by_layer[static_cast<size_t>(*at)], 3) : "-", at ? std::to_string(*at) : "-",
               fixed(greatest_gain(model.measurement.shape.layers), 3)});
  }
  return table.str(kColumns, "", paint);
}

std::string series_of_labs(const StudyResult& result, const StudySeries& series, const Paint& paint) {
  TextTable table;
  table.column("lab", TextTable::Align::left);
  table.column("models");
  norm_columns(table, result.study.spectral);
  const size_t shown = result.study.spectral ? 6 : 4;
  for (const LabSeries& lab : series.labs) {
    std::vector<std::string> cells{shorten(one_line(lab.lab), 30), std::to_string(lab.models)};
    for (size_t i = 0; i < shown; ++i) cells.push_back(four_digits(lab.means[i]));
    table.row(std::move(cells));
  }
  return table.str(kColumns, "", paint);
}

std::string bound_text(const GainBound& bound, const char* what) {
  std::string out = fmt::format("{} exceeds 10^(1/L) in {} of {} models", what, bound.above, bound.models);
  if (bound.with_interval > 0)
    out += fmt::format(", with its whole interval in {} of {}", bound.above_by_interval, bound.with_interval);
  if (!bound.slope) return wrap(fmt::format("{}; log10 of it over 1/L: {}.", out, bound.reason), kColumns, "* ", 2);
  const auto with_interval = [](const Coefficient& c) {
    return c.interval ? fmt::format("{:.3g} [{:.3g}, {:.3g}]", c.value, c.interval->low, c.interval->high)
                      : fmt::format("{:.3g}", c.value);
  };
  return wrap(
      fmt::format("{}; log10 of it over 1/L has the slope {} and the intercept {}, where the bound has 1 and 0.", out,
                  with_interval(*bound.slope), with_interval(*bound.intercept)),
      kColumns, "* ", 2);
}

}  // namespace

std::string series_section(const StudyResult& result, const Paint& paint) {
  const StudySeries series = series_of(result);
  std::string out = series_of_models(result, series, paint);
  out += wrap(
      "Means over layers: entropy of attention over heads, rows and prompts, in nats; norms of weights, which depend "
      "on how the same model is written (gauge).",
      kColumns, "", 0);
  if (series.labs.size() > 1) out.append("\n").append(series_of_labs(result, series, paint));
  out.append("\n").append(gains_of_models(result, series, paint));
  out += wrap("Gain: of layer L - 2. Greatest: of all layers' means over prompts. 10^(1/L): the bound that was stated.",
              kColumns, "", 0);
  out += bound_text(series.of_gain, "The gain of layer L - 2");
  return out + bound_text(series.of_greatest_layer, "The greatest gain of a layer");
}

}  // namespace lstar
