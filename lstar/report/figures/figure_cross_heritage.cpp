#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include <fmt/core.h>

#include "lstar/report/figures/figure.h"
#include "lstar/report/figures/figure_canvas.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr double kWidth = 504, kPlot = 190, kFont = 7, kMark = 6.5, kLabWidth = 90, kSmall = 6.5, kSmallLine = 8.5;
constexpr std::string_view kInk = "#222222", kThreshold = "#E08E0B", kNoise = "#7B1E7A", kSimpler = "#0B2A4A";

// A height across the errors that the legend names.
struct Level {
  double error;
  std::string colour, text;
};

struct Point {
  std::string label, lab, colour;
  double predicted, measured, deviation, error;
  bool resolved;
};

// "#E74C3C" at 60 % of its lightness, for text.
std::string darker(const std::string& colour) {
  std::string dark = "#";
  for (size_t i = 1; i + 1 < colour.size(); i += 2)
    dark += fmt::format("{:02x}", std::stoi(colour.substr(i, 2), nullptr, 16) * 6 / 10);
  return dark;
}

std::vector<Point> points_of(const StudyResult& result, size_t estimator) {
  const std::vector<LabColour> colours = lab_colours(result);
  std::vector<Point> points;
  for (const ModelResult& model : result.models) {
    if (estimator >= model.scores.size()) continue;
    const ModelScore& score = model.scores[estimator];
    if (!model.predicted || !score.l_star || !score.error_pct) continue;
    const auto colour = std::find_if(colours.begin(), colours.end(),
                                     [&](const LabColour& entry) { return entry.lab == model.entry.lab; });
    points.push_back({fit_text(one_line(short_name(model.entry.name)), kFont, 0.5 * kPlot), model.entry.lab,
                      colour->colour, *model.predicted, *score.l_star, score.l_star_std.value_or(0), *score.error_pct,
                      score.resolved});
  }
  return points;
}

