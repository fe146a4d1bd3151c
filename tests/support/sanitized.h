// What tests do otherwise under a sanitizer, where everything takes ten times as long and much more memory.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // GCC's words
#define LSTAR_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)  // clang's
#define LSTAR_SANITIZED
#endif
#endif

namespace lstar::testing {

#ifdef LSTAR_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Of thousands of recorded cases every tenth is gone through then: whether the values are right is what the other
// builds' tests are for, and they take them all.
inline constexpr size_t kEvery = kSanitized ? 10 : 1;

}  // namespace lstar::testing
