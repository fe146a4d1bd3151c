// What `lstar detect` shows: L* of traces by every detector. Pure.
#pragma once

#include <string>
#include <vector>

#include "lstar/analysis/detectors.h"
#include "lstar/study/trace_files.h"

namespace lstar {

std::string detections_text(const std::vector<NamedTrace>&, NanPolicy, bool colour);
// {"name": {"argmax_step": {"layer": 7, "resolved": true, ...}, ...}}, as a trace's l_star
std::string detections_json(const std::vector<NamedTrace>&, NanPolicy);

}  // namespace lstar
