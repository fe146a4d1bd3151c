// Results recorded from `transformers` by tools/oracle, and how close ours must come to them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "lstar/base/json.h"

namespace lstar::testing {

inline std::string source_path(const std::string& relative) { return std::string(LSTAR_SOURCE_DIR) + "/" + relative; }

// All numbers of a nested array, in order.
inline void flatten(Json value, std::vector<double>& out) {
  if (value.is_array()) {
    for (Json item : value.items()) flatten(item, out);
    return;
  }
  EXPECT_TRUE(value.is_number()) << value.shown();
  out.push_back(value.number().value_or(0));
}

inline std::vector<double> numbers(Json object, std::string_view key) {
  std::vector<double> out;
  const auto value = object.find(key);
  EXPECT_TRUE(value) << key;
  if (value) flatten(*value, out);
  return out;
}

inline std::vector<Json> items(Json object, std::string_view key) {
  const Json list = object[key];
  EXPECT_TRUE(list.is_array()) << key;
  return {list.items().begin(), list.items().end()};
}

// `relative` for values of at least 1e-3 of the largest; smaller ones may be off by what that allows at 1e-3 of the
// largest, or by twice the largest error of transformers' own float32 where that is given.
inline void expect_close(const std::vector<double>& ours, const std::vector<double>& reference, double relative,
                         const std::vector<double>& float32_error, const std::string& what) {
  ASSERT_EQ(ours.size(), reference.size()) << what;
  double scale = 0, own = 0;
  for (double value : reference) scale = std::max(scale, std::fabs(value));
  for (double value : float32_error) own = std::max(own, std::fabs(value));
  for (size_t i = 0; i < ours.size(); ++i) {
    const bool small = std::fabs(reference[i]) < 1e-3 * scale;
    const double allowed = small ? std::max(relative * 1e-3 * scale, 2 * own) : relative * std::fabs(reference[i]);
    EXPECT_LE(std::fabs(ours[i] - reference[i]), allowed)
        << what << "[" << i << "]: ours " << ours[i] << ", recorded " << reference[i] << ", scale " << scale;
  }
}

inline std::vector<std::string> recorded_checkpoints() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(source_path("tests/data/checkpoints")))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// The six miniatures.
inline std::vector<std::string> zoo_models() {
  return {"neox-12x12", "neox-24x16", "opt-12x12", "opt-24x16", "bloom-24x16", "gpt2-12x12"};
}

// A checkpoint's name as GoogleTest allows it in a test's name.
inline std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

}  // namespace lstar::testing
