#include "lstar/report/figures/label_placement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>

namespace lstar {
namespace {

struct Segment {
  double x0, y0, x1, y1;
};

double cross(double ax, double ay, double bx, double by) { return ax * by - ay * bx; }

bool segments_cross(const Segment& a, const Segment& b) {
  const auto side = [](const Segment& s, double x, double y) {
    return cross(s.x1 - s.x0, s.y1 - s.y0, x - s.x0, y - s.y0);
  };
  return side(a, b.x0, b.y0) * side(a, b.x1, b.y1) < 0 && side(b, a.x0, a.y0) * side(b, a.x1, a.y1) < 0;
}

bool crosses(const Segment& s, const Box& box) {
  return segments_cross(s, {box.x, box.y, box.right(), box.top()}) ||
         segments_cross(s, {box.x, box.top(), box.right(), box.y});
}

// The closest point of the box.
std::pair<double, double> nearest(const Box& box, double x, double y) {
  return {std::clamp(x, box.x, box.right()), std::clamp(y, box.y, box.top())};
}

}  // namespace

std::vector<PlacedLabel> place_labels(std::span<const LabelRequest> requests, const Box& area,
                                      std::span<const Box> obstacles, double point_radius) {
  const double r = point_radius, gap = r + 1.5;
  std::vector<Box> taken(obstacles.begin(), obstacles.end());
  for (const LabelRequest& q : requests) taken.push_back({q.x - r, q.y - r, 2 * r, 2 * r});
  const size_t points_begin = obstacles.size(), points_end = taken.size();
  const Segment diagonal{area.x, area.y, area.right(), area.top()};
  std::vector<Segment> leaders;

  // From the top down, so that labels of one column of points stack in the order of their points.
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return requests[a].y != requests[b].y ? requests[a].y > requests[b].y : requests[a].x < requests[b].x;
  });

  std::vector<PlacedLabel> labels(requests.size());
  for (const size_t i : order) {
    const LabelRequest& q = requests[i];
    double best = std::numeric_limits<double>::infinity();
    std::optional<Segment> best_leader;
    const auto consider = [&](double x, double y, double taste) {
      const Box box{x, y, q.width, q.height};
      if (!area.contains(box)) return;
      const auto [ex, ey] = nearest(box, q.x, q.y);
      const double distance = std::hypot(ex - q.x, ey - q.y);
      double cost = std::max(0.0, distance - gap) + taste;
      if (cost >= best) return;
      for (const Box& other : taken)
        if (box.overlaps(other)) return;
      for (const Segment& other : leaders)
        if (crosses(other, box)) return;
      if (crosses(diagonal, box)) cost += 12;
      const bool leader = distance > r + 3;
      const Segment line{q.x, q.y, ex, ey};
      if (leader) {
        for (size_t k = points_end; k < taken.size(); ++k)
          if (crosses(line, taken[k])) return;
        for (size_t k = points_begin; k < points_end; ++k)
          if (nearest(taken[k], q.x, q.y) != std::pair{q.x, q.y} && crosses(line, taken[k])) cost += 8;
        for (const Segment& other : leaders) cost += segments_cross(line, other) ? 12 : 0;
      }
      if (cost >= best) return;
      best = cost;
      labels[i] = {box, true, leader, ex, ey};
      best_leader = leader ? std::optional(line) : std::nullopt;
    };

    const double step = q.height * 0.5;
    const int steps = static_cast<int>(std::min(400.0, std::ceil(area.height / std::max(step, 0.1))));
    for (int j = -steps; j <= steps; ++j) {
      const double y = q.y - q.height / 2 + j * step;
      const double centring = 0.05 * std::abs(j);
      for (const double far : {0.0, 6.0, 14.0, 28.0, 56.0}) {
        consider(q.x + gap + far, y, centring);
        consider(q.x - gap - far - q.width, y, 0.7 + centring);
      }
      consider(q.x - q.width / 2, y, 0.4);  // above or below
    }
    if (labels[i].placed) taken.push_back(labels[i].box);
    if (best_leader) leaders.push_back(*best_leader);
  }
  return labels;
}

double text_width(std::string_view text, double font_size) {
  // Advance widths of U+0020 ... U+007E in hundredths of the font size.
  constexpr std::array<uint8_t, 95> advance{
      32, 41, 46, 84, 64, 96, 78, 28, 40,  40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
      64, 64, 34, 34, 84, 84, 84, 54, 100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79,
      61, 79, 70, 64, 62, 74, 69, 99, 69,  62, 69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64,
      64, 28, 28, 58, 28, 98, 64, 62, 64,  64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84};
  double sum = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;  // counted with its first byte
    sum += byte >= 32 && byte < 127 ? advance[byte - 32] : 100;
  }
  return sum * font_size / 100;
}

std::string fit_text(std::string_view text, double font_size, double width) {
  if (text_width(text, font_size) <= width) return std::string(text);
  std::string kept;
  for (size_t end = 0; end < text.size();) {
    size_t next = end + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
    if (text_width(text.substr(0, next), font_size) + font_size > width) break;
    kept.assign(text.substr(0, next));
    end = next;
  }
  return kept + "…";
}

}  // namespace lstar
