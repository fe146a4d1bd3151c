#include "lstar/architecture/family.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "lstar/architecture/class_sizes.h"
#include "lstar/architecture/language_part.h"
#include "lstar/architecture/layer_types.h"
#include "lstar/architecture/llama_cpp.h"
#include "lstar/base/limits.h"
#include "lstar/checkpoint/packing.h"

namespace lstar {
namespace {

constexpr Family kFamilies[] = {
    {"gpt2", "gpt2", "gpt2", false, read_gpt2, "GPT-2, DistilGPT-2, Cerebras-GPT"},
    {"gpt_neox", "pythia", "gptneox", false, read_gpt_neox, "Pythia, GPT-NeoX-20B, RedPajama"},
    {"opt", "opt", "", false, read_opt, "OPT, Galactica"},
    {"bloom", "bloom", "bloom", false, read_bloom, "BLOOM, BLOOMZ"},
    {"llama", "llama", "llama", true, read_llama, "Llama 1 to 3.3, SmolLM, TinyLlama, Yi, DeepSeek LLM"},
    {"mistral", "llama", "", false, read_mistral, "Mistral 7B, Ministral, Zephyr"},
    {"mixtral", "llama", "", false, read_mixtral, "Mixtral 8x7B and 8x22B"},
    {"qwen2", "llama", "qwen2", false, read_qwen2, "Qwen2, Qwen2.5, Qwen2.5-Coder, DeepSeek-R1-Distill-Qwen"},
    {"qwen2_moe", "llama", "qwen2moe", false, read_qwen2_moe, "Qwen1.5-MoE, Qwen2-57B-A14B"},
    {"qwen3", "llama", "qwen3", false, read_qwen3, "Qwen3"},
    {"qwen3_moe", "llama", "qwen3moe", false, read_qwen3_moe, "Qwen3-30B-A3B, Qwen3-235B-A22B"},
    {"gemma", "llama", "gemma", false, read_gemma, "Gemma, CodeGemma"},
    {"gemma2", "llama", "gemma2", false, read_gemma2, "Gemma 2"},
    {"gemma3_text", "llama", "gemma3", false, read_gemma3, "Gemma 3 (the language model of the larger ones)"},
    {"phi", "llama", "phi2", false, read_phi, "Phi-1, Phi-1.5, Phi-2"},
    {"phi3", "llama", "phi3", false, read_phi3, "Phi-3, Phi-3.5, Phi-4"},
    {"gpt_neo", "gpt2", "", false, read_gpt_neo, "GPT-Neo"},
    {"gptj", "gpt2", "", false, read_gptj, "GPT-J-6B"},
    {"codegen", "gpt2", "", false, read_codegen, "CodeGen"},
    {"falcon", "bloom", "falcon", false, read_falcon, "Falcon 7B, 40B, 11B, RW"},
    {"mpt", "unknown", "mpt", false, read_mpt, "MPT-7B, MPT-30B"},
    {"stablelm", "llama", "stablelm", false, read_stablelm, "StableLM 3B, StableLM 2"},
    {"gpt_bigcode", "gpt2", "starcoder", false, read_gpt_bigcode, "StarCoder, SantaCoder"},
    {"starcoder2", "llama", "starcoder2", false, read_starcoder2, "StarCoder2"},
    {"olmo", "llama", "olmo", true, read_olmo, "OLMo 1B, 7B"},
    {"olmo2", "llama", "olmo2", false, read_olmo2, "OLMo 2"},
    {"olmo3", "llama", "", false, read_olmo3, "OLMo 3"},
    {"olmoe", "llama", "olmoe", false, read_olmoe, "OLMoE-1B-7B"},
    {"cohere", "llama", "command-r", false, read_cohere, "Command R, Command R+, Aya"},
    {"cohere2", "llama", "cohere2", false, read_cohere2, "Command R7B, Command A"},
    {"granite", "llama", "granite", true, read_granite, "Granite 3"},
    {"granitemoe", "llama", "granitemoe", true, read_granitemoe, "Granite 3 MoE"},
    {"gpt_oss", "llama", "gpt-oss", false, read_gpt_oss, "GPT-OSS"},
    {"smollm3", "llama", "smollm3", true, read_smollm3, "SmolLM3"},
    {"nemotron", "llama", "nemotron", false, read_nemotron, "Nemotron-4, Minitron"},
    {"glm", "llama", "", false, read_glm, "GLM-4-9B"},
    {"glm4", "llama", "glm4", false, read_glm4, "GLM-4-0414"},
    {"exaone4", "llama", "exaone4", false, read_exaone4, "EXAONE 4"},
    {"seed_oss", "llama", "seed_oss", false, read_seed_oss, "Seed-OSS"},
    {"ernie4_5", "llama", "ernie4_5", false, read_ernie4_5, "ERNIE 4.5 (dense)"},
    {"helium", "llama", "", false, read_helium, "Helium"},
    {"bert", "unknown", "bert", false, read_bert, "BERT, MiniLM, sentence-transformers' and BGE's encoders"},
    {"roberta", "unknown", "", false, read_roberta, "RoBERTa, XLM-RoBERTa's English kin"},
};

// No head's rows reach past those of q, k and v, which it is given later without being asked again.
void check_rows(const Architecture& a, Config& config) {
  const int64_t q = a.q_width(), kv = a.kv_width(), fused = q + 2 * kv;
  const auto fit = [&](const HeadRows& rows, int heads, int64_t width) {
    for (int h = 0; h < heads; ++h)
      if (rows.at(h) < 0 || rows.at(h) + a.head_dim > width) return false;
    return true;
  };
  const bool fits = fit(a.q_rows, a.heads, a.is_fused() ? fused : q) &&
                    fit(a.k_rows, a.kv_heads, a.is_fused() ? fused : kv) &&
                    fit(a.v_rows, a.kv_heads, a.is_fused() ? fused : kv);
  config.require(fits, "heads", fmt::format("rows within the {} of q, k and v", fused),
                 fmt::format("{} heads and {} of keys, {} wide", a.heads, a.kv_heads, a.head_dim));
}

// What every family must satisfy, so that no later step divides by zero or reads past a row.
void check_shape(const Architecture& a, Config& config) {
  config.require(a.heads % a.kv_heads == 0, "key/value heads", fmt::format("a divisor of {} heads", a.heads),
                 fmt::format("{}", a.kv_heads));
  const int widest = std::max({a.hidden, a.embedding, a.mlp, a.experts.mlp, a.experts.shared_mlp});
  config.require(widest <= limits::kWidth, "width of the MLP", fmt::format("at most {}", limits::kWidth),
                 fmt::format("{}", widest));
  config.require(a.head_dim >= 1, "head width", "at least 1", fmt::format("{}", a.head_dim));
  config.require(a.q_width() <= limits::kWidth, "heads * head width", fmt::format("at most {}", limits::kWidth),
                 fmt::format("{} * {}", a.heads, a.head_dim));
  config.require(a.q_width() <= limits::kGramElements / std::max(1, a.head_dim), "heads * head width squared",
                 fmt::format("at most {}", limits::kGramElements), fmt::format("{} * {}^2", a.heads, a.head_dim));
  config.require(a.plan.size() == static_cast<size_t>(a.layers), "layers", fmt::format("a plan for {}", a.layers),
                 fmt::format("{}", a.plan.size()));
  for (const Rotary& rotary : a.rotary)
    config.require(rotary.dims >= 2 && rotary.dims % 2 == 0 && rotary.dims <= a.head_dim,
                   "rotary dimensions (partial_rotary_factor, rotary_pct; num_attention_heads)",
                   fmt::format("even, from 2 to {}", a.head_dim), fmt::format("{}", rotary.dims));
  for (const Rotary& rotary : a.rotary)
    config.require(!rotary.turns_whole_heads || rotary.dims == a.head_dim, "key partial_rotary_factor",
                   "1, for transformers' class turns whole heads where rotary positions are scaled",
                   fmt::format("{} of {} dimensions", rotary.dims, a.head_dim));
  const Experts& e = a.experts;
  config.require(e.used <= e.count, "experts used", fmt::format("at most {}", e.count), fmt::format("{}", e.used));
  check_rows(a, config);
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
  return {.kind = ErrorKind::unsupported,
          .what = needs_code ? "the model is defined by Python code of its own (auto_map), which is never executed"
                             : "unknown family",
          .file = config.file(),
          .at = "key model_type",
          .expected = "one of " + known,
          .found = model_type.empty() ? "none" : model_type};
}

// What a quantization_config says may be left over from another copy of the weights: the tensors decide. Where they are
// packed, their names say by what; a scheme that leaves them plain and would pack them while it runs is refused by
// name.
std::optional<Error> find_packed_weights(const Config& config, const Checkpoint& checkpoint,
                                         std::vector<std::string>& notes) {
  const std::string method = quantisation_of(checkpoint.configuration());
  if (method.empty()) return std::nullopt;
  if (auto packing = find_packing(checkpoint)) return packing;
  auto section = config.section("quantization_config");
  if (section && section->has("quantization_mode")) {
    const std::string mode = section->text_or({"quantization_mode"}, "");
    if (mode == "online")
      return Error{.kind = ErrorKind::unsupported,
                   .what = "rounds its weights while it runs, which is not computed",
                   .file = config.file(),
                   .at = "key quantization_config.quantization_mode",
                   .found = mode};
  }
  notes.push_back(fmt::format("quantization_config says {}; the weights are plain and read as they are", method));
  return std::nullopt;
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

Result<Architecture> read_architecture(const Checkpoint& checkpoint) {
  const bool is_gguf = checkpoint.format() == "gguf";
  Config config(checkpoint.configuration(), checkpoint.configuration_place(), is_gguf);
  if (const TensorInfo* table = is_gguf ? checkpoint.find("token_embd.weight") : nullptr)
    config.set_vocab_size(table->shape.rows());
  std::vector<std::string> notes;
  if (auto packed = find_packed_weights(config, checkpoint, notes)) return fail(*std::move(packed));
  std::string model_type = config.text_or({"model_type"}, "");
  const Family* family = find_family(model_type, is_gguf);
  std::optional<LanguagePart> part;
  if (!family) part = language_part(config);
  if (config.fault()) return fail(*config.fault());
  if (part) {
    config = part->config;
    model_type = part->model_type;
    family = find_family(model_type, is_gguf);
  }
  if (!family) return fail(unknown_family(config, model_type));
  if (!is_gguf) assume_class_sizes(config, model_type);
  config.require(!config.has("per_layer_config"), "key per_layer_config", "layers that are alike", "others");
  Architecture a = family->read(config, checkpoint);
  if (!is_gguf) name_stacked_experts(a, checkpoint);
  a.notes.insert(a.notes.begin(), notes.begin(), notes.end());
  a.family = family->model_type;
  a.notebook_name = family->notebook_name;
  if (a.attention_scale == 0) a.attention_scale = 1 / std::sqrt(double(a.head_dim));
  a.initializer_range = config.number_or({"initializer_range", "init_std"}, a.initializer_range, a.initializer_range);
  plan_of(a);
  read_direction(a, config);
  if (!a.has(Role::output)) {
    a[Role::output] = {"lm_head"};
    a.ties_output = true;
  }
  if (part) take_output(a, *part);
  if (is_gguf)
    name_as_llama_cpp(a, config, checkpoint, family->interleaves_q_and_k);
  else
    find_prefix(a, checkpoint, part ? part->before_layers : std::string_view());
  check_shape(a, config);
  if (config.fault()) return fail(*config.fault());
  return a;
}

}  // namespace lstar
