#include "lstar/architecture/binder.h"

#include <algorithm>
#include <map>
#include <string>

#include <fmt/format.h>

namespace lstar {
namespace {

class Binder {
 public:
  // With `declared`, tensors are not looked for: those that would be are listed there.
  Binder(const Architecture& a, const Checkpoint& c, std::map<std::string, DeclaredTensor>* declared = nullptr)
      : a_(a), c_(c), declared_(declared) {}

  // The tensor of a role, under the first prefix and suffix that the checkpoint has.
  Result<const TensorInfo*> tensor(Role role, int layer, int expert, std::initializer_list<std::string_view> suffixes,
                                   std::initializer_list<Shape> shapes) const {
    const std::string name = fmt::format(fmt::runtime(a_[role]->pattern), layer, expert);
    const std::vector<std::string> prefixes = role == Role::output ? output_places() : a_.prefixes;
    if (declared_)
      return declare(role, (role == Role::output ? prefixes.back() : prefixes.front()) + name, *suffixes.begin(),
                     *shapes.begin());
    for (const std::string& prefix : prefixes)
      for (std::string_view suffix : suffixes)
        if (const TensorInfo* found = c_.find(prefix + name + std::string(suffix))) return checked(found, shapes);
    for (const std::string& prefix : prefixes)
      for (std::string_view suffix : suffixes)
        if (const Error* why = c_.why_unread(prefix + name + std::string(suffix))) return fail(*why);
    return fail({.kind = ErrorKind::missing,
                 .what = "missing tensor",
                 .file = c_.path(),
                 .at = "tensor " + (role == Role::output ? prefixes.back() : prefixes.front()) + name +
                       std::string(*suffixes.begin()),
                 .expected = "shape " + shapes.begin()->text()});
  }
  // The embedding may lie under the output's name alone, where both are one tensor.
  Result<const TensorInfo*> token_embedding() const {
    auto found = table(Role::token_embedding, a_.vocab, a_.embedding);
    if (found || !a_.ties_output || !stores_output()) return found;
    return table(Role::output, a_.vocab, a_.embedding);
  }
  bool stores_output() const {
    if (declared_) return false;
    const TensorRef& ref = *a_[Role::output];
    for (const std::string& place : output_places())
      if (c_.find(place + ref.pattern + ref.weight_suffix)) return true;
    return false;
  }
  // Stored beside an embedding, an output of its own counts whatever the configuration says: one that is tied has the
  // same numbers, and another is not tied (as transformers has it).
  Result<LinearRef> output(const TensorInfo* embedding) const {
    if (!a_.ties_output || stores_output()) return linear(Role::output, 0, a_.embedding, a_.vocab);
    LinearRef tied{.weight = embedding, .in = a_.embedding, .out = a_.vocab};
    const TensorRef& ref = *a_[Role::output];
    if (ref.bias) {
      LSTAR_ASSIGN(tied.bias, tensor(Role::output, 0, 0, {ref.bias_suffix}, {Shape{{a_.vocab}}}));
    }
    return tied;
  }

  Result<const TensorInfo*> table(Role role, int64_t rows, int64_t cols) const {
    return tensor(role, 0, 0, {a_[role]->weight_suffix}, {Shape{{rows, cols}}});
  }

  Result<LinearRef> linear(Role role, int layer, int64_t in, int64_t out, int expert = 0) const {
    const TensorRef& ref = *a_[role];
    LinearRef linear{.transposed = ref.transposed, .interleaved_heads = ref.interleaved_heads, .in = in, .out = out};
    const int64_t stored = out * ref.parts, experts = a_.experts.count;
    const std::vector<int64_t> one = ref.transposed ? std::vector<int64_t>{in, stored} : std::vector{stored, in};
    const Shape shape = ref.stacked ? Shape{{experts, one[0], one[1]}} : Shape{one};
    LSTAR_ASSIGN(linear.weight, tensor(role, layer, expert, {ref.weight_suffix}, {shape}));
    linear.first_row = ref.part * out + (ref.stacked ? expert * one[0] : 0);
    if (ref.bias) {
      const Shape biases = ref.stacked ? Shape{{experts, stored}} : Shape{{stored}};
      LSTAR_ASSIGN(linear.bias, tensor(role, layer, expert, {ref.bias_suffix}, {biases}));
      linear.first_bias = ref.part * out + (ref.stacked ? expert * stored : 0);
    }
    return linear;
  }

