// Where the labels of points in a plot go, so that none covers another label, a point or an error bar. All lengths are
// in points (1/72 inch), y upwards. Pure and deterministic.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lstar {

struct Box {
  double x = 0, y = 0, width = 0, height = 0;  // lower left corner and size
  double right() const { return x + width; }
  double top() const { return y + height; }
  bool overlaps(const Box& o) const { return x < o.right() && o.x < right() && y < o.top() && o.y < top(); }
  bool contains(const Box& o) const { return x <= o.x && o.right() <= right() && y <= o.y && o.top() <= top(); }
};

// A point with a label of the given size.
struct LabelRequest {
  double x = 0, y = 0;
  double width = 0, height = 0;
};

struct PlacedLabel {
  Box box;
  bool placed = false;                // false: there is no room; the box is meaningless
  bool leader = false;                // too far from its point to be read without a line to it
  double leader_x = 0, leader_y = 0;  // where that line ends, on the edge of the box
};

// Labels keep inside `area` and off `obstacles`; each point itself is an obstacle of the given radius. A dashed line
// from the area's lower left to its upper right corner is avoided where that costs little.
std::vector<PlacedLabel> place_labels(std::span<const LabelRequest>, const Box& area, std::span<const Box> obstacles,
                                      double point_radius);

// Width of a text in DejaVu Sans, rounded up; characters outside ASCII count as wide ones.
double text_width(std::string_view text, double font_size);

// The text, cut with an ellipsis where it is wider than `width`.
std::string fit_text(std::string_view text, double font_size, double width);

}  // namespace lstar
