// Options that several subcommands share, and their checks. Values are checked where they are parsed, so that a wrong
// word is wrong usage and names what is known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "lstar/study/study.h"

namespace lstar::cli {

struct AskedPrompts {
  std::vector<Prompt> prompts;
  PromptsRead read;
};

// --prompt, --prompts, --prompt-set, --token-ids
struct PromptOptions {
  std::vector<std::string> texts, token_ids, sets;
  std::string file;
  void add_to(CLI::App& app);
  // In the order: --token-ids, --prompt, and --prompts or --prompt-set. Empty if none was given.
  Result<AskedPrompts> read() const;
};

// --dtype, --head-layout, --threads; unset ones leave a manifest's value alone.
struct ComputeOptions {
  std::string dtype, head_layout;
  int threads = 0;
  void add_to(CLI::App& app);
  std::optional<Dtype> chosen_dtype() const { return parse_dtype(dtype); }
  std::optional<HeadLayout> chosen_layout() const { return parse_head_layout(head_layout); }
};

// An option whose values are names out of a list: one behind each, or several between commas.
CLI::Option* add_names(CLI::App& app, const std::string& option, std::vector<std::string>& names,
                       std::vector<std::string> known, const std::string& help);

// --head-layout alone, for what opens no model.
void add_head_layout(CLI::App& app, std::string& head_layout);

inline constexpr const char* kStrictHelp = "A warning is an error: no number of such a model is shown";

inline constexpr const char* kPerHeadHelp = "What was seen of each head too: in the JSON, and as a table of its own";
inline constexpr const char* kVerboseHelp =
    "Everything about each prompt, however many there are; without it, more than 8 are shown as a histogram of L*";

// Where hashes of weight files are remembered; empty where there is no place for it.
std::string hash_memory();

std::vector<std::string> estimator_names();
std::vector<std::string> detector_names();
std::vector<std::string> formula_names();

}  // namespace lstar::cli
