// A checkpoint's configuration as the text of a config.json, for tests that change it.
#pragma once

#include <string>

#include "lstar/checkpoint/checkpoint.h"

namespace lstar::testing {

inline std::string config_text(const Checkpoint& checkpoint) {
  return checkpoint.configuration().shown(std::string::npos);
}

}  // namespace lstar::testing