// How many of the points before i lie where i lies: coinciding points are drawn one inside the other.
std::vector<int> depth_in_stack(const std::vector<Point>& points) {
  std::vector<int> depth(points.size(), 0);
  for (size_t i = 0; i < points.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      depth[i] += points[i].predicted == points[j].predicted && points[i].measured == points[j].measured;
  return depth;
}

void draw_mark(Canvas& canvas, double x, double y, const std::string& colour, bool resolved, double diameter,
               bool white_inside) {
  if (resolved || white_inside) canvas.mark(x, y, Mark::disc, diameter + 1.2, 0.2, "#ffffff");
  if (resolved)
    canvas.mark(x, y, Mark::disc, diameter, 0.2, colour);
  else
    canvas.mark(x, y, Mark::ring, diameter - 0.8, 1.1, colour);
}

void predicted_against_measured(Canvas& canvas, const std::vector<Point>& points, const Box& box,
                                const std::string& formula, const std::string& method) {
  double high = 1;
  for (const Point& p : points) high = std::max({high, p.predicted, p.measured + p.deviation});
  const Range range{0, high * 1.12};
  Axes axes{.box = box, .x = range, .y = range};
  axes.x_ticks = axes.y_ticks = linear_ticks(range, 6);

  std::vector<LabelRequest> requests;
  std::vector<Box> bars;
  for (const Point& p : points) {
    const double x = axes.to_x(p.predicted), y = axes.to_y(p.measured);
    requests.push_back({x, y, text_width(p.label, kFont) + 1, kFont * 1.12});
    if (p.deviation > 0) {
      const double bottom = axes.to_y(std::max(0.0, p.measured - p.deviation));
      bars.push_back({x - 2, bottom, 4, axes.to_y(p.measured + p.deviation) - bottom});
    }
  }
  canvas.line(axes.to_x(0), axes.to_y(0), axes.to_x(range.high), axes.to_y(range.high), 0.8, "#777777", true);
  for (size_t i = 0; i < points.size(); ++i) {
    const Point& p = points[i];
    if (!(p.deviation > 0)) continue;
    const double x = requests[i].x, low = axes.to_y(std::max(0.0, p.measured - p.deviation)),
                 top = axes.to_y(p.measured + p.deviation);
    canvas.line(x, low, x, top, 0.8, p.colour);
    canvas.line(x - 2, low, x + 2, low, 0.8, p.colour);
    canvas.line(x - 2, top, x + 2, top, 0.8, p.colour);
  }
  const Box inside{box.x + 2, box.y + 2, box.width - 4, box.height - 4};
  const std::vector<PlacedLabel> labels = place_labels(requests, inside, bars, kMark / 2);
  for (size_t i = 0; i < points.size(); ++i) {
    const PlacedLabel& label = labels[i];
    if (!label.placed) continue;
    if (label.leader) canvas.line(requests[i].x, requests[i].y, label.leader_x, label.leader_y, 0.4, "#888888");
    canvas.text(label.box.x + 0.5, label.box.y + label.box.height / 2, points[i].label, kFont, Anchor::left,
                darker(points[i].colour));
  }
  const std::vector<int> depth = depth_in_stack(points);
  for (size_t i = 0; i < points.size(); ++i) {
    draw_mark(canvas, requests[i].x, requests[i].y, points[i].colour, points[i].resolved,
              kMark * std::pow(0.6, depth[i]), false);
  }
  canvas.text(box.x + box.width / 2, box.y - 21, fmt::format("L* predicted ({})", formula), 7.5, Anchor::centre, kInk);
  canvas.text(box.x - 23, box.y + box.height / 2, fmt::format("L* empirical ({})", method), 7.5, Anchor::centre, kInk,
              90);
  canvas.text(box.x, box.top() + 9, "Cross-Heritage L* Validation", 9, Anchor::left, kInk, 0, true);
  canvas.plot(axes, "NaN");
}

std::string shown_simple(const std::string& name) {
  return name == "half"            ? "L/2"
         : name == "two_thirds"    ? "2L/3"
         : name.starts_with("con") ? "a constant fraction"
                                   : name;
}

// The notebook's threshold, and what says whether an error is a small one: what noise and the best prediction that asks
// for no calibration score on the same models.
std::vector<Level> levels_of(const StudyResult& result, size_t estimator) {
  std::vector<Level> levels{{10, std::string(kThreshold), "10 % threshold"}};
  if (estimator >= result.summaries.size()) return levels;
  const EstimatorSummary& s = result.summaries[estimator];
  if (!s.chance.formulas.empty()) {
    const double noise = s.chance.formulas.front().noise.expected;
    levels.push_back({noise, std::string(kNoise), fmt::format("noise on the same models: {:.1f} %", noise)});
  }
  const Baseline* best = nullptr;
  for (const Baseline& one : s.baselines)
    if (one.is_simple && one.mape && one.name != result.study.formula && (!best || *one.mape < *best->mape))
      best = &one;
  if (best)
    levels.push_back({*best->mape, std::string(kSimpler),
                      fmt::format("best simpler prediction, {}: {:.1f} %", shown_simple(best->name), *best->mape)});
  std::erase_if(levels, [](const Level& level) { return !std::isfinite(level.error); });
  return levels;
}

void error_by_lab(Canvas& canvas, const std::vector<Point>& points, const std::vector<std::string>& labs,
                  const Box& box, bool rotated, std::optional<double> overall, const std::vector<Level>& levels) {
  double high = 10;
  for (const Point& p : points) high = std::max(high, p.error);
  for (const Level& level : levels) high = std::max(high, level.error);
  Axes axes{.box = box, .x = {-0.6, static_cast<double>(labs.size()) - 0.4}, .y = {0, high * 1.12}};
  axes.y_ticks = linear_ticks(axes.y, 6);
  axes.grid_x = false;

  const double slot = box.width / (axes.x.high - axes.x.low);
  for (size_t k = 0; k < labs.size(); ++k) {
    std::vector<const Point*> in_lab;
    for (const Point& p : points)
      if (p.lab == labs[k]) in_lab.push_back(&p);
    const double x = axes.to_x(static_cast<double>(k));
    if (rotated)
      canvas.text(x + 2, box.y - 6, fit_text(one_line(labs[k]), kFont, kLabWidth), kFont, Anchor::right, kInk, 30);
    else
      canvas.text(x, box.y - 9, fit_text(one_line(labs[k]), kFont, kLabWidth), kFont, Anchor::centre, kInk);
    if (in_lab.empty()) {  // not an error of 0
      canvas.text(x, box.y + 5, "no L*", kFont, Anchor::centre, kInk);
      continue;
    }
    double sum = 0;
    for (const Point* p : in_lab) sum += p->error;
    const double width = std::min(0.62 * slot, 34.0);
    canvas.rectangle({x - width / 2, box.y, width, axes.to_y(sum / static_cast<double>(in_lab.size())) - box.y},
                     in_lab.front()->colour, 0.7);

    // Points whose errors are nearly equal stand side by side.
    std::stable_sort(in_lab.begin(), in_lab.end(), [](const Point* a, const Point* b) { return a->error < b->error; });
    constexpr double kDot = 4.4;
    for (size_t i = 0; i < in_lab.size();) {
      size_t end = i + 1;
      while (end < in_lab.size() && axes.to_y(in_lab[end]->error) - axes.to_y(in_lab[end - 1]->error) < kDot) ++end;
      const auto count = static_cast<double>(end - i);
      const double apart = count > 1 ? std::min(kDot + 1, 0.9 * slot / count) : 0;
      for (size_t j = i; j < end; ++j)
        draw_mark(canvas, x + (static_cast<double>(j - i) - (count - 1) / 2) * apart, axes.to_y(in_lab[j]->error),
                  std::string(kInk), in_lab[j]->resolved, kDot, true);
      i = end;
    }
  }
  for (const Level& level : levels)
    canvas.line(box.x, axes.to_y(level.error), box.right(), axes.to_y(level.error), 1.0, level.colour, true);
  double ticks = 0;
  for (const Tick& tick : axes.y_ticks) ticks = std::max(ticks, text_width(tick.label, axes.tick_font));
  canvas.text(box.x - std::max(23.0, ticks + 13), box.y + box.height / 2, "Error (% of depth)", 7.5, Anchor::centre,
              kInk, 90);
  canvas.text(box.x, box.top() + 9, "L* Formula Error by Lab", 9, Anchor::left, kInk, 0, true);
  if (overall)  // beside the title there is room for two digits with both words
    canvas.text(box.right(), box.top() + 9,
                fmt::format("{}MAPE {:.1f} %", *overall < 99.95 ? "overall " : "", *overall), kFont, Anchor::right,
                kInk);
  canvas.plot(axes, "NaN");
}

// The verdict with all that stands beside it, in lines of this width.
std::vector<std::string> lines_of(const std::string& text, double font, double width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::string longer = lines.empty() ? word : lines.back() + " " + word;
    if (lines.empty() || text_width(longer, font) > width)
      lines.push_back(word);
    else
      lines.back() = longer;
  }
  return lines;
}

}  // namespace

