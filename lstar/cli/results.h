// What the subcommands that give a study's result share: what is asked of it, and where it goes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "lstar/report/detail.h"
#include "lstar/report/figures/gnuplot.h"
#include "lstar/study/study.h"

namespace lstar::cli {

// --estimator, --detector, --formula, --seed: what a measurement is asked, of which none needs a model. Unset ones
// leave the study's value alone.
struct AnalysisOptions {
  std::vector<std::string> estimators;
  std::string detector, formula;
  std::optional<uint64_t> seed;
  void add_to(CLI::App& app);
  void put_into(Study& study) const;
};

// --out, --figures, --deterministic-timestamp, --json, --per-head, --quiet, --verbose.
struct ResultOptions {
  std::vector<std::string> formats{"png", "svg"};
  std::string out, timestamp;
  bool json = false, per_head = false, quiet = false, verbose = false;
  void add_to(CLI::App& app);
  Result<void> check() const;
  bool prints() const { return !quiet && !json; }  // tables
  Detail detail() const { return verbose ? Detail::every_prompt : Detail::by_count; }
};

// What --figures asks for, each once; an error where none does not stand alone.
Result<std::vector<FigureFormat>> figure_formats(const std::vector<std::string>& names);

// One model as it ends. Why it failed is on stderr too, where stdout goes elsewhere than the terminal; `in_full` is
// what to say there, where that is more than the study says of it.
void print_model(const Study&, const ModelEntry&, const Result<ModelResult>&, const ResultOptions&,
                 const std::optional<Error>& in_full = std::nullopt);

// What stands at the end, on the terminal.
void print_result(const StudyResult&, const ResultOptions&);

// Writes what --out asks for. Whether everything that was asked for is there.
Result<bool> write_result(const StudyResult&, const ResultOptions&);

}  // namespace lstar::cli
