// What was measured beside the traces, as text for those who ask for everything.
#pragma once

#include <string>

#include "lstar/report/text/text_layout.h"
#include "lstar/study/study.h"

namespace lstar {

std::string series_section(const StudyResult&, const Paint&);

}  // namespace lstar
