#include "lstar/report/figures/figure_canvas.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/core.h>

#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr double kMarkDiameter = 6.7;  // points, of gnuplot's mark of size 1

std::string number(double value) { return fmt::format("{:.12g}", value); }

std::string superscript(int exponent) {
  constexpr std::array<const char*, 10> digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text;
  for (const char c : std::to_string(exponent)) text += c == '-' ? "⁻" : digits[static_cast<size_t>(c - '0')];
  return text;
}

std::string tick_list(const std::vector<Tick>& ticks) {
  std::string list;
  for (const Tick& tick : ticks)
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", gnuplot_quote(tick.label), number(tick.at));
  return fmt::format("({})", list);
}

}  // namespace

double Axes::to_x(double value) const { return box.x + (value - x.low) / (x.high - x.low) * box.width; }

double Axes::to_y(double value) const {
  const double share = log_y ? std::log(value / y.low) / std::log(y.high / y.low) : (value - y.low) / (y.high - y.low);
  return box.y + share * box.height;
}

Canvas::Canvas(double width, double height) : width_(width), height_(height) {}

void Canvas::text(double x, double y, std::string_view what, double size, Anchor anchor, std::string_view colour,
                  double rotate, bool bold) {
  constexpr std::array<std::string_view, 3> anchors{"left", "center", "right"};
  pending_ += fmt::format(
      "set label {} at screen {:.6f},{:.6f} {} rotate by {:g} front font 'DejaVu Sans{},{:g}' "
      "textcolor rgb '{}'\n",
      gnuplot_quote(one_line(what)), x / width_, y / height_, anchors[static_cast<size_t>(anchor)], rotate,
      bold ? ":Bold" : "", size, colour);
}

void Canvas::line(double x0, double y0, double x1, double y1, double width, std::string_view colour, bool dashed) {
  pending_ += fmt::format(
      "set arrow from screen {:.6f},{:.6f} to screen {:.6f},{:.6f} nohead back linewidth {:g} dashtype {} "
      "linecolor rgb '{}'\n",
      x0 / width_, y0 / height_, x1 / width_, y1 / height_, width, dashed ? "(6,4)" : "solid", colour);
}

void Canvas::arrow(double x0, double y0, double x1, double y1, double width, std::string_view colour) {
  pending_ += fmt::format(
      "set arrow from screen {:.6f},{:.6f} to screen {:.6f},{:.6f} head filled size screen {:.6f},20 front "
      "linewidth {:g} linecolor rgb '{}'\n",
      x0 / width_, y0 / height_, x1 / width_, y1 / height_, 4.5 / width_, width, colour);
}

void Canvas::mark(double x, double y, Mark kind, double diameter, double width, std::string_view colour) {
  pending_ += fmt::format(
      "set label '' at screen {:.6f},{:.6f} front point pointtype {} pointsize {:.4f} linewidth {:g} "
      "linecolor rgb '{}'\n",
      x / width_, y / height_, static_cast<int>(kind), diameter / kMarkDiameter, width, colour);
}

void Canvas::rectangle(const Box& box, std::string_view fill, double opacity) {
  pending_ += fmt::format(
      "set object rectangle from screen {:.6f},{:.6f} to screen {:.6f},{:.6f} back fillcolor rgb '{}' "
      "fillstyle transparent solid {:g} noborder\n",
      box.x / width_, box.y / height_, box.right() / width_, box.top() / height_, fill, opacity);
}

std::string Canvas::data(const std::vector<std::vector<double>>& rows) {
  std::string block = fmt::format("$block{}", ++blocks_);
  header_ += block + " << end_of_block\n";
  for (const auto& row : rows) {
    for (size_t j = 0; j < row.size(); ++j) header_.append(j ? " " : "").append(number(row[j]));
    header_ += '\n';
  }
  header_ += "end_of_block\n";
  return block;
}

