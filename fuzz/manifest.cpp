// A manifest, and the same text as a file of prompts.
#include "fuzz/support.h"
#include "lstar/study/prompts.h"
#include "lstar/study/study.h"

namespace lstar::fuzz {
namespace {

void run(std::string_view text) {
  const auto prompts = parse_prompts(text, "prompts.txt");
  if (succeeded(prompts)) require(!prompts->prompts.empty(), "prompts that are read are there");

  const auto study = parse_manifest(text, "/nowhere/manifest.toml");
  if (!succeeded(study) || !succeeded(check(*study))) return;
  require(!study->models.empty() && !study->estimators.empty(), "a study has models and estimators");
  for (const ModelEntry& model : study->models)
    require(!model.path.empty() && model.layers.value_or(1) > 0 && model.heads.value_or(1) > 0, "a model has a place");
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
