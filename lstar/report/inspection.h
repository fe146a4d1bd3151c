// What `lstar inspect` shows. Pure.
#pragma once

#include <string>

#include "lstar/study/inspect.h"

namespace lstar {

// For a terminal: family, shape, where everything is, and the weight norms by layer; with `tensors` every tensor too.
std::string inspection_text(const Inspection&, bool tensors, bool colour);

// One JSON object.
std::string inspection_json(const Inspection&);

}  // namespace lstar
