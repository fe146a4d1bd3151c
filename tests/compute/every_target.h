// Tests that run once for every instruction set that is compiled in; one that the processor lacks is skipped.
#pragma once

#include <string>

#include <gtest/gtest.h>
#include <hwy/targets.h>

namespace lstar::testing {

class OnEveryTarget : public ::testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    if (GetParam() != HWY_SCALAR && !(hwy::SupportedTargets() & GetParam())) GTEST_SKIP() << "not on this processor";
    hwy::SetSupportedTargetsForTest(GetParam());  // a backend made now dispatches to this one
  }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

inline auto every_target() { return ::testing::Values(HWY_AVX3, HWY_AVX2, HWY_SCALAR); }
inline std::string target_name(const ::testing::TestParamInfo<int64_t>& target) {
  return hwy::TargetName(target.param);
}

}  // namespace lstar::testing
