#include "lstar/cli/models.h"

#include <cctype>
#include <filesystem>

#include <fmt/core.h>

#include "lstar/base/text.h"
#include "lstar/hub/locate_model.h"

namespace lstar::cli {

namespace fs = std::filesystem;

Result<void> check_model(const std::string& model) {
  std::error_code ignored;
  const std::string extension = lower_ascii(fs::path(model).extension().string());
  const bool is_file = fs::is_regular_file(model, ignored);
  if (extension == ".toml" && !fs::exists(model, ignored))
    return fail(
        {.kind = ErrorKind::missing, .what = "no such file; a study's manifest goes behind --manifest", .file = model});
  if (extension == ".toml" && is_file)
    return fail({.kind = ErrorKind::argument,
                 .what = fmt::format("a study's manifest, no model: lstar run --manifest {}", model),
                 .file = model});
  // Beside a config.json a .json file is the model's own.
  const bool is_of_model = extension == ".json" && fs::exists(fs::path(model).parent_path() / "config.json", ignored);
  if (!is_file || is_of_model) return {};
  for (const char* known : {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt"})
    if (extension == known && !model.ends_with(".index.json"))
      return fail(
          {.kind = ErrorKind::argument, .what = "no model; a file of prompts goes behind --prompts", .file = model});
  return {};
}

Result<std::vector<ModelEntry>> model_entries(const std::vector<std::string>& models,
                                              const std::vector<std::string>& labs) {
  if (labs.size() > 1 && labs.size() != models.size())
    return fail({.kind = ErrorKind::argument,
                 .what = "labs",
                 .at = "--lab",
                 .expected = fmt::format("one for all models, or one for each of {}", models.size()),
                 .found = std::to_string(labs.size())});
  if (!labs.empty() && models.empty())
    return fail(Error{.kind = ErrorKind::argument,
                      .what = "no MODEL that it could be the lab of; a manifest names its models' labs",
                      .at = "--lab"});
  std::vector<ModelEntry> entries;
  for (size_t i = 0; i < models.size(); ++i) {
    LSTAR_TRY(check_model(models[i]));
    ModelEntry entry{.name = models[i], .path = models[i]};
    if (!labs.empty())
      entry.lab = labs.size() == 1 ? labs[0] : labs[i];
    else
      entry.lab = organisation_of(models[i]).value_or(entry.lab);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace lstar::cli
