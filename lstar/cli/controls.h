// --controls, --lengths, --shadow, --mca: what a study is held against besides formulas.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "lstar/study/study.h"

namespace lstar::cli {

struct ControlOptions {
  std::vector<std::string> controls, lengths;
  std::string shadow;
  int mca = 0;
  void add_to(CLI::App& app);
  // Over what a manifest says; without either, a 16-bit run has its shadow.
  void put_into(Study& study) const;
};

}  // namespace lstar::cli
