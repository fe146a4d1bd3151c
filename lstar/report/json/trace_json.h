// One model's traces as JSON: the object of `lstar trace --json`. Pure; the same measurement gives the same bytes.
#pragma once

#include <string>

#include "lstar/report/json/json_writer.h"
#include "lstar/study/attention_spectra.h"
#include "lstar/study/study.h"

namespace lstar {

// A number that was not measured or is not finite is null; the prompt's "reasons" says why, by key. So is what was seen
// of each head where there are many prompts (detail.h), unless `per_head` asks for it. `spectra`: of the same call of
// measure; null if not asked for.
JsonValue trace_json(const Measurement&, NanPolicy = NanPolicy::report, bool per_head = false,
                     const AttentionSpectra* spectra = nullptr);
std::string trace_json_text(const Measurement&, NanPolicy = NanPolicy::report, bool per_head = false,
                            const AttentionSpectra* spectra = nullptr);

}  // namespace lstar
