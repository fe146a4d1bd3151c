#include "lstar/report/figures/figure_residuals.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lstar/report/figures/figure.h"
#include "lstar/report/figures/figure_canvas.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr double kPageWidth = 504, kPanelHeight = 120, kPanelGap = 44, kMargin = 44, kTextSize = 6.5, kDotSize = 5.5;
constexpr std::string_view kText = "#222222";

struct Left {
  std::string label, colour;
  double fitted, residual;  // % of L
  bool resolved;
};

std::vector<Left> residuals_of(const FitStudy& study, const FittedForm& form, const std::vector<LabColour>& colours,
                               double room) {
  std::vector<Left> all;
  for (size_t i = 0; i < form.predicted.size(); ++i) {
    const MeasuredPoint& model = study.measured.models[i];
    const auto colour = std::find_if(colours.begin(), colours.end(),
                                     [&](const LabColour& entry) { return entry.lab == model.point.lab; });
    const double fitted = 100 * form.predicted[i] / model.point.layers;
    all.push_back({fit_text(one_line(short_name(model.model)), kTextSize, room), colour->colour, fitted,
                   100 * model.point.l_star / model.point.layers - fitted, model.is_resolved});
  }
  return all;
}

// The same in every panel, so that forms can be held against each other by eye.
Range reach_of(const FitStudy& study) {
  double most = 5;
  for (const FittedForm& form : study.forms)
    for (size_t i = 0; i < form.predicted.size(); ++i) {
      const ModelPoint& point = study.measured.models[i].point;
      most = std::max(most, 100 * std::fabs(point.l_star - form.predicted[i]) / point.layers);
    }
  return {-1.15 * most, 1.15 * most};
}

void panel(Canvas& canvas, const FittedForm& form, const std::vector<Left>& left, const Box& box, Range residuals) {
  double low = 0, high = 100;
  for (const Left& one : left) low = std::min(low, one.fitted), high = std::max(high, one.fitted);
  Axes axes{.box = box, .x = {low - 3, high + 3}, .y = residuals};
  axes.x_ticks = linear_ticks(axes.x, 5);
  axes.y_ticks = linear_ticks(axes.y, 5);
  axes.tick_font = 6;
  canvas.line(box.x, axes.to_y(0), box.right(), axes.to_y(0), 0.8, "#777777", true);

  std::vector<LabelRequest> requests;
  for (const Left& one : left)
    requests.push_back(
        {axes.to_x(one.fitted), axes.to_y(one.residual), text_width(one.label, kTextSize) + 1, kTextSize * 1.12});
  const Box inside{box.x + 2, box.y + 2, box.width - 4, box.height - 4};
  const std::vector<Box> zero{{box.x, axes.to_y(0) - 0.5, box.width, 1}};  // which no name is written across
  constexpr size_t kNamed = 30;                                            // more would cover the marks
  const std::vector<PlacedLabel> labels = left.size() <= kNamed ? place_labels(requests, inside, zero, kDotSize / 2)
                                                                : std::vector<PlacedLabel>(left.size());
  for (size_t i = 0; i < left.size(); ++i) {
    if (labels[i].placed) {
      const Box& at = labels[i].box;
      if (labels[i].leader)
        canvas.line(requests[i].x, requests[i].y, labels[i].leader_x, labels[i].leader_y, 0.4, "#888888");
      canvas.text(at.x + 0.5, at.y + at.height / 2, left[i].label, kTextSize, Anchor::left, kText);
    }
    canvas.mark(requests[i].x, requests[i].y, left[i].resolved ? Mark::disc : Mark::ring, kDotSize,
                left[i].resolved ? 0.2 : 1.1, left[i].colour);
  }
  std::string title = std::string(form.form->name) + (form.is_bounded ? ", bounded" : "");
  canvas.text(box.x, box.top() + 8, title, 8, Anchor::left, kText, 0, true);
  if (form.mape)
    canvas.text(box.right(), box.top() + 8, fmt::format("error {:.1f} %", *form.mape), kTextSize, Anchor::right, kText);
  canvas.text(box.x + box.width / 2, box.y - 19, "fitted L* (% of L)", 7, Anchor::centre, kText);
  canvas.text(box.x - 25, box.y + box.height / 2, "residual (% of L)", 7, Anchor::centre, kText, 90);
  canvas.plot(axes, "NaN");
}

}  // namespace

Figure residuals_figure(const FitStudy& study) {
  std::vector<const FittedForm*> shown;
  for (const FittedForm& form : study.forms)
    if (form.reason.empty()) shown.push_back(&form);
  std::vector<std::string> labs;
  for (const MeasuredPoint& model : study.measured.models) labs.push_back(model.point.lab);
  const std::vector<LabColour> colours = lab_colours(labs);
  std::vector<LegendItem> legend;
  for (const LabColour& entry : colours)
    legend.push_back({LegendItem::Kind::disc, entry.colour, shorten(one_line(entry.lab), 30)});
  if (std::any_of(study.measured.models.begin(), study.measured.models.end(),
                  [](const auto& m) { return !m.is_resolved; }))
    legend.push_back({LegendItem::Kind::ring, "#555555", "L* not resolved"});

  constexpr int kAcross = 2;
  const int rows = (static_cast<int>(shown.size()) + kAcross - 1) / kAcross;
  const double keys = legend_height(legend, kPageWidth - kMargin - 12, kTextSize);
  const double width = (kPageWidth - kMargin - 12 - kMargin) / kAcross;
  const double height = keys + 26 + rows * (kPanelHeight + kPanelGap);
  Canvas canvas(kPageWidth, height);
  draw_legend(canvas, legend, kMargin, height - 4, kPageWidth - kMargin - 12, kTextSize);
  canvas.text(kMargin, height - keys - 12,
              fmt::format("L* by {}, {}", one_line(study.measured.estimator), one_line(study.measured.detector)), 7,
              Anchor::left, kText);
  const Range residuals = reach_of(study);
  for (size_t k = 0; k < shown.size(); ++k) {
    const size_t below = k / kAcross;
    const auto row = static_cast<double>(below), column = static_cast<double>(k % kAcross);
    const Box box{kMargin + column * (width + kMargin),
                  height - keys - 32 - row * (kPanelHeight + kPanelGap) - kPanelHeight, width, kPanelHeight};
    panel(canvas, *shown[k], residuals_of(study, *shown[k], colours, 0.5 * width), box, residuals);
  }
  return std::move(canvas).figure();
}

}  // namespace lstar
