// What must be said beside the numbers: one sentence each, the same in every kind of report. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lstar/study/study.h"

namespace lstar {

// What the estimators of these names are worth.
std::vector<std::string> estimator_notes(std::span<const std::string> estimators);

// These, and what is to be said of the whole study: unresolved L*, predictions beyond a model's layers, the head
// layout.
std::vector<std::string> study_notes(const StudyResult&);

// What a verdict of the study's estimator `e` does not rest on: too few models or labs, unresolved L*, predictions of
// layers that do not exist. One short phrase each; empty if there is nothing to say.
std::vector<std::string> verdict_caveats(const StudyResult&, size_t e);

// What it means that no L* of the study's estimator `e` is resolved.
std::string why_unresolved(const StudyResult&, size_t e);

// A model that is left out because it stands in the study already.
std::string duplicate_note(const ModelEntry&, const std::string& same_as);

// A prediction beyond the layers of a model, or an empty string.
// What a model is: its family, and what the notebook calls it.
std::string family_text(const std::string& family, const std::string& notebook_name);

// What is particular to a model's attention: encoders, sinks. Empty for most.
std::vector<std::string> attention_notes(const Measurement&);

std::string range_note(const Study&, const ModelResult&);

// "weights (alone 19, attention alone 12; ...)", or why there is no answer.
std::string decides_text(const Decides&);

}  // namespace lstar
