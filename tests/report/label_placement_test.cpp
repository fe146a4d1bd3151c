#include "lstar/report/figures/label_placement.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace lstar {
namespace {

constexpr double kRadius = 3;

// Everything that a reader would object to.
void expect_readable(const std::vector<LabelRequest>& points, const std::vector<PlacedLabel>& labels, const Box& area,
                     const std::vector<Box>& obstacles) {
  ASSERT_EQ(labels.size(), points.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!labels[i].placed) continue;
    const Box& box = labels[i].box;
    EXPECT_TRUE(area.contains(box)) << i;
    EXPECT_EQ(box.width, points[i].width);
    for (size_t j = 0; j < labels.size(); ++j) {
      EXPECT_FALSE(j != i && labels[j].placed && box.overlaps(labels[j].box)) << i << " and " << j;
      EXPECT_FALSE(box.overlaps({points[j].x - kRadius, points[j].y - kRadius, 2 * kRadius, 2 * kRadius}))
          << i << " covers point " << j;
    }
    for (const Box& obstacle : obstacles) EXPECT_FALSE(box.overlaps(obstacle)) << i;
  }
}

TEST(LabelPlacement, SixModelsOnTwoColumnsAndTwoInOnePlace) {
  const Box area{40, 30, 190, 190};
  std::vector<LabelRequest> points;
  for (const auto& [x, y] : {std::pair{100.0, 90.0}, {100, 90}, {100, 92}, {180, 170}, {180, 171}, {180, 172}})
    points.push_back({x, y, 52, 8});
  const std::vector<Box> bars{{98, 80, 4, 20}, {178, 160, 4, 25}};
  const auto labels = place_labels(points, area, bars, kRadius);
  for (const PlacedLabel& label : labels) EXPECT_TRUE(label.placed);
  expect_readable(points, labels, area, bars);
}

TEST(LabelPlacement, TwelveModelsInOnePlace) {
  const Box area{0, 0, 190, 190};
  const std::vector<LabelRequest> points(12, {95, 95, 60, 8});
  const auto labels = place_labels(points, area, {}, kRadius);
  for (const PlacedLabel& label : labels) EXPECT_TRUE(label.placed);
  expect_readable(points, labels, area, {});
}

TEST(LabelPlacement, RandomStudies) {
  std::mt19937 random(7);
  for (int study = 0; study < 50; ++study) {
    const Box area{40, 30, 190, 190};
    std::vector<LabelRequest> points;
    for (int i = 0; i < 3 + study % 20; ++i) {
      const double x = 45 + random() % 180, y = 35 + random() % 180;
      points.push_back({x, y, 20.0 + random() % 50, 8});
    }
    expect_readable(points, place_labels(points, area, {}, kRadius), area, {});
  }
}

TEST(LabelPlacement, ALabelStandsBesideALonePoint) {
  const std::vector<LabelRequest> points{{50, 20, 30, 8}};
  const auto labels = place_labels(points, {0, 0, 100, 100}, {}, kRadius);
  EXPECT_TRUE(labels[0].placed);
  EXPECT_FALSE(labels[0].leader);
  EXPECT_NEAR(labels[0].box.x, 50 + kRadius, 3);
}

TEST(LabelPlacement, LeavesOutWhatHasNoRoom) {
  const auto labels = place_labels(std::vector<LabelRequest>{{5, 5, 60, 8}}, {0, 0, 50, 50}, {}, kRadius);
  EXPECT_FALSE(labels[0].placed);
}

TEST(LabelPlacement, WidthsAreDejaVus) {
  // Advances of H e l l o in DejaVu Sans: 0.752 0.615 0.278 0.278 0.612 em; rounded up to hundredths here.
  EXPECT_NEAR(text_width("Hello", 10), 25.35, 0.3);
  EXPECT_EQ(fit_text("pythia-160m", 10, 1000), "pythia-160m");
  const std::string fitted = fit_text("pythia-160m", 10, 40);
  EXPECT_LE(text_width(fitted, 10), 40);
  EXPECT_TRUE(fitted.ends_with("…"));
}

}  // namespace
}  // namespace lstar
