// Which instruction sets our kernels are compiled for. Include before any Highway header. The best one that the
// processor has is chosen at run time: AVX-512 or AVX2, else plain scalar code.
#pragma once

#include <hwy/detect_targets.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
