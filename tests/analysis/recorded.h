// Readers of the numbers that tests compare with: data/published.json and tests/data/.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/analysis/formulas.h"
#include "lstar/analysis/statistics.h"
#include "lstar/base/json.h"

namespace lstar {

inline JsonDocument read_json(const std::string& path) {
  auto document = JsonDocument::read(LSTAR_SOURCE_DIR "/" + path);
  if (!document) throw std::runtime_error(document.error().message());
  return *std::move(document);
}

// Numbers, null standing for NaN.
inline std::vector<double> numbers(Json array) {
  std::vector<double> values;
  for (const Json value : array.items())
    values.push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.number().value());
  return values;
}

struct PublishedTrace {
  std::string model;
  int l_star = 0;
  std::vector<double> off_diagonal, multi_head;
};

inline std::vector<PublishedTrace> published_traces() {
  const JsonDocument document = read_json("data/published.json");
  std::vector<PublishedTrace> traces;
  for (const Json entry : document.root()["traces"].items())
    traces.push_back({*entry.string("model"), static_cast<int>(*entry.integer("l_star_published")),
                      numbers(entry["off_diagonal_trace"]), numbers(entry["multi_head_trace"])});
  return traces;
}

// The eight models of the published calibration table, with the labs that made them.
inline std::vector<ModelPoint> calibration_points() {
  const JsonDocument document = read_json("data/published.json");
  std::vector<ModelPoint> points;
  for (const Json row : document.root()["calibration"]["rows"].items()) {
    const std::string model = *row.string("model");
    points.push_back({.layers = static_cast<int>(*row.integer("L")),
                      .heads = static_cast<int>(*row.integer("H")),
                      .l_star = *row.number("l_star"),
                      .lab = model.starts_with("pythia") ? "EleutherAI" : model});
  }
  return points;
}

inline std::vector<double> predictions(const std::vector<ModelPoint>& points, std::string_view formula) {
  std::vector<double> values;
  for (const ModelPoint& point : points)
    values.push_back(*predict(*find_formula(formula), point.layers, point.heads).l_star);
  return values;
}

// A table of published L*, with the predictions published beside them.
struct PublishedTable {
  std::vector<ModelPoint> points;
  std::vector<double> predicted, error_pct;
};

inline PublishedTable cross_heritage(const std::string& detector) {
  const JsonDocument document = read_json("data/published.json");
  PublishedTable table;
  for (const Json row : document.root()["cross_heritage"][detector]["results"].items()) {
    table.points.push_back({.layers = static_cast<int>(*row.integer("L")),
                            .heads = static_cast<int>(*row.integer("H")),
                            .l_star = *row.number("L_star_empirical"),
                            .lab = *row.string("lab")});
    table.predicted.push_back(*row.number("L_star_predicted"));
    table.error_pct.push_back(*row.number("error_pct"));
  }
  return table;
}

}  // namespace lstar
