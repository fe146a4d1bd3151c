#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/core.h>

#include "lstar/report/figures/figure.h"
#include "lstar/report/figures/figure_canvas.h"
#include "lstar/report/prompt_results.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr double kWidth = 504, kFont = 6.5;
constexpr double kAroundPanel = 66, kLeft = 40, kGap = 36, kBottom = 30;
constexpr std::string_view kInk = "#222222", kLine = "#0072B2", kMeasured = "#C0392B", kPredicted = "#E08E0B",
                           kFloor = "#888888";

// A trace over prompts at one layer, those that the mean of the JSON is over; NaN where there are none.
struct Layer {
  double mean, low, high, floor;
};

std::vector<Layer> layers_of(const ModelTraces& traces, int layers) {
  const MeanTrace mean = mean_trace(traces);
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  std::vector<Layer> out(static_cast<size_t>(std::max(0, layers)));
  out.resize(std::min(out.size(), mean.trace.size()));
  for (size_t l = 0; l < out.size(); ++l) out[l] = {mean.trace[l], infinity, -infinity, mean.floor[l]};
  for (const PromptTrace& prompt : traces.prompts) {
    if (!is_finite(prompt)) continue;
    for (size_t l = 0; l < std::min(out.size(), prompt.trace.size()); ++l) {
      out[l].low = std::min(out[l].low, prompt.trace[l]);
      out[l].high = std::max(out[l].high, prompt.trace[l]);
    }
  }
  out.resize(static_cast<size_t>(std::max(0, layers)), Layer{nan, nan, nan, nan});
  return out;
}

struct Scale {
  Axes axes;
  double factor = 1;     // what values are multiplied with
  std::string exponent;  // "× 10⁴", or empty
};

// A step is a difference, so the axis is linear from zero, in tidy units; it is logarithmic, and says so, only where
// positive values span more than kLogRange or where the floor, which lies far below, is shown.
constexpr double kLogRange = 1e4;

Scale scale_of(const std::vector<Layer>& trace, const Box& box, bool with_floor) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  bool positive = true;
  const auto see = [&](double value) {
    positive = positive && value > 0;
    if (value > 0) low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const Layer& layer : trace) {
    if (!std::isfinite(layer.mean)) continue;
    see(layer.low);
    see(layer.high);
    if (with_floor) see(layer.floor);
  }
  Scale scale;
  scale.axes.box = box;
  scale.axes.tick_font = 6;
  const auto count = static_cast<double>(trace.size());
  scale.axes.x = {-0.5, std::max(1.0, count) - 0.5};
  scale.axes.x_ticks = linear_ticks({0, std::max(1.0, count - 1)}, 6, true);
  if (!(high > 0)) {  // an exactly zero or a missing trace
    scale.axes.y = {0, 1};
    scale.axes.y_ticks = linear_ticks(scale.axes.y, 5);
  } else if (high / low > (with_floor ? 30 : kLogRange) && (positive || with_floor)) {
    scale.axes.log_y = true;
    scale.exponent = "log";
    scale.axes.y = {std::max(low * 0.6, high * 1e-9), high * 1.7};
    scale.axes.y_ticks = log_ticks(scale.axes.y, 5);
  } else {
    const int power = static_cast<int>(std::floor(std::log10(high)));
    if (power >= 5 || power <= -3) {
      scale.factor = std::pow(10, -power);
      scale.exponent = fmt::format("× {}", log_ticks({std::pow(10, power), std::pow(10, power)}, 1).front().label);
    }
    scale.axes.y = {0, high * scale.factor * 1.12};
    scale.axes.y_ticks = linear_ticks(scale.axes.y, 5);
  }
  return scale;
}

// The layers that prompts name where they differ: their mean is the L* of none of them.
std::set<int> named_layers(const ModelScore& score) {
  std::set<int> layers;
  for (const std::optional<int>& layer : score.l_star_per_prompt)
    if (layer) layers.insert(*layer);
  return layers;
}

