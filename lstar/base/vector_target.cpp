#include "lstar/base/vector_target.h"

#include <array>
#include <atomic>

#if HWY_TARGETS & (HWY_AVX2 | HWY_AVX3)
#include <cpuid.h>
#endif

namespace lstar {
namespace {

struct Targets {
  std::array<int64_t, 3> found{};
  size_t count = 0;
  Targets() {
#if HWY_TARGETS & HWY_AVX3
    if (has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
      found[count++] = HWY_AVX3;
#endif
#if HWY_TARGETS & HWY_AVX2
    if (has_avx2()) found[count++] = HWY_AVX2;
#endif
    if (count == 0 || found[count - 1] != HWY_STATIC_TARGET) found[count++] = HWY_STATIC_TARGET;
  }

 private:
#if HWY_TARGETS & (HWY_AVX2 | HWY_AVX3)
  // All that the compiler may use for this target; the first ones ask whether the system keeps the registers, too.
  static bool has_avx2() {
    constexpr unsigned kF16c = 1u << 29, kLzcnt = 1u << 5;  // which not every compiler's __builtin_cpu_supports knows
    unsigned eax = 0, ebx = 0, basic = 0, extended = 0, edx = 0;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("aes") &&
           __get_cpuid(1, &eax, &ebx, &basic, &edx) && (basic & kF16c) &&
           __get_cpuid(0x80000001, &eax, &ebx, &extended, &edx) && (extended & kLzcnt);
  }
#endif
};

const Targets& targets() {
  static const Targets all;
  return all;
}

std::atomic<int64_t> chosen = 0;

}  // namespace

int64_t vector_target() {
  const int64_t target = chosen.load(std::memory_order_relaxed);
  return target != 0 ? target : targets().found[0];
}

std::span<const int64_t> vector_targets() { return {targets().found.data(), targets().count}; }

void set_vector_target(int64_t target) { chosen = target; }

std::string vector_target_name(int64_t target) {
  if (target == HWY_AVX3) return "AVX3";
  if (target == HWY_AVX2) return "AVX2";
  if (target == HWY_NEON) return "NEON";
  return target == HWY_SCALAR ? "SCALAR" : "baseline";
}

}  // namespace lstar
