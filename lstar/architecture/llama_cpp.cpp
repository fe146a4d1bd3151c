#include "lstar/architecture/llama_cpp.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "lstar/base/limits.h"

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
    {"is_causal", "attention.causal"},
    {"rope_theta", "rope.freq_base"},
    {"rope_theta", "rope.global.freq_base"},
    {"rope_local_base_freq", "rope.freq_base_swa"},
    {"rope_local_base_freq", "rope.local.freq_base"},
    {"sliding_window", "attention.sliding_window"},
    {"sliding_window_pattern", "attention.sliding_window_pattern"},
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
    {"bos_token_id", "tokenizer.ggml.bos_token_id"},
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
    {Role::shared_up, "blk.{}.ffn_up_shexp"},
    {Role::shared_gate, "blk.{}.ffn_gate_shexp"},
    {Role::shared_down, "blk.{}.ffn_down_shexp"},
    {Role::shared_switch, "blk.{}.ffn_gate_inp_shexp"},
    {Role::final_norm, "output_norm"},
};

constexpr bool is_expert(Role role) {
  return role == Role::expert_up || role == Role::expert_gate || role == Role::expert_down;
}

// The names of one architecture's roles in one file.
class Names {
 public:
  Names(Architecture& a, Config& config, const Checkpoint& checkpoint) : a_(a), config_(config), file_(checkpoint) {
    for (size_t l = 0; l < a.plan.size(); ++l)
      if (a.plan[l].experts) {
        expert_layer_ = l;
        break;
      }
  }

  // Both ways to store q, k and v, whichever way transformers has them.
  void fuse_or_split() {
    if (!a_.is_fused() && has("blk.0.attn_qkv.weight")) {
      a_[Role::query_key_value] = TensorRef{};
      a_[Role::query] = a_[Role::key] = a_[Role::value] = std::nullopt;
    } else if (a_.is_fused() && has("blk.0.attn_q.weight")) {
      a_[Role::query_key_value] = std::nullopt;
      a_[Role::query] = a_[Role::key] = a_[Role::value] = TensorRef{};
    }
    a_.is_fused() ? a_.fuse_heads_in_turn() : a_.split_heads();
  }

  // Some converters write 4 times the hidden size, whatever the width is; the tensors know.
  void take_widths() {
    if (const TensorInfo* down = matrix("blk.0.ffn_down.weight")) a_.mlp = static_cast<int>(down->shape.cols());
    const std::string down = fmt::format("blk.{}.ffn_down", expert_layer_);
    for (const char* name : {"_exps.weight", ".0.weight"})
      if (const TensorInfo* experts = matrix(down + name); experts && a_.experts.count > 0)
        a_.experts.mlp = static_cast<int>(experts->shape.cols());
    if (const TensorInfo* shared = matrix(down + "_shexp.weight"); shared && a_.experts.shared_mlp > 0)
      a_.experts.shared_mlp = static_cast<int>(shared->shape.cols());
  }

  void name_all() {
    for (const NamePair& pair : kNames) name(pair.role, pair.name);
    if (a_.norm_place == NormPlace::after && !a_.predicts_next) {  // encoders
      name(Role::attention_norm, "blk.{}.attn_output_norm");
      name(Role::mlp_norm, "blk.{}.layer_output_norm");
    }
    // Falcon's first norm is the second here.
    if (a_.has(Role::mlp_norm) && has("blk.0.attn_norm_2.weight")) {
      name(Role::attention_norm, "blk.{}.attn_norm_2");
      name(Role::mlp_norm, "blk.{}.attn_norm");
    }
    // GPT-OSS's norm in front of the experts.
    if (a_.has(Role::mlp_norm) && !a_.has(Role::attention_output_norm) && !has("blk.0.ffn_norm.weight") &&
        has("blk.0.post_attention_norm.weight"))
      name(Role::mlp_norm, "blk.{}.post_attention_norm");
    name_gates();
    name_output();
    // One tensor for the norms of all heads.
    a_.head_norm_of_each = false;
  }

  // A tensor that nothing reads means another model than the one we would compute. Images have a model of their own,
  // which Ollama keeps in the same file.
  void require_all_read() {
    std::set<std::string, std::less<>> known;
    for (const std::optional<TensorRef>& ref : a_.weights) {
      if (!ref) continue;
      known.insert(ref->pattern + ref->weight_suffix);
      if (ref->bias) known.insert(ref->pattern + ref->bias_suffix);
    }
    size_t of_images = 0;
    for (const TensorInfo& tensor : file_.tensors()) {
      if (tensor.name.starts_with("v.") || tensor.name.starts_with("mm.")) {
        ++of_images;
        continue;
      }
      const auto [pattern, layer] = pattern_of(tensor.name);
      if ((known.contains(pattern) && layer < a_.layers) || is_known_idle(pattern)) continue;
      config_.require(false, "tensor " + tensor.name, "only tensors that this architecture has", "one more");
      return;
    }
    if (of_images > 0)
      a_.notes.push_back(fmt::format("{} tensors of the model for images (v.*, mm.*) are passed over", of_images));
  }