// A vertical line at a layer with its value above the frame; an arrow at the edge for what lies beyond the layers.
void mark_layer(Canvas& canvas, const Axes& axes, double layer, std::string_view colour, bool dashed, double row,
                const std::string& text) {
  const Box& box = axes.box;
  const double width = text_width(text, 6);
  const bool beyond = layer > axes.x.high, before = layer < axes.x.low;
  const double x = std::clamp(axes.to_x(layer), box.x, box.right());
  const double y = box.top() + 5 + 7 * row;
  if (beyond || before) {
    const double tip = beyond ? box.right() + 9 : box.x - 9, tail = beyond ? box.right() - 6 : box.x + 6;
    canvas.arrow(tail, y, tip, y, 0.9, colour);
    canvas.text(beyond ? tail - 3 : tail + 3, y, text, 6, beyond ? Anchor::right : Anchor::left, colour);
    return;
  }
  canvas.line(x, box.y, x, box.top(), 1.0, colour, dashed);
  const double centre = std::clamp(x, box.x + width / 2, box.right() - width / 2);
  canvas.text(centre, y, text, 6, Anchor::centre, colour);
}

void panel(Canvas& canvas, const ModelResult& model, const ModelScore& score, const Box& box) {
  const int layers = model.measurement.shape.layers;
  ModelTraces none;
  const ModelTraces* traces = &none;
  for (const ModelTraces& candidate : model.traces)
    if (candidate.estimator == score.estimator) traces = &candidate;
  const std::vector<Layer> trace = layers_of(*traces, layers);

  // The floor is shown where it can be told from zero.
  bool with_floor = false;
  for (const Layer& layer : trace) with_floor = with_floor || layer.floor > 0.02 * layer.high;
  const Scale scale = scale_of(trace, box, with_floor);
  const Axes& axes = scale.axes;

  canvas.text(box.x, box.top() + 31, fit_text(one_line(short_name(model.entry.name)), 7.5 * 1.12, box.width), 7.5,
              Anchor::left, kInk, 0, true);
  canvas.text(box.x, box.top() + 22, fit_text(one_line(model.entry.lab), 6.5, box.width), 6.5, Anchor::left, "#555555");
  if (!scale.exponent.empty()) canvas.text(box.x - 18, box.top() + 6, scale.exponent, 5.5, Anchor::left, "#333333");
  if (model.predicted)
    mark_layer(canvas, axes, *model.predicted, kPredicted, true, 1, fmt::format("predicted {:.1f}", *model.predicted));
  if (score.l_star) {
    const std::set<int> named = named_layers(score);
    const std::string spread = named.size() > 1 ? fmt::format(" ± {:.1f}", score.l_star_std.value_or(0)) : "";
    const std::string text = fmt::format("L* {:.1f}{}{}", *score.l_star, spread, score.resolved ? "" : " not resolved");
    if (named.size() <= 1) {
      mark_layer(canvas, axes, *score.l_star, kMeasured, !score.resolved, 0, text);
    } else {
      for (const int layer : named)
        canvas.line(axes.to_x(layer), box.y, axes.to_x(layer), box.top(), 0.5, kMeasured, !score.resolved);
      const double half = text_width(text, 6) / 2;
      canvas.text(std::clamp(axes.to_x(*score.l_star), box.x + half, box.right() - half), box.top() + 5, text, 6,
                  Anchor::centre, kMeasured);
    }
  } else {
    canvas.text(box.x + box.width / 2, box.top() - 8, "no L*", 6.5, Anchor::centre, kMeasured);
  }

  // What a log axis cannot show, an exact zero, lies on its lower edge.
  const auto shown = [&](double value) {
    return axes.log_y ? std::max(value * scale.factor, axes.y.low) : value * scale.factor;
  };
  std::vector<std::vector<double>> band, line, floor;
  for (size_t l = 0; l < trace.size(); ++l) {
    const Layer& layer = trace[l];
    const auto x = static_cast<double>(l);
    if (!std::isfinite(layer.mean)) continue;
    band.push_back({x, shown(layer.low), shown(layer.high)});
    line.push_back({x, shown(layer.mean)});
    floor.push_back({x, shown(layer.floor)});
  }
  if (line.empty()) {
    canvas.plot(axes, "NaN");
    return;
  }
  std::string curves = fmt::format(
      "{} using 1:2:3 with filledcurves fillcolor rgb '{}' fillstyle transparent solid "
      "0.25 noborder",
      canvas.data(band), kLine);
  if (with_floor)
    curves += fmt::format(", {} using 1:2 with lines linewidth 0.9 dashtype (2,3) linecolor rgb '{}'",
                          canvas.data(floor), kFloor);
  curves += fmt::format(", {} using 1:2 with linespoints pointtype 7 pointsize {:g} linewidth 1.1 linecolor rgb '{}'",
                        canvas.data(line), layers <= 32 ? 0.32 : 0.18, kLine);
  canvas.plot(axes, curves);
}

}  // namespace

