// What a study's controls say of each model, by the headline. Pure.
#pragma once

#include <string>

#include "lstar/report/text/text_layout.h"
#include "lstar/study/study.h"

namespace lstar {

// Tables; empty where none were asked for.
std::string controls_section(const StudyResult&, const Paint&);

}  // namespace lstar
