// The attention's spectra of one prompt, as `lstar trace --spectrum --json` has them. Pure.
#pragma once

#include <cstddef>

#include "lstar/report/json/json_writer.h"
#include "lstar/study/attention_spectra.h"

namespace lstar {

// A key "spectrum" for each layer of the list, and in `reasons` why parts of it are null. `row` is the prompt's in the
// observation; `every_eigenvalue` shows all of D - A too, a number for each token.
void add_spectra(const AttentionSpectra&, size_t row, bool every_eigenvalue, JsonValue& layers, JsonValue& reasons);

}  // namespace lstar
