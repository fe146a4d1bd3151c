// A model through a whole pass, as a study runs it: a GGUF where the input begins as one, else a folder, whose files
// stand one after the other, each behind a line "%%%% NAME".
#include "fuzz/pass.h"
#include "lstar/study/inspect.h"
#include "lstar/study/open_model.h"
#include "lstar/study/study.h"

namespace lstar::fuzz {
namespace {

constexpr std::string_view kNames[]{"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"};

const std::vector<Prompt>& prompts() {
  static const std::vector<Prompt> all{{.text = "Hello, world! a b c", .ids = {}, .id = {}},
                                       {.text = {}, .ids = {1, 2, 3, 1}, .id = {}},
                                       {.text = "b", .ids = {}, .id = {}}};
  return all;
}

// Prompts that ran have a row, in order; the others say why not.
size_t require_prompts(const Architecture& a, const std::vector<MeasuredPrompt>& measured, const Observation& seen) {
  require(measured.size() == prompts().size(), "every prompt is accounted for");
  size_t ran = 0;
  for (const MeasuredPrompt& prompt : measured) {
    require(prompt.row.has_value() != prompt.error.has_value(), "a prompt runs or says why not");
    if (prompt.error) require_one_line(*prompt.error);
    if (!prompt.row) continue;
    require(*prompt.row == ran++, "prompts keep their order");
    for (const int32_t id : prompt.ids) require(id >= 0 && id < a.vocab, "an id is in the vocabulary");
    require(seen.tokens.at(*prompt.row) == static_cast<int64_t>(prompt.ids.size()), "all of a prompt was run");
  }
  return ran;
}

void require_traces(const Architecture& a, const Study& study, const Measurement& m) {
  const auto evaluated = evaluate_model(study, {.name = "model", .path = m.identity.path}, m);
  if (!succeeded(evaluated)) return;
  require(evaluated->traces.size() == estimators().size(), "every estimator has traces");
  for (const ModelTraces& traces : evaluated->traces)
    for (const PromptTrace& one : traces.prompts) {
      require(one.trace.size() == static_cast<size_t>(a.layers), "a trace has every layer");
      require(one.detections.size() == detectors().size(), "every detector says something");
      for (const Detection& found : one.detections) {
        require(found.layer || !found.reason.empty(), "what has no L* says why");
        require(!found.layer || (*found.layer >= 0 && *found.layer < a.layers), "L* is one of the layers");
        require(!found.layer || !is_broken(one), "a broken trace has no L*");
        require(found.layer || !found.resolved, "what has no L* is not resolved");
      }
    }
  for (const ModelScore& score : evaluated->scores) {
    require(score.l_star || !score.reason.empty(), "what has no L* says why");
    require(!score.l_star || (*score.l_star >= 0 && *score.l_star < a.layers), "the mean L* is within the model");
  }
}

void run(std::string_view input) {
  static const MemoryFolder folder;
  const bool is_gguf = input.starts_with("GGUF");
  const WrittenFiles files(folder, is_gguf ? std::string_view() : input, kNames);
  if (is_gguf) folder.write("model.gguf", input);
  const std::string path = folder.path() + (is_gguf ? "/model.gguf" : "");

  // How it is run depends on the input, so that none costs all ways.
  constexpr Dtype kDtypes[]{Dtype::float32, Dtype::float64, Dtype::float16, Dtype::bfloat16};
  const Dtype dtype = kDtypes[input.size() % 4];
  const HeadLayout layout = input.size() / 4 % 2 ? HeadLayout::actual : HeadLayout::thirds;
  Study study;
  study.prompts = prompts();
  study.dtype = dtype;
  study.head_layout = layout;

  const auto inspected = inspect("model", path, layout, 1);
  if (succeeded(inspected)) {
    const Architecture& a = inspected->architecture;
    require_fitting(a, inspected->weights);
    MeasureOptions options{.numerics = {.dtype = dtype, .head_layout = layout}, .wants = kEverything};
    options.next_tokens = 3;
    options.hash_files = false;
    const auto m = measure(path, prompts(), options, {.threads = 1});
    if (succeeded(m)) {
      require_fitting(a, m->weights);
      require(m->shape.layers == a.layers && m->shape.heads == a.heads, "it is the model that was inspected");
      if (!is_emulated(dtype))
        require(m->weights.w_o_sq == inspected->weights.w_o_sq || !std::isfinite(m->weights.w_o_sq[0]),
                "norms do not depend on the pass");
      const size_t ran = require_prompts(a, m->prompts, m->seen);
      if (ran > 0) require_fitting(a, m->seen, ran, a.predicts_next && !m->seen.next_tokens.empty() ? 3 : 0);
      require_traces(a, study, *m);
    }
  }
  if (is_gguf) folder.remove("model.gguf");
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
