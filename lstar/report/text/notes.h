// What must be said beside the numbers: one sentence each, the same in every kind of report. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/study/study.h"

namespace lstar {

// What the estimators of these names are worth in these models.
std::vector<std::string> estimator_notes(std::span<const std::string> estimators,
                                         std::span<const Measurement* const> models);

// Those of its estimators, and what is to be said of the whole study: unresolved L*, predictions beyond a model's
// layers, the head layout.
std::vector<std::string> study_notes(const StudyResult&);

// What stands with every verdict of the study's estimator `e`, good or bad: what it leaves out, L* that are not
// resolved, what the estimator is worth, too few labs, models the formula was fitted on, predictions of layers that do
// not exist, simpler predictions that do better. One short phrase each, to follow "but"; empty if there is none.
std::vector<std::string> verdict_caveats(const StudyResult&, size_t e);

// "v3 is no better than chance"; "v3 is better than chance"; "nothing can be said of v3: no L* is resolved".
std::string finding(const StudyResult&, size_t e);

// What the numbers of the study's estimator `e` do not rest on: models, prompts, duplicates. Empty: nothing.
std::string left_out_sentence(const StudyResult&, size_t e);

// "v3 is no better than chance (54.3% by off_diagonal, 6 of 6 models, 4 labs); the notebook's rule says CALIBRATION
// NEEDED; but ..."
std::string verdict_sentence(const StudyResult&, size_t e);

// What it means that no L* of the study's estimator `e` is resolved.
std::string why_unresolved(const StudyResult&, size_t e);

// A model that is left out because it stands in the study already.
std::string duplicate_note(const ModelEntry&, const std::string& same_as);

// What a model is: its family, and what the notebook calls it.
std::string family_text(const std::string& family, const std::string& notebook_name);

// What is particular to a model's attention: encoders, sinks, a norm behind the output projection. Empty for most.
std::vector<std::string> attention_notes(const Measurement&);

// A prediction beyond the layers of a model, or an empty string.
std::string range_note(const Study&, const ModelResult&);

// What an estimator's trace is besides its weights' factor.
std::string attention_factor(std::string_view estimator);

// "12", or "12.2 ± 4.7" where prompts differ; "none".
std::string over_prompts_text(const std::optional<OverPrompts>&);

// "weights (alone 19, attention alone 12; ...)", or why there is no answer.
std::string decides_text(const StudyDecides&, std::string_view estimator);

}  // namespace lstar
