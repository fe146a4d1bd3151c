// The sizes that a transformers class assumes where a configuration leaves them out. Published models of text and
// images do so inside text_config (LLaVA 1.5 names no width and no number of layers).
#pragma once

#include <string_view>

#include "lstar/architecture/config.h"

namespace lstar {

// Makes the configuration assume the sizes of this model_type's class (transformers 5.24).
void assume_class_sizes(Config&, std::string_view model_type);

}  // namespace lstar
