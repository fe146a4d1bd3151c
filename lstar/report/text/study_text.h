// What `lstar run` prints: the first screen at the end; with everything asked for, a banner before the first model,
// each model as it ends, and all tables at the end. Of many prompts (detail.h) a model's text is how their L* are
// spread, and a line for each where every prompt is asked for. Pure; at most 100 columns wide; `colour` adds a
// terminal's colours and changes nothing else. report/ may include everything but cli/; every function of this folder
// is safe from any thread, owns nothing beyond what it returns and never prints.
#pragma once

#include <string>

#include "lstar/report/detail.h"
#include "lstar/study/study.h"

namespace lstar {

std::string study_banner(const Study&, bool colour, Detail = Detail::by_count);

// One model, measured or failed.
std::string model_text(const Study&, const ModelEntry&, const Result<ModelResult>&, bool colour,
                       Detail = Detail::by_count);

// One that is the same checkpoint as an earlier one.
std::string duplicate_text(const ModelEntry&, const std::string& same_as, bool colour);

// The verdict on one line, for those who want nothing else.
std::string verdict_line(const StudyResult&);

// The first screen (first_screen.h); where everything is asked for, tables, the summary by lab, estimators and
// baselines side by side, chance, notes and the verdict with it.
std::string study_summary(const StudyResult&, bool colour, Detail = Detail::by_count);

}  // namespace lstar
