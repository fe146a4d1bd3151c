// The models of one or several results as points of a fit: shape, lab, L* by one estimator, gain. Plain data; pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lstar/analysis/statistics.h"
#include "lstar/base/result.h"
#include "lstar/study/result_file.h"

namespace lstar {

struct MeasuredPoint {
  std::string model;
  ModelPoint point;            // L*: the mean over the prompts that have one
  std::optional<double> gain;  // residual gain of the layer before the last
  bool is_resolved = false;    // the L* of every prompt is
};

// A model without an L*, or whose shape is not said.
struct UnmeasuredModel {
  std::string model, reason;
  std::string lab;
  int layers = 0;              // 0: not said
  std::optional<double> gain;  // which may be there all the same
};

struct MeasuredPoints {
  std::vector<std::string> sources;  // of the results
  std::string estimator, detector;
  std::vector<MeasuredPoint> models;
  std::vector<UnmeasuredModel> left_out;
};

// By this estimator, or by the headline of the first result where it is empty. A model that two results name is taken
// from the first. Fails where a result has no such estimator, or two differ in their detector, which are never mixed.
Result<MeasuredPoints> measured_points(std::span<const ResultFile>, const std::string& estimator);

}  // namespace lstar
