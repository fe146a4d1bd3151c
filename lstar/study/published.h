// The numbers that were published of this study, from the public repository buk81/uniformity-asymmetry: they are part
// of the program, data/published.json. Plain data; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/analysis/statistics.h"
#include "lstar/base/result.h"

namespace lstar {

// A model's traces, one value a layer; NaN where NaN was published.
struct PublishedModelTraces {
  std::string model, lab;
  int layers = 0, heads = 0;
  int l_star = 0;                                // as it was published
  std::vector<double> off_diagonal, multi_head;  // as they are called there; neither is the estimator of that name
};

struct PublishedRow {
  std::string model;
  ModelPoint point;      // with the published L*
  double predicted = 0;  // as it was published
};

struct PublishedGain {
  std::string model, lab;
  int layers = 0;
  double gain = 0;
};

struct PublishedClaim {
  std::string id, claim;
  std::optional<double> value;
  std::optional<double> p;
};

struct Published {
  std::vector<PublishedModelTraces> traces;                  // the six of the first file of numbers
  std::vector<PublishedModelTraces> more_traces;             // the other models of one of their files
  std::vector<PublishedRow> by_argmax_step, by_sign_change;  // six models across labs, by two detectors
  std::vector<PublishedRow> calibration;                     // the eight that v3 was fitted to
  std::vector<PublishedGain> lab_gains, pythia_gains;        // two files of residual gains, 16 and 8 models
  std::vector<PublishedClaim> claims;
};

Result<Published> parse_published(std::string_view json, const std::string& source);
// Those that are built in.
Result<Published> bundled_published();

// The last part of a model's name, by which "EleutherAI/pythia-160m" and "pythia-160m" are one.
std::string_view bare_name(std::string_view model);

}  // namespace lstar
