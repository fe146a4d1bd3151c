// Drawing on a figure in points (1/72 inch, y upwards): text, lines, marks and the plots among them. Collects gnuplot
// commands; used by the figures of this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lstar/report/figures/gnuplot.h"
#include "lstar/report/figures/label_placement.h"

namespace lstar {

enum class Anchor { left, centre, right };
enum class Mark { disc = 7, ring = 6 };

struct Range {
  double low = 0, high = 1;
};

// One tick of an axis.
struct Tick {
  double at = 0;
  std::string label;
};

// The axes of one plot: gnuplot draws frame, grid and data; the rest of the figure is drawn around it.
struct Axes {
  Box box;
  Range x, y;
  bool log_y = false;
  std::vector<Tick> x_ticks, y_ticks;
  double tick_font = 7;
  bool grid_x = true, grid_y = true;

  double to_x(double value) const;  // data to points
  double to_y(double value) const;
};

class Canvas {
 public:
  Canvas(double width, double height);

  // What is drawn before a plot() belongs to it and appears with it.
  void text(double x, double y, std::string_view what, double size, Anchor = Anchor::left,
            std::string_view colour = "#222222", double rotate = 0, bool bold = false);
  void line(double x0, double y0, double x1, double y1, double width, std::string_view colour, bool dashed = false);
  void arrow(double x0, double y0, double x1, double y1, double width, std::string_view colour);
  void mark(double x, double y, Mark, double diameter, double width, std::string_view colour);
  void rectangle(const Box&, std::string_view fill, double opacity);

  // A plot of `curves`: the arguments of gnuplot's plot, reading data blocks made by data().
  void plot(const Axes&, const std::string& curves);
  // Rows of numbers as a data block; returns its name.
  std::string data(const std::vector<std::vector<double>>& rows);

  Figure figure() &&;

 private:
  double width_, height_;
  std::string header_, pending_, plots_;
  int blocks_ = 0;
};

// Round tick positions for a range; `integers` keeps them whole.
std::vector<Tick> linear_ticks(Range, int about, bool integers = false);
std::vector<Tick> log_ticks(Range, int at_most);

// An entry of a legend, and a row-wise flow of them.
struct LegendItem {
  enum class Kind { disc, ring, bar, solid, dashed, band } kind = Kind::disc;
  std::string colour;
  std::string text;
};
// Height that the legend takes when it is set in `width`.
double legend_height(const std::vector<LegendItem>&, double width, double font);
void draw_legend(Canvas&, const std::vector<LegendItem>&, double x, double top, double width, double font);

}  // namespace lstar