Figure cross_heritage_figure(const StudyResult& result, size_t estimator) {
  const std::vector<Point> points = points_of(result, estimator);
  std::vector<std::string> labs;
  std::vector<LegendItem> legend;
  for (const LabColour& entry : lab_colours(result)) {
    labs.push_back(entry.lab);
    legend.push_back({LegendItem::Kind::disc, entry.colour, shorten(one_line(entry.lab), 30)});
  }
  const bool any_unresolved = std::any_of(points.begin(), points.end(), [](const Point& p) { return !p.resolved; });
  if (any_unresolved) legend.push_back({LegendItem::Kind::ring, "#555555", "L* not resolved"});
  legend.push_back({LegendItem::Kind::disc, std::string(kInk), "one model"});
  const std::vector<Level> levels = levels_of(result, estimator);
  for (const Level& level : levels) legend.push_back({LegendItem::Kind::dashed, level.colour, level.text});

  // Names of labs stand upright where each fits its slot.
  const double left = 44, right_x = 290, right_width = kWidth - 12 - right_x;
  double longest = 0;
  for (const std::string& lab : labs)
    longest = std::max(longest, text_width(fit_text(one_line(lab), kFont, kLabWidth), kFont));
  const bool rotated = longest + 4 > right_width / (static_cast<double>(labs.size()) + 0.2);
  const bool known = estimator < result.summaries.size();
  std::vector<std::string> verdict;
  if (known) verdict = lines_of("VERDICT: " + verdict_sentence(result, estimator), kSmall, kWidth - left - 12);
  const double foot = static_cast<double>(verdict.size()) * kSmallLine + 4;
  const double bottom = foot + std::max(34.0, rotated ? 14 + longest * 0.5 : 0);
  const double keys = legend_height(legend, kWidth - left - 12, kFont);
  const double height = bottom + kPlot + 18 + 6 + keys + 4;

  Canvas canvas(kWidth, height);
  draw_legend(canvas, legend, left, height - 4, kWidth - left - 12, kFont);
  for (size_t i = 0; i < verdict.size(); ++i)
    canvas.text(left, foot - (static_cast<double>(i) + 0.5) * kSmallLine, verdict[i], kSmall, Anchor::left, kInk);
  const std::string method = known ? result.summaries[estimator].estimator + ", " + result.study.detector : "";
  std::optional<double> overall;
  if (known) overall = result.summaries[estimator].overall_mape;
  predicted_against_measured(canvas, points, {left, bottom, kPlot, kPlot}, result.study.formula, method);
  error_by_lab(canvas, points, labs, {right_x, bottom, right_width, kPlot}, rotated, overall, levels);
  return std::move(canvas).figure();
}

}  // namespace lstar
