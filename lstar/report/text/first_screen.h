// What `lstar run` says when it is asked for no more: what was asked, what came of it, what chance and simpler
// predictions make of the same models, and what the numbers do not rest on. Some ten lines, and one a model. Pure.
#pragma once

#include <string>
#include <vector>

#include "lstar/report/text/text_layout.h"
#include "lstar/study/study.h"

namespace lstar {

std::string first_screen(const StudyResult&, const Paint&);

// What chance, power and left-out models say of the study's estimator `e`, a sentence each.
std::vector<std::string> chance_sentences(const StudyResult&, size_t e);

}  // namespace lstar
