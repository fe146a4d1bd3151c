#include "lstar/model/family.h"

#include <cmath>

#include <fmt/format.h>

#include "lstar/model/llama_cpp.h"

namespace lstar {
namespace {

constexpr Family kFamilies[] = {
    {"gpt2", "gpt2", "gpt2", false, read_gpt2, "GPT-2, DistilGPT-2, Cerebras-GPT"},
    {"gpt_neox", "pythia", "gptneox", false, read_gpt_neox, "Pythia, GPT-NeoX-20B, RedPajama"},
    {"opt", "opt", "", false, read_opt, "OPT, Galactica"},
    {"bloom", "bloom", "bloom", false, read_bloom, "BLOOM, BLOOMZ"},
    {"llama", "llama", "llama", true, read_llama, "Llama 1 to 3.3, SmolLM, TinyLlama, Yi, DeepSeek LLM"},
};

// What every family must satisfy, so that no later step divides by zero or reads past a row.
void check_shape(const Architecture& a, Config& config) {
  config.require(a.heads % a.kv_heads == 0, "key/value heads", fmt::format("a divisor of {} heads", a.heads),
                 fmt::format("{}", a.kv_heads));
  config.require(a.layers <= 10000 && a.heads <= 65536 && a.head_dim <= 65536, "layers, heads, head width",
                 "at most 10000, 65536, 65536", fmt::format("{}, {}, {}", a.layers, a.heads, a.head_dim));
  config.require(a.plan.size() == static_cast<size_t>(a.layers), "layers", fmt::format("a plan for {}", a.layers),
                 fmt::format("{}", a.plan.size()));
  for (const Rotary& rotary : a.rotary)
    config.require(rotary.dims >= 2 && rotary.dims % 2 == 0 && rotary.dims <= a.head_dim, "rotary dimensions",
                   fmt::format("even, from 2 to {}", a.head_dim), fmt::format("{}", rotary.dims));
  const Experts& e = a.experts;
  config.require(e.count <= 65536 && e.used <= e.count, "experts used", fmt::format("at most {}", e.count),
                 fmt::format("{}", e.used));
}

const Family* find_family(std::string_view model_type, bool is_gguf) {
  for (const Family& family : kFamilies)
    if ((is_gguf ? family.gguf : family.model_type) == model_type && !model_type.empty()) return &family;
  return nullptr;
}

Error unknown_family(const Config& config, const std::string& model_type) {
  std::string known;
  for (const Family& family : kFamilies) {
    const std::string_view name = config.is_gguf() ? family.gguf : family.model_type;
    if (!name.empty()) known += (known.empty() ? "" : ", ") + std::string(name);
  }
  const bool needs_code = config.section("auto_map").has_value();
  return {.what = needs_code ? "the model is defined by Python code of its own (auto_map), which is never executed"
                             : "unknown family",
          .file = config.file(),
          .at = "key model_type",
          .expected = "one of " + known,
          .found = model_type.empty() ? "none" : model_type};
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

Result<Architecture> read_architecture(const Checkpoint& checkpoint) {
  const bool is_gguf = checkpoint.format() == "gguf";
  Config config(checkpoint.config(), is_gguf ? checkpoint.path() : checkpoint.path() + "/config.json", is_gguf);
  if (const TensorInfo* table = is_gguf ? checkpoint.find("token_embd.weight") : nullptr)
    config.set_vocab_size(table->shape.rows());
  std::string model_type = config.text_or({"model_type"}, "");
  const Family* family = find_family(model_type, is_gguf);
  // A model of text and images keeps its language model's configuration apart.
  if (auto text = config.section("text_config"); !family && text) {
    config = *std::move(text);
    model_type = config.text_or({"model_type"}, "");
    family = find_family(model_type, is_gguf);
  }
  if (!family) return fail(unknown_family(config, model_type));
  Architecture a = family->read(config, checkpoint);
  a.family = family->model_type;
  a.notebook_name = family->notebook_name;
  if (a.attention_scale == 0) a.attention_scale = 1 / std::sqrt(double(a.head_dim));
  if (a.plan.empty() && a.layers <= 10000)
    a.plan.assign(static_cast<size_t>(a.layers), {.rotary = a.rotary.empty() ? -1 : 0});
  if (is_gguf) name_as_llama_cpp(a, config, checkpoint, family->interleaves_q_and_k);
  check_shape(a, config);
  if (config.fault()) return fail(*config.fault());
  return a;
}

}  // namespace lstar
