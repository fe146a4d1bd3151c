// The instruction set that our vector kernels run on. Highway compiles a kernel file once for each; which of them a
// call takes is decided here and not by Highway's library, whose loading takes as long as all of `lstar predict`.
// Include before any other of Highway's headers.
#pragma once

#include <cstdint>
#include <span>
#include <string>

// Where there is no vector, one number at a time: Highway's own emulation of vectors has no infinities of 16 bits. Its
// word for "do without" is this one; it uses it by itself for GCC before 12.3.
#undef HWY_BROKEN_EMU128
#define HWY_BROKEN_EMU128 1
#include <hwy/detect_targets.h>

// AVX-512, AVX2, and what every processor has.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

namespace lstar {

// The best one that is compiled in and that this processor has, as Highway numbers them (HWY_AVX3, ...).
int64_t vector_target();
// All of those, the best one first.
std::span<const int64_t> vector_targets();
std::string vector_target_name(int64_t target);  // "AVX3"

// Takes another of them from now on; 0 takes the best again. For tests: kernels that were chosen before stay.
void set_vector_target(int64_t target);

}  // namespace lstar

// The chosen target's version of a function that is compiled for each. Once a file, under HWY_ONCE.
#if HWY_TARGETS & HWY_AVX3
#define LSTAR_IF_AVX3(function) ::lstar::vector_target() == HWY_AVX3 ? N_AVX3::function:
#else
#define LSTAR_IF_AVX3(function)
#endif
#if HWY_TARGETS & HWY_AVX2
#define LSTAR_IF_AVX2(function) ::lstar::vector_target() == HWY_AVX2 ? N_AVX2::function:
#else
#define LSTAR_IF_AVX2(function)
#endif
#define LSTAR_DISPATCH(function) (LSTAR_IF_AVX3(function) LSTAR_IF_AVX2(function) HWY_STATIC_DISPATCH(function))
