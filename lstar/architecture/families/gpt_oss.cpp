// GPT-OSS (transformers: models/gpt_oss): attention sinks, windows in every other layer, YaRN, and experts with biases
// whose gates are cut off and multiplied by their quick GELU. What a row gives to its sink it does not give to tokens,
// so its probabilities do not sum to 1; every trace is of the probabilities over tokens.
#include <string>

#include <fmt/core.h>

#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {
namespace {

// Whether the experts' tensors of this name are MXFP4 pairs, which are (experts, out, in) where floats are
// (experts, in, out). The tensors decide, for quantization_config says mxfp4 also where they have been written out.
bool is_packed(Config& config, const Checkpoint& checkpoint, const std::string& name) {
  int packed = 0, plain = 0;
  for (const TensorInfo& tensor : checkpoint.tensors())
    if (tensor.name.ends_with(".mlp.experts." + name)) ++(tensor.type == StoredType::mxfp4_pair ? packed : plain);
  config.require(packed == 0 || plain == 0, "tensors " + name, "MXFP4 in all layers or in none",
                 fmt::format("in {} of {}", packed, packed + plain));
  return packed > 0;
}

}  // namespace

Architecture read_gpt_oss(Config& config, const Checkpoint& checkpoint) {
  Architecture a =
      read_llama_like(config, {.epsilon = 1e-5, .kv_heads_or_null = false, .head_dim = 64, .rotary = {.base = 150000}});
  a.rounding.norm_before_gain = false;
  a.activation = Activation::gelu_quick;
  const double alpha = config.positive_or({"swiglu_alpha"}, 1.702, 1e6);
  config.require(alpha == 1.702, "key swiglu_alpha", "1.702, the quick GELU's", fmt::format("{}", alpha));
  a.gate_limit = config.positive_or({"swiglu_limit"}, 7, 1e6);
  a.up_offset = 1;
  const auto scaling = config.section("rope_scaling");
  if (!config.is_gguf() && !config.has("rope_parameters") && (!scaling || scaling->is_empty()))
    a.rotary[0].scaling = gpt_oss_scaling();
  if (config.is_gguf()) a.rotary[0].scaling.truncate = false;  // which no GGUF says, and its lab does
  config.need_in_gguf({"sliding_window", "num_experts_per_tok"});
  plan_windows(a, config, read_window(config, 128), [](int layer) { return layer % 2 == 0; });
  a.experts = {.count = config.size_or({"num_experts", "num_local_experts"}, 128),
               .used = config.size_or({"num_experts_per_tok", "experts_per_token"}, 4),
               .mlp = config.is_gguf() ? config.size_or({"moe_intermediate_size"}, a.mlp) : a.mlp,
               .renormalise = true};
  for (LayerPlan& layer : a.plan) layer.experts = true;
  const bool bias = config.flag_or({"attention_bias"}, true);
  for (Role role : {Role::query, Role::key, Role::value, Role::attention_out}) a[role]->bias = bias;
  a[Role::sinks] = {.pattern = "layers.{}.self_attn.sinks", .weight_suffix = ""};
  a[Role::router] = {.pattern = "layers.{}.mlp.router", .bias = true};
  const auto stacked = [&](const char* name) {
    return TensorRef{.pattern = std::string("layers.{}.mlp.experts.") + name,
                     .transposed = !is_packed(config, checkpoint, name),
                     .bias = true,
                     .stacked = true,
                     .weight_suffix = "",
                     .bias_suffix = "_bias"};
  };
  for (Role role : {Role::mlp_gate, Role::mlp_up, Role::mlp_down}) a[role].reset();
  a[Role::expert_gate_up] = stacked("gate_up_proj");
  a[Role::expert_down] = stacked("down_proj");
  return a;
}

}  // namespace lstar
