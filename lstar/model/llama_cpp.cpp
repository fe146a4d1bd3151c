#include "lstar/model/llama_cpp.h"

#include <fmt/format.h>

namespace lstar {
namespace {

struct KeyPair {
  std::string_view transformers, llama_cpp;
};
constexpr KeyPair kKeys[] = {
    {"num_hidden_layers", "block_count"},
    {"n_layer", "block_count"},
    {"n_layers", "block_count"},
    {"num_layers", "block_count"},
    {"hidden_size", "embedding_length"},
    {"n_embd", "embedding_length"},
    {"n_embed", "embedding_length"},
    {"d_model", "embedding_length"},
    {"num_attention_heads", "attention.head_count"},
    {"n_head", "attention.head_count"},
    {"n_heads", "attention.head_count"},
    {"num_heads", "attention.head_count"},
    {"num_key_value_heads", "attention.head_count_kv"},
    {"num_kv_heads", "attention.head_count_kv"},
    {"head_dim", "attention.key_length"},
    {"intermediate_size", "feed_forward_length"},
    {"n_inner", "feed_forward_length"},
    {"ffn_hidden_size", "feed_forward_length"},
    {"moe_intermediate_size", "expert_feed_forward_length"},
    {"shared_expert_intermediate_size", "expert_shared_feed_forward_length"},
    {"num_local_experts", "expert_count"},
    {"num_experts", "expert_count"},
    {"num_experts_per_tok", "expert_used_count"},
    {"max_position_embeddings", "context_length"},
    {"n_positions", "context_length"},
    {"n_ctx", "context_length"},
    {"seq_length", "context_length"},
    {"max_seq_len", "context_length"},
    {"layer_norm_epsilon", "attention.layer_norm_epsilon"},
    {"layer_norm_eps", "attention.layer_norm_epsilon"},
    {"norm_epsilon", "attention.layer_norm_epsilon"},
    {"norm_eps", "attention.layer_norm_epsilon"},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon"},
    {"rope_theta", "rope.freq_base"},
    {"rope_local_base_freq", "rope.freq_base_swa"},
    {"sliding_window", "attention.sliding_window"},
    {"attn_logit_softcapping", "attn_logit_softcapping"},
    {"final_logit_softcapping", "final_logit_softcapping"},
    {"clip_qkv", "attention.clamp_kqv"},
    {"alibi_bias_max", "attention.max_alibi_bias"},
    {"use_parallel_residual", "use_parallel_residual"},
    {"embedding_multiplier", "embedding_scale"},
    {"residual_multiplier", "residual_scale"},
    {"attention_multiplier", "attention.scale"},
    {"logits_scaling", "logit_scale"},
    {"logit_scale", "logit_scale"},
    {"max_position_embeddings_bert", "context_length"},
};

struct NamePair {
  Role role;
  std::string_view name;
};
constexpr NamePair kNames[] = {
    {Role::token_embedding, "token_embd"},
    {Role::position_embedding, "position_embd"},
    {Role::token_type_embedding, "token_types"},
    {Role::embedding_norm, "token_embd_norm"},
    {Role::attention_norm, "blk.{}.attn_norm"},
    {Role::query_key_value, "blk.{}.attn_qkv"},
    {Role::query, "blk.{}.attn_q"},
    {Role::key, "blk.{}.attn_k"},
    {Role::value, "blk.{}.attn_v"},
    {Role::query_norm, "blk.{}.attn_q_norm"},
    {Role::key_norm, "blk.{}.attn_k_norm"},
    {Role::sinks, "blk.{}.attn_sinks"},
    {Role::attention_out, "blk.{}.attn_output"},
    {Role::attention_output_norm, "blk.{}.post_attention_norm"},
    {Role::mlp_norm, "blk.{}.ffn_norm"},
    {Role::mlp_up, "blk.{}.ffn_up"},
    {Role::mlp_gate, "blk.{}.ffn_gate"},
    {Role::mlp_down, "blk.{}.ffn_down"},
    {Role::mlp_output_norm, "blk.{}.post_ffw_norm"},
    {Role::router, "blk.{}.ffn_gate_inp"},
    {Role::expert_up, "blk.{}.ffn_up_exps"},
    {Role::expert_gate, "blk.{}.ffn_gate_exps"},
    {Role::expert_down, "blk.{}.ffn_down_exps"},
    {Role::shared_up, "blk.{}.ffn_up_shexp"},
    {Role::shared_gate, "blk.{}.ffn_gate_shexp"},
    {Role::shared_down, "blk.{}.ffn_down_shexp"},
    {Role::shared_switch, "blk.{}.ffn_gate_inp_shexp"},
    {Role::final_norm, "output_norm"},
    {Role::output, "output"},
};

constexpr bool is_expert(Role role) {
  return role == Role::expert_up || role == Role::expert_gate || role == Role::expert_down;
}

}  // namespace

std::string_view llama_cpp_key(std::string_view key) {
  for (const KeyPair& pair : kKeys)
    if (pair.transformers == key) return pair.llama_cpp;
  return {};
}

void name_as_llama_cpp(Architecture& a, Config& config, const Checkpoint& checkpoint, bool interleaves_q_and_k) {
  a.prefixes = {""};
  a.norm_gain_offset = 0;
  // A projection that transformers keeps in three may be fused in the file (Phi-2).
  if (!a.is_fused() && checkpoint.find("blk.0.attn_qkv.weight")) {
    a[Role::query_key_value] = TensorRef{};
    a[Role::query] = a[Role::key] = a[Role::value] = std::nullopt;
  }
  if (a.is_fused()) a.fuse_heads_in_turn();
  // The experts of GPT-OSS have gate and up apart here.
  if (a.has(Role::expert_gate_up)) {
    a[Role::expert_gate] = a[Role::expert_up] = TensorRef{};
    a[Role::expert_gate_up] = std::nullopt;
    a[Role::expert_down] = TensorRef{};
  }
  if (a.norm_place == NormPlace::after && !a.causal) {  // encoders
    a[Role::attention_norm] = {.pattern = "blk.{}.attn_output_norm", .bias = true};
    a[Role::mlp_norm] = {.pattern = "blk.{}.layer_output_norm", .bias = true};
  }
  // Tied or not is what the file says.
  if (checkpoint.find("output.weight"))
    a[Role::output] = TensorRef{};
  else
    a[Role::output] = std::nullopt;
  for (const NamePair& pair : kNames) {
    std::optional<TensorRef>& ref = a[pair.role];
    if (!ref || ref->pattern.starts_with("blk.")) continue;
    // Gate and up in one tensor stay together, as Phi-3's do.
    const bool fused_gate = pair.role == Role::mlp_gate && ref->parts > 1;
    const std::string name(fused_gate ? "blk.{}.ffn_up" : pair.name);
    const std::string first = fmt::format(fmt::runtime(name), 0);
    *ref = {.pattern = name,
            .bias = checkpoint.find(first + ".bias") != nullptr,
            .part = ref->part,
            .parts = ref->parts,
            .stacked = is_expert(pair.role)};
  }
  // The Gemma 2 and GPT-OSS converters give these norms a name of their own.
  if (a.has(Role::attention_output_norm) && !checkpoint.find("blk.0.post_attention_norm.weight") &&
      checkpoint.find("blk.0.attn_post_norm.weight"))
    a[Role::attention_output_norm]->pattern = "blk.{}.attn_post_norm";
  if (a.has(Role::mlp_norm) && !a.has(Role::attention_output_norm) && !checkpoint.find("blk.0.ffn_norm.weight") &&
      checkpoint.find("blk.0.post_attention_norm.weight"))
    a[Role::mlp_norm]->pattern = "blk.{}.post_attention_norm";
  if (interleaves_q_and_k && !a.is_fused()) {
    a[Role::query]->interleaved_heads = a.heads;
    a[Role::key]->interleaved_heads = a.kv_heads;
  }
  if (a.has(Role::sinks)) a[Role::sinks]->weight_suffix = ".weight";
  // Llama 3.1's and Phi-3's stretched frequencies come as divisors, computed by the converter.
  const auto divisors = [&](std::string_view name) -> std::vector<double> {
    const TensorInfo* tensor = checkpoint.find(name);
    if (!tensor || a.rotary.empty()) return {};
    std::vector<double> values(static_cast<size_t>(a.rotary[0].dims / 2), 1.0);
    config.require(tensor->shape.elements() == static_cast<int64_t>(values.size()), fmt::format("tensor {}", name),
                   fmt::format("{} numbers", values.size()), tensor->shape.text());
    if (tensor->shape.elements() != static_cast<int64_t>(values.size())) return values;
    const auto read = checkpoint.read(*tensor, {0, tensor->shape.rows()}, std::span<double>(values));
    if (!read) config.require(false, fmt::format("tensor {}", name), "readable", read.error().message());
    for (double value : values)
      config.require(value > 0 && value < 1e9, fmt::format("tensor {}", name), "numbers greater than 0",
                     fmt::format("{:g}", value));
    return values;
  };
  const std::vector<double> one = divisors("rope_freqs.weight");
  const std::vector<double> shorter = divisors("rope_factors_short.weight"),
                            longer = divisors("rope_factors_long.weight");
  if (a.rotary.empty() || (one.empty() && (shorter.empty() || longer.empty()))) return;
  RotaryScaling& scaling = a.rotary[0].scaling;
  scaling.kind = RotaryScaling::Kind::per_frequency;
  scaling.short_factors = one.empty() ? shorter : one;
  scaling.long_factors = one.empty() ? longer : one;
  scaling.trained_positions =
      config.positive_or({"rope.scaling.original_context_length"}, static_cast<double>(a.max_positions), 1e9);
  scaling.attention_factor = config.positive_or({"rope.scaling.attn_factor"}, 1, 1e6);
}

}  // namespace lstar
