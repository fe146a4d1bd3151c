#include "lstar/cli/options.h"

#include <fmt/core.h>

#include "lstar/base/cache_folder.h"
#include "lstar/base/text_file.h"
#include "lstar/cli/arguments.h"
#include "lstar/cli/terminal.h"
#include "lstar/study/prompts.h"

namespace lstar::cli {
namespace {

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

}  // namespace

std::string hash_memory() {
  const std::string folder = cache_folder();
  return folder.empty() ? folder : folder + "/sha256";
}

void PromptOptions::add_to(CLI::App& app) {
  app.add_option("--prompt", texts, "A prompt; may be repeated")->take_all()->allow_extra_args(false);
  CLI::Option* from_file =
      app.add_option("--prompts", file,
                     "Prompts from a file, or - for standard input: a line each; JSON or JSON Lines with \"text\", "
                     "\"prompt\" or \"token_ids\"; CSV or TSV with such a column");
  add_names(app, "--prompt-set", sets, names_of(prompt_sets()), "Prompts that are built in, mixed being 500 of them")
      ->excludes(from_file);
  app.add_option("--token-ids", token_ids, "A prompt as token ids, \"5 17 3\"; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
}

Result<AskedPrompts> PromptOptions::read() const {
  std::vector<Prompt> prompts;
  for (const std::string& text : token_ids) {
    LSTAR_ASSIGN(std::vector<int32_t> ids, parse_token_ids(text, "", "--token-ids"));
    prompts.push_back({.text = {}, .ids = std::move(ids)});
  }
  for (const std::string& text : texts) {
    LSTAR_TRY(check_utf8(text, "--prompt"));
    prompts.push_back({.text = text, .ids = {}});
  }
  PromptsRead read{.file = file};
  if (!file.empty()) {
    LSTAR_ASSIGN(const std::string content, read_input(file));
    LSTAR_ASSIGN(PromptFile more, parse_prompts(content, file == kStandardInput ? "standard input" : file));
    read.format = std::move(more.format);
    read.count = more.prompts.size();
    prompts.insert(prompts.end(), more.prompts.begin(), more.prompts.end());
  } else if (!sets.empty()) {
    LSTAR_ASSIGN(PromptsOfSets more, prompts_of_sets(sets));
    read = std::move(more.read);
    prompts.insert(prompts.end(), more.prompts.begin(), more.prompts.end());
  } else {
    read.count = prompts.size();
  }
  return AskedPrompts{std::move(prompts), std::move(read)};
}

CLI::Option* add_names(CLI::App& app, const std::string& option, std::vector<std::string>& names,
                       std::vector<std::string> known, const std::string& help) {
  return app.add_option(option, names, help + "; several between commas, or the option again")
      ->check(one_of(std::move(known)))
      ->delimiter(',')
      ->take_all()
      ->allow_extra_args(false);
}

void add_head_layout(CLI::App& app, std::string& head_layout) {
  app.add_option("--head-layout", head_layout,
                 "What as_written takes for W_V of a fused query_key_value: its real rows, or the last third, as the "
                 "notebook did; all other estimators take the real ones")
      ->check(one_of({"true", "thirds"}));
}

void ComputeOptions::add_to(CLI::App& app) {
  const std::vector<std::string> dtypes(kDtypeNames.begin(), kDtypeNames.end());
  app.add_option("--dtype", dtype, "What to compute in; float16 and bfloat16 round where `transformers` would")
      ->check(one_of(dtypes));
  add_head_layout(app, head_layout);
  app.add_option("--threads", threads, "Threads; 0 is as many as this process may use")
      ->check(decimal(0, 1024))
      ->capture_default_str();
}

std::vector<std::string> estimator_names() { return names_of(estimators()); }
std::vector<std::string> detector_names() { return names_of(detectors()); }
std::vector<std::string> formula_names() { return names_of(formulas()); }

}  // namespace lstar::cli