  // `rows` of `width`: one, or one a head. BERT's first checkpoints say gamma and beta.
  Result<NormRef> norm(Role role, int layer, int64_t width, int64_t rows = 1, int head = 0) const {
    NormRef norm{.kind = a_.norm, .epsilon = a_.norm_epsilon};
    norm.gain_offset = a_.norm_gain_offset;
    norm.rounds_before_gain = a_.rounding.norm_before_gain;
    if (!a_.norm_has_gain) return norm;
    const Shape one{{width}}, each{{rows, width}};
    LSTAR_ASSIGN(norm.gain, tensor(role, layer, head, {a_[role]->weight_suffix, ".gamma"}, {one, each}));
    if (a_[role]->bias) {
      LSTAR_ASSIGN(norm.bias, tensor(role, layer, head, {a_[role]->bias_suffix, ".beta"}, {one, each}));
    }
    return norm;
  }
  Result<std::optional<NormRef>> optional_norm(Role role, int layer) const {
    if (!a_.has(role)) return std::optional<NormRef>();
    LSTAR_ASSIGN(const NormRef found, norm(role, layer, a_.hidden));
    return std::optional<NormRef>(found);
  }

  Result<std::vector<NormRef>> head_norms(Role role, int layer, int heads) const {
    std::vector<NormRef> found;
    if (!a_.has(role)) return found;
    const bool whole = a_.head_norm == HeadNorm::projection;
    const int64_t width = whole ? int64_t{heads} * a_.head_dim : a_.head_dim;
    for (int h = 0; h < (a_.head_norm_of_each ? heads : 1); ++h) {
      LSTAR_ASSIGN(const NormRef one, norm(role, layer, width, heads, h));
      found.push_back(one);
    }
    return found;
  }

  struct MlpRoles {
    Role up, gate, down;
    std::optional<Role> gate_up;
  };
  Result<MlpWeights> mlp(const MlpRoles& roles, int layer, int64_t width, int expert = 0) const {
    MlpWeights w;
    w.interleaved = roles.gate_up && a_.has(*roles.gate_up);
    if (w.interleaved) {
      LSTAR_ASSIGN(w.up, linear(*roles.gate_up, layer, a_.hidden, 2 * width, expert));
    } else {
      LSTAR_ASSIGN(w.up, linear(roles.up, layer, a_.hidden, width, expert));
      if (a_.has(roles.gate)) {
        LSTAR_ASSIGN(w.gate, linear(roles.gate, layer, a_.hidden, width, expert));
      }
    }
    LSTAR_ASSIGN(w.down, linear(roles.down, layer, width, a_.hidden, expert));
    return w;
  }

  Result<ExpertWeights> experts(int layer) const {
    const Experts& e = a_.experts;
    ExpertWeights w;
    LSTAR_ASSIGN(w.router, linear(Role::router, layer, a_.hidden, e.count));
    for (int i = 0; i < e.count; ++i) {
      LSTAR_ASSIGN(MlpWeights expert,
                   mlp({Role::expert_up, Role::expert_gate, Role::expert_down, Role::expert_gate_up}, layer, e.mlp, i));
      w.experts.push_back(expert);
    }
    if (e.shared_mlp == 0) return w;
    LSTAR_ASSIGN(w.shared,
                 mlp({Role::shared_up, Role::shared_gate, Role::shared_down, std::nullopt}, layer, e.shared_mlp));
    if (a_.has(Role::shared_switch)) {
      // llama.cpp stores the one row as a vector.
      const TensorRef& ref = *a_[Role::shared_switch];
      LSTAR_ASSIGN(const TensorInfo* weight, tensor(Role::shared_switch, layer, 0, {ref.weight_suffix},
                                                    {Shape{{1, a_.hidden}}, Shape{{a_.hidden}}}));
      w.shared_switch = LinearRef{.weight = weight, .in = a_.hidden, .out = 1};
    }
    return w;
  }

  Result<LayerWeights> layer(int l) const {
    const int64_t d = a_.hidden, q = a_.q_width(), kv = a_.kv_width();
    LayerWeights w;
    LSTAR_ASSIGN(w.attention_norm, optional_norm(Role::attention_norm, l));
    if (a_.is_fused()) {
      LSTAR_ASSIGN(LinearRef fused, linear(Role::query_key_value, l, d, q + 2 * kv));
      w.query_key_value = {fused};
    } else {
      LSTAR_ASSIGN(LinearRef query, linear(Role::query, l, d, q));
      LSTAR_ASSIGN(LinearRef key, linear(Role::key, l, d, kv));
      LSTAR_ASSIGN(LinearRef value, linear(Role::value, l, d, kv));
      w.query_key_value = {query, key, value};
    }
    LSTAR_ASSIGN(w.query_norm, head_norms(Role::query_norm, l, a_.heads));
    LSTAR_ASSIGN(w.key_norm, head_norms(Role::key_norm, l, a_.kv_heads));
    if (a_.has(Role::sinks)) {
      LSTAR_ASSIGN(w.sinks, tensor(Role::sinks, l, 0, {a_[Role::sinks]->weight_suffix}, {Shape{{a_.heads}}}));
    }
    LSTAR_ASSIGN(w.attention_out, linear(Role::attention_out, l, q, d));
    LSTAR_ASSIGN(w.attention_output_norm, optional_norm(Role::attention_output_norm, l));
    LSTAR_ASSIGN(w.mlp_norm, optional_norm(Role::mlp_norm, l));
    if (a_.plan[static_cast<size_t>(l)].experts) {
      LSTAR_ASSIGN(w.experts, experts(l));
    } else {
      LSTAR_ASSIGN(w.mlp, mlp({Role::mlp_up, Role::mlp_gate, Role::mlp_down, Role::mlp_gate_up}, l, a_.mlp));
    }
    LSTAR_ASSIGN(w.mlp_output_norm, optional_norm(Role::mlp_output_norm, l));
    return w;
  }

