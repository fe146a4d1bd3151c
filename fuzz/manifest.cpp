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

// In place of the library's own: a study is read and checked here, and nothing of it is run.
lstar::Result<lstar::Measurement> lstar::measure(const std::string&, const std::string&, const std::vector<Prompt>&,
                                                 const MeasureOptions&) {
  return fail("nothing is measured here");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