Figure traces_figure(const StudyResult& result, size_t estimator) {
  std::vector<const ModelResult*> models;
  for (const ModelResult& model : result.models)
    if (estimator < model.scores.size()) models.push_back(&model);

  const int count = static_cast<int>(models.size());
  const int columns = count <= 2 || count == 4 ? std::clamp(count, 1, 2) : 3;
  const double panel_height = columns < 3 ? 120 : 92;
  const int rows = std::max(1, (count + columns - 1) / columns);
  const double width = (kWidth - kLeft - 14 - (columns - 1) * kGap) / columns;
  const std::string method = estimator < result.summaries.size() ? result.summaries[estimator].estimator : "";
  bool any_floor = false;
  for (const ModelResult* model : models)
    for (const ModelTraces& traces : model->traces)
      if (traces.estimator == method)
        for (const Layer& layer : layers_of(traces, model->measurement.shape.layers))
          any_floor = any_floor || layer.floor > 0.02 * layer.high;
  std::vector<LegendItem> legend{
      {LegendItem::Kind::solid, std::string(kLine), "trace, mean over prompts"},
      {LegendItem::Kind::band, std::string(kLine), "smallest to largest prompt"},
      {LegendItem::Kind::solid, std::string(kMeasured), fmt::format("L* of each prompt ({})", result.study.detector)},
      {LegendItem::Kind::dashed, std::string(kPredicted), fmt::format("predicted ({})", result.study.formula)}};
  if (any_floor) legend.push_back({LegendItem::Kind::dashed, std::string(kFloor), "rounding floor"});

  const double keys = legend_height(legend, kWidth - kLeft - 12, kFont);
  const double row_height = panel_height + kAroundPanel, height = rows * row_height + keys + 24;
  Canvas canvas(kWidth, height);
  canvas.text(kLeft, height - 9, fmt::format("Trace by Layer ({})", method), 9, Anchor::left, kInk, 0, true);
  draw_legend(canvas, legend, kLeft, height - 17, kWidth - kLeft - 12, kFont);
  for (int i = 0; i < count; ++i) {
    const int row = i / columns, column = i % columns;
    const Box box{kLeft + column * (width + kGap), (rows - 1 - row) * row_height + kBottom, width, panel_height};
    if (i + columns >= count) canvas.text(box.x + box.width / 2, box.y - 19, "layer", 7, Anchor::centre, kInk);
    if (column == 0) canvas.text(box.x - 29, box.y + box.height / 2, "trace", 7, Anchor::centre, kInk, 90);
    panel(canvas, *models[static_cast<size_t>(i)], models[static_cast<size_t>(i)]->scores[estimator], box);
  }
  return std::move(canvas).figure();
}

}  // namespace lstar