 private:
  bool has(std::string_view name) const { return file_.find(name) != nullptr; }
  const TensorInfo* matrix(std::string_view name) const {
    const TensorInfo* found = file_.find(name);
    return found && found->shape.dims.size() >= 2 && found->shape.cols() <= limits::kWidth ? found : nullptr;
  }

  void name(Role role, std::string_view pattern, int part = 0, int parts = 1, bool stacked = false) {
    std::optional<TensorRef>& ref = a_[role];
    if (!ref) return;
    const size_t layer = is_expert(role) || role == Role::router ? expert_layer_ : 0;
    const std::string first = fmt::format(fmt::runtime(pattern), layer, 0);
    *ref = {.pattern = std::string(pattern),
            .bias = has(first + ".bias"),
            .part = part,
            .parts = parts,
            .stacked = stacked};
  }

  // Gate and up of an MLP may be one tensor under the name of up (Phi-3, GLM). The experts of the first Mixtral files
  // are tensors of their own.
  void name_gates() {
    if (a_.has(Role::mlp_gate) && !has("blk.0.ffn_gate.weight") && has("blk.0.ffn_up.weight")) {
      name(Role::mlp_gate, "blk.{}.ffn_up", 0, 2);
      name(Role::mlp_up, "blk.{}.ffn_up", 1, 2);
    }
    const std::string layer = fmt::format("blk.{}.", expert_layer_);
    if (has(layer + "ffn_gate.0.weight")) {
      name(Role::expert_gate, "blk.{}.ffn_gate.{}");
      name(Role::expert_up, "blk.{}.ffn_up.{}");
      name(Role::expert_down, "blk.{}.ffn_down.{}");
      return;
    }
    name(Role::expert_gate, "blk.{}.ffn_gate_exps", 0, 1, true);
    name(Role::expert_up, "blk.{}.ffn_up_exps", 0, 1, true);
    name(Role::expert_down, "blk.{}.ffn_down_exps", 0, 1, true);
  }

  // Tied or not is what the file says; a bias may stand alone.
  void name_output() {
    a_.ties_output = !has("output.weight");
    name(Role::output, "output");
  }

  // "blk.7.ffn_up.3.weight" is "blk.{}.ffn_up.{}.weight" of layer 7.
  static std::pair<std::string, int64_t> pattern_of(std::string_view name) {
    constexpr size_t kMostDigits = 6;
    std::string pattern;
    int64_t layer = -1;
    while (true) {
      const size_t dot = name.find('.');
      const std::string_view word = name.substr(0, dot);
      const bool is_number =
          !word.empty() && word.size() <= kMostDigits && word.find_first_not_of("0123456789") == std::string_view::npos;
      if (is_number && layer < 0) layer = std::stoll(std::string(word));
      pattern += is_number ? "{}" : word;
      if (dot == std::string_view::npos) return {pattern, layer};
      pattern += '.';
      name.remove_prefix(dot + 1);
    }
  }

  // Rotary tables, which are read apart or computed here, and an encoder's classifiers.
  static bool is_known_idle(std::string_view pattern) {
    for (std::string_view name :
         {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight", "blk.{}.attn_rot_embd.weight",
          "cls.weight", "cls.bias", "cls.output.weight", "cls.output.bias", "cls.norm.weight", "cls.norm.bias"})
      if (pattern == name) return true;
    return false;
  }

  Architecture& a_;
  Config& config_;
  const Checkpoint& file_;
  size_t expert_layer_ = 0;
};

// What a file leaves out that changes numbers, and what is taken for it.
void note_assumed_values(Architecture& a, const Config& config) {
  std::string assumed;
  const auto lacks = [&](std::string_view key, std::string_view spelling, double value) {
    if (!config.has(key)) assumed += fmt::format("{}{} ({:g})", assumed.empty() ? "" : ", ", spelling, value);
  };
  if (a.norm == NormRef::Kind::rms) lacks("rms_norm_eps", "attention.layer_norm_rms_epsilon", a.norm_epsilon);
  if (a.rotary.size() == 2) {  // a base for windows and one for all else (Gemma 3)
    lacks("rope_theta", "rope.freq_base", a.rotary[0].base);
    const bool is_sparse = !assumed.empty() || !a.notes.empty();  // as files of images and text are, and others are not
    if (is_sparse) {
      lacks("rope_local_base_freq", "rope.freq_base_swa", a.rotary[1].base);
      if (a.rotary[0].scaling.kind == RotaryScaling::Kind::none) lacks("rope.scaling.factor", "rope.scaling.factor", 1);
    }
  }
  if (!assumed.empty()) a.notes.push_back("the GGUF leaves out, and these are taken: " + assumed);
}