 private:
  const TensorInfo* declare(Role role, const std::string& stem, std::string_view suffix, const Shape& shape) const {
    const TensorRef& ref = *a_[role];
    const bool is_bias = ref.bias && suffix == ref.bias_suffix;
    std::string name = stem + std::string(suffix);
    DeclaredTensor one{.info = {name, StoredType::float32, shape}, .role = role, .is_bias = is_bias};
    return &declared_->try_emplace(std::move(name), std::move(one)).first->second.info;
  }

  // With the model, or beside anything that holds it: "language_model.model.", "language_model.", "".
  std::vector<std::string> output_places() const {
    std::vector<std::string> places;
    for (std::string place : a_.prefixes)
      while (true) {
        if (std::find(places.begin(), places.end(), place) == places.end() && !place.empty()) places.push_back(place);
        if (place.empty()) break;
        place.pop_back();  // the dot
        const size_t dot = place.rfind('.');
        place.resize(dot == std::string::npos ? 0 : dot + 1);
      }
    places.emplace_back();
    return places;
  }

  Result<const TensorInfo*> checked(const TensorInfo* found, std::initializer_list<Shape> shapes) const {
    bool fits = false;
    for (const Shape& shape : shapes) fits = fits || found->shape == shape;
    if (!fits)
      return fail({.what = "shape",
                   .file = c_.file_of(*found),
                   .at = "tensor " + found->name,
                   .expected = shapes.begin()->text(),
                   .found = found->shape.text()});
    if (!info(found->type).is_weight)
      return fail({.kind = ErrorKind::unsupported,
                   .what = "dtype",
                   .file = c_.file_of(*found),
                   .at = "tensor " + found->name,
                   .expected = "a floating-point or quantised type",
                   .found = std::string(info(found->type).name)});
    return found;
  }

  const Architecture& a_;
  const Checkpoint& c_;
  std::map<std::string, DeclaredTensor>* declared_;  // nothing in it moves
};

Result<Weights> bind_all(const Architecture& a, const Binder& binder) {
  const int64_t d = a.hidden;
  Weights w;
  LSTAR_ASSIGN(w.token_embedding, binder.token_embedding());
  if (a.has(Role::position_embedding)) {
    LSTAR_ASSIGN(w.position_embedding,
                 binder.table(Role::position_embedding, a.max_positions + a.first_position_row, d));
  }
  if (a.has(Role::token_type_embedding)) {
    LSTAR_ASSIGN(w.token_type_embedding, binder.table(Role::token_type_embedding, a.token_types, d));
  }
  LSTAR_ASSIGN(w.embedding_norm, binder.optional_norm(Role::embedding_norm, 0));
  if (a.has(Role::project_in)) {
    LSTAR_ASSIGN(w.project_in, binder.linear(Role::project_in, 0, a.embedding, d));
    LSTAR_ASSIGN(w.project_out, binder.linear(Role::project_out, 0, d, a.embedding));
  }
  for (int l = 0; l < a.layers; ++l) {
    LSTAR_ASSIGN(LayerWeights layer, binder.layer(l));
    w.layers.push_back(std::move(layer));
  }
  LSTAR_ASSIGN(w.final_norm, binder.optional_norm(Role::final_norm, 0));
  w.output = a.predicts_next ? binder.output(w.token_embedding)
                             : fail(ErrorKind::unsupported, "an encoder predicts no next token");
  return w;
}

// What a binder that declares asks nothing of.
class NoCheckpoint final : public Checkpoint {
 public:
  Result<void> read(const TensorInfo&, RowRange, std::span<float>) const override { return {}; }
  Result<void> read(const TensorInfo&, RowRange, std::span<double>) const override { return {}; }
  Configuration configuration() const override { return {}; }
  TokenizerSource tokenizer() const override { return {}; }
};

}  // namespace

Result<Weights> find_weights(const Architecture& a, const Checkpoint& checkpoint) {
  return bind_all(a, Binder(a, checkpoint));
}

std::vector<DeclaredTensor> tensors_of(const Architecture& a) {
  std::map<std::string, DeclaredTensor> declared;
  const NoCheckpoint none;
  (void)bind_all(a, Binder(a, none, &declared));
  std::vector<DeclaredTensor> tensors;
  tensors.reserve(declared.size());
  for (auto& [name, tensor] : declared) tensors.push_back(std::move(tensor));
  return tensors;
}

}  // namespace lstar
