// Tests that run once for every instruction set that is compiled in and that this processor has.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/base/vector_target.h"

namespace lstar::testing {

class OnEveryTarget : public ::testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { set_vector_target(GetParam()); }  // a backend made now takes its kernels
  void TearDown() override { set_vector_target(0); }
};

inline auto every_target() {
  return ::testing::ValuesIn(std::vector<int64_t>(vector_targets().begin(), vector_targets().end()));
}
inline std::string target_name(const ::testing::TestParamInfo<int64_t>& target) {
  return vector_target_name(target.param);
}

}  // namespace lstar::testing
