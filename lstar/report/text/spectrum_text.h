// The attention's spectra of one prompt, as `lstar trace --spectrum` shows them. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "lstar/report/text/text_layout.h"
#include "lstar/study/attention_spectra.h"

namespace lstar {

// A row a layer, and why some of them are not there. `row` is the prompt's in the observation.
std::string spectrum_table(const AttentionSpectra&, size_t row, const Paint&);

}  // namespace lstar