// What the metadata may say and we do not compute.
void check_metadata(Architecture& a, Config& config) {
  const int key = config.size_or({"attention.key_length"}, a.head_dim);
  const int value = config.size_or({"attention.value_length"}, key);
  config.require(key == value, "key attention.value_length", fmt::format("{}, as attention.key_length", key),
                 fmt::format("{}", value));
  if (a.experts.count == 0) return;
  constexpr int kSoftmax = 1;
  const int gating = config.count_or({"expert_gating_func"}, kSoftmax);
  config.require(gating <= kSoftmax, "key expert_gating_func", "1, a softmax", fmt::format("{}", gating));
  const double scale = config.number_or({"expert_weights_scale"}, 1);
  config.require(scale == 0 || scale == 1, "key expert_weights_scale", "1", fmt::format("{:g}", scale));
  a.experts.renormalise = config.flag_or({"expert_weights_norm"}, a.experts.renormalise);
}

// Frequencies stretched one by one come as divisors, computed by the converter: one list (Llama 3.1), or one up to the
// trained length and one past it (Phi-3).
void read_divisors(Architecture& a, Config& config, const Checkpoint& checkpoint) {
  if (a.rotary.empty()) return;
  const auto divisors = [&](const std::string& name) -> std::vector<double> {
    const TensorInfo* tensor = checkpoint.find(name);
    if (!tensor) return {};
    std::vector<double> values(static_cast<size_t>(std::max(0, a.rotary[0].dims / 2)), 1.0);
    const bool fits = tensor->shape.elements() == static_cast<int64_t>(values.size());
    config.require(fits, "tensor " + name, fmt::format("{} numbers", values.size()), tensor->shape.text());
    if (!fits) return values;
    const auto read = checkpoint.read(*tensor, {0, tensor->shape.rows()}, std::span<double>(values));
    if (!read) config.require(false, "tensor " + name, "readable", read.error().message());
    for (double value : values)
      config.require(value > 0 && value < 1e9, "tensor " + name, "numbers greater than 0", fmt::format("{:g}", value));
    return values;
  };
  const std::vector<double> one = divisors("rope_freqs.weight");
  const std::vector<double> shorter = divisors("rope_factors_short.weight"),
                            longer = divisors("rope_factors_long.weight");
  RotaryScaling& scaling = a.rotary[0].scaling;
  if (one.empty() && (shorter.empty() || longer.empty())) {
    config.require(scaling.kind != RotaryScaling::Kind::per_frequency, "key rope.scaling.type",
                   "tensors rope_factors_long and rope_factors_short with it", "longrope without them");
    return;
  }
  scaling.kind = RotaryScaling::Kind::per_frequency;
  scaling.short_factors = one.empty() ? shorter : one;
  scaling.long_factors = one.empty() ? longer : one;
  scaling.trained_positions =
      config.positive_or({"rope.scaling.original_context_length"}, static_cast<double>(a.max_positions), 1e9);
  scaling.attention_factor = config.positive_or({"rope.scaling.attn_factor"}, 1, 1e6);
}

}  // namespace

std::string_view llama_cpp_key(std::string_view key, size_t nth) {
  for (const KeyPair& pair : kKeys)
    if (pair.transformers == key && nth-- == 0) return pair.llama_cpp;
  return {};
}

void name_as_llama_cpp(Architecture& a, Config& config, const Checkpoint& checkpoint, bool interleaves_q_and_k) {
  a.prefixes = {""};
  a.norm_gain_offset = 0;
  // The experts of GPT-OSS have gate and up apart here.
  if (a.has(Role::expert_gate_up)) {
    a[Role::expert_gate] = a[Role::expert_up] = TensorRef{};
    a[Role::expert_gate_up] = std::nullopt;
  }
  Names names(a, config, checkpoint);
  names.fuse_or_split();
  names.take_widths();
  names.name_all();
  names.require_all_read();
  if (interleaves_q_and_k) {
    config.require(!a.is_fused(), "tensor blk.0.attn_qkv.weight", "q, k and v apart", "all in one");
    for (Role role : {Role::query, Role::key})
      if (a.has(role)) a[role]->interleaved_heads = role == Role::query ? a.heads : a.kv_heads;
  }
  note_assumed_values(a, config);
  check_metadata(a, config);
  read_divisors(a, config, checkpoint);
}

}  // namespace lstar