void Canvas::plot(const Axes& axes, const std::string& curves) {
  const Box& b = axes.box;
  plots_ += pending_;
  pending_.clear();
  plots_ +=
      fmt::format("set lmargin at screen {:.6f}\nset rmargin at screen {:.6f}\n", b.x / width_, b.right() / width_);
  plots_ +=
      fmt::format("set bmargin at screen {:.6f}\nset tmargin at screen {:.6f}\n", b.y / height_, b.top() / height_);
  plots_ += fmt::format("set xrange [{}:{}]\nset yrange [{}:{}]\n", number(axes.x.low), number(axes.x.high),
                        number(axes.y.low), number(axes.y.high));
  plots_ += axes.log_y ? "set logscale y 10\n" : "unset logscale y\n";
  const std::string style = fmt::format("nomirror out scale 0.4 font ',{:g}' textcolor rgb '#333333'", axes.tick_font);
  plots_ += axes.x_ticks.empty() ? "unset xtics\n"
                                 : fmt::format("set xtics {} offset 0,0.35 {}\n", style, tick_list(axes.x_ticks));
  plots_ += axes.y_ticks.empty() ? "unset ytics\n"
                                 : fmt::format("set ytics {} offset 0.5,0 {}\n", style, tick_list(axes.y_ticks));
  plots_ += fmt::format("unset grid\nset grid {} {} back linewidth 0.4 dashtype solid linecolor rgb '#e4e4e4'\n",
                        axes.grid_x ? "xtics" : "noxtics", axes.grid_y ? "ytics" : "noytics");
  plots_ += "plot " + curves + "\nunset label\nunset arrow\nunset object\n";
}

Figure Canvas::figure() && {
  Figure made{width_, height_, {}};
  made.commands = std::string("set encoding utf8\n") + header_ +
                  "unset key\nset border 3 linewidth 0.6 linecolor rgb '#444444'\n"
                  "set multiplot\n" +
                  plots_ + "unset multiplot\n";
  return made;
}

std::vector<Tick> linear_ticks(Range range, int about, bool integers) {
  const double span = range.high - range.low;
  if (!(span > 0) || !std::isfinite(span)) return {};
  double step = std::pow(10, std::floor(std::log10(span / about)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0})
    if (span / (step * factor) <= about) {
      step *= factor;
      break;
    }
  if (integers) step = std::max(1.0, std::round(step));
  std::vector<Tick> ticks;
  const auto first = static_cast<int64_t>(std::ceil(range.low / step - 1e-9));
  const auto last = static_cast<int64_t>(std::floor(range.high / step + 1e-9));
  for (int64_t k = first; k <= last; ++k) {
    const double at = static_cast<double>(k) * step;
    ticks.push_back({at, fmt::format("{:.6g}", at)});
  }
  return ticks;
}

std::vector<Tick> log_ticks(Range range, int at_most) {
  const int first = static_cast<int>(std::ceil(std::log10(range.low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(range.high) + 1e-9));
  const int every = std::max(1, (last - first + at_most) / std::max(1, at_most));
  std::vector<Tick> ticks;
  for (int e = first; e <= last; e += every) ticks.push_back({std::pow(10, e), fmt::format("10{}", superscript(e))});
  return ticks;
}

namespace {

constexpr double kSymbolWidth = 12, kSymbolGap = 4, kItemGap = 12;

double item_width(const LegendItem& item, double font) {
  return kSymbolWidth + kSymbolGap + text_width(item.text, font);
}

// Calls place(item, x, row) for the flow; returns the number of rows.
template <class F>
int flow(const std::vector<LegendItem>& items, double width, double font, F place) {
  double x = 0;
  int row = 0;
  for (const LegendItem& item : items) {
    const double w = item_width(item, font);
    if (x > 0 && x + w > width) {
      x = 0;
      ++row;
    }
    place(item, x, row);
    x += w + kItemGap;
  }
  return items.empty() ? 0 : row + 1;
}

}  // namespace

double legend_height(const std::vector<LegendItem>& items, double width, double font) {
  return flow(items, width, font, [](const LegendItem&, double, int) {}) * font * 1.7;
}

void draw_legend(Canvas& canvas, const std::vector<LegendItem>& items, double x0, double top, double width,
                 double font) {
  flow(items, width, font, [&](const LegendItem& item, double dx, int row) {
    const double x = x0 + dx, y = top - (row + 0.5) * font * 1.7, middle = x + kSymbolWidth / 2;
    switch (item.kind) {
      case LegendItem::Kind::disc: canvas.mark(middle, y, Mark::disc, 6, 1, item.colour); break;
      case LegendItem::Kind::ring: canvas.mark(middle, y, Mark::ring, 5.5, 1, item.colour); break;
      case LegendItem::Kind::bar: canvas.rectangle({x + 2, y - 3, kSymbolWidth - 4, 6}, item.colour, 0.75); break;
      case LegendItem::Kind::band: canvas.rectangle({x, y - 3, kSymbolWidth, 6}, item.colour, 0.25); break;
      case LegendItem::Kind::solid: canvas.line(x, y, x + kSymbolWidth, y, 1.2, item.colour); break;
      case LegendItem::Kind::dashed: canvas.line(x, y, x + kSymbolWidth, y, 1.2, item.colour, true); break;
    }
    canvas.text(x + kSymbolWidth + kSymbolGap, y, item.text, font, Anchor::left, "#333333");
  });
}

}  // namespace lstar
