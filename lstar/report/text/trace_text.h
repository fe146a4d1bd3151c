// One model's traces for the terminal and as CSV. Pure.
#pragma once

#include <string>

#include "lstar/report/detail.h"
#include "lstar/study/attention_spectra.h"
#include "lstar/study/study.h"

namespace lstar {

// A table of layers for each prompt, then L* by every estimator and detector; of many prompts how their L* are spread.
// At most 100 columns wide. `spectra`: of the same call of measure; null if not asked for.
std::string trace_text(const Measurement&, bool colour, NanPolicy = NanPolicy::report, Detail = Detail::by_count,
                       const AttentionSpectra* spectra = nullptr);

// One row a prompt and layer, or with `per_head` a prompt, layer and head; a number that does not exist leaves its
// field empty.
std::string trace_csv(const Measurement&, NanPolicy = NanPolicy::report, bool per_head = false);

}  // namespace lstar
