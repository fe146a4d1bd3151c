// A result of `lstar run` as its JSON has it, whichever version wrote it: what a report of it and a comparison of two
// ask. A key that it lacks is not there, which is another thing than null; keys that nobody asks are passed over, and
// one of another type is an error. What lstar detect reads of it, traces and which prompts they are of,
// `trace_files.cpp` knows besides. Plain data; pure but for read_result.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

// What a result says under one key.
template <class T>
struct Reported {
  bool is_there = false;   // the key
  std::optional<T> value;  // none: null
  bool operator==(const Reported&) const = default;
};

struct ReportedPrompt {
  std::string id;                   // as JSON, "7" or "\"a\""; empty for none
  std::optional<std::string> text;  // none: of token ids alone
  std::vector<int64_t> ids;         // as they were asked
  bool operator==(const ReportedPrompt&) const = default;
};

// What a model's tokenizer made of each prompt; none: it ran the ids that were asked.
using ReportedIds = std::vector<std::optional<std::vector<int64_t>>>;

struct ReportedFile {
  std::string file;
  std::optional<std::string> sha256;
};

struct ReportedTrace {  // a number that is not finite is NaN
  std::vector<double> trace, floor;
};

// The traces of a model by an estimator.
struct ReportedTraces {
  std::vector<ReportedTrace> prompts;  // a row for each that ran; none where there were many
  ReportedTrace mean;                  // over them; empty in results of before there were any
};

// A model by an estimator, over prompts.
struct ReportedScore {
  std::string estimator;
  Reported<double> l_star, deviation, error_pct;
  Reported<bool> resolved;
  Reported<std::string> reason, decided_by;
};

// Likewise, and what is of each prompt.
struct ReportedEstimate {
  ReportedScore score;
  Reported<std::vector<std::optional<int64_t>>> l_star_per_prompt;
  Reported<std::vector<std::optional<bool>>> resolved_per_prompt;
  Reported<std::vector<std::optional<double>>> margin_per_prompt;
};

struct ReportedModel {
  std::string name;
  Reported<std::string> lab, error, same_as;  // failed with it; the same checkpoint as that model
  Reported<std::string> revision, family, stored_dtype;
  Reported<int64_t> layers, heads;
  Reported<double> predicted, gain;
  Reported<std::vector<ReportedFile>> files;
  Reported<std::shared_ptr<const ReportedIds>> ids;  // models share them
  std::set<size_t> failed_prompts;                   // of these
  std::vector<ReportedEstimate> estimates;
  std::map<std::string, ReportedTraces> traces;             // by estimator
  std::vector<std::vector<double>> residual_norm;           // a row for each prompt that ran; none where many did
  std::vector<double> residual_norm_mean;                   // over them
  std::map<std::string, std::vector<double>> weight_norms;  // by key
};

// The whole study by an estimator.
struct ReportedSummary {
  std::string estimator;
  Reported<std::string> verdict;
  Reported<double> overall_mape, mape_of_actual;
  Reported<int64_t> asked, models, resolved;
  Reported<std::vector<std::string>> caveats;
};

struct ResultFile {
  std::string source;
  Reported<std::string> run, timestamp, version, formula, formula_text, detector, dtype, head_layout, backend, device;
  Reported<int64_t> numerics;
  Reported<uint64_t> seed;
  Reported<std::vector<std::string>> estimators, in_sample;
  Reported<std::vector<ReportedPrompt>> prompts;
  std::vector<ReportedSummary> summaries;  // the first is the headline
  std::vector<ReportedModel> models;       // those that failed last
};

Result<ResultFile> read_result(const std::string& path);
Result<ResultFile> parse_result(std::string_view text, const std::string& source);

}  // namespace lstar
