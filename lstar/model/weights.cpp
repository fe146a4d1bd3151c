#include "lstar/model/weights.h"

#include <fmt/format.h>

#include "lstar/model/family.h"

namespace lstar {
namespace {

class Binder {
 public:
  Binder(const Architecture& a, const Checkpoint& c) : a_(a), c_(c) {}

  Result<const TensorInfo*> tensor(Role role, int layer, std::string_view suffix, const Shape& shape) const {
    const std::string name = fmt::format(fmt::runtime(a_[role]->pattern), layer) + std::string(suffix);
    for (const std::string& prefix : a_.prefixes)
      if (const TensorInfo* found = c_.find(prefix + name)) return checked(found, shape);
    return fail({.what = "missing tensor",
                 .file = c_.path(),
                 .at = "tensor " + a_.prefixes.front() + name,
                 .expected = "shape " + shape.text()});
  }

  Result<LinearRef> linear(Role role, int layer, int64_t in, int64_t out) const {
    const TensorRef& ref = *a_[role];
    LinearRef linear{.transposed = ref.transposed, .interleaved_heads = ref.interleaved_heads, .in = in, .out = out};
    LSTAR_ASSIGN(linear.weight, tensor(role, layer, ".weight", ref.transposed ? Shape{{in, out}} : Shape{{out, in}}));
    if (ref.bias) {
      LSTAR_ASSIGN(linear.bias, tensor(role, layer, ".bias", Shape{{out}}));
    }
    return linear;
  }

  Result<NormRef> norm(Role role, int layer) const {
    NormRef norm{.kind = a_.norm, .epsilon = a_.norm_epsilon};
    LSTAR_ASSIGN(norm.gain, tensor(role, layer, ".weight", Shape{{a_.hidden}}));
    if (a_[role]->bias) {
      LSTAR_ASSIGN(norm.bias, tensor(role, layer, ".bias", Shape{{a_.hidden}}));
    }
    return norm;
  }

  Result<LayerWeights> layer(int l) const {
    const int64_t d = a_.hidden, q = int64_t{a_.heads} * a_.head_dim, kv = int64_t{a_.kv_heads} * a_.head_dim;
    LayerWeights w;
    LSTAR_ASSIGN(w.attention_norm, norm(Role::attention_norm, l));
    if (a_.is_fused()) {
      LSTAR_ASSIGN(LinearRef fused, linear(Role::query_key_value, l, d, q + 2 * kv));
      w.query_key_value = {fused};
    } else {
      LSTAR_ASSIGN(LinearRef query, linear(Role::query, l, d, q));
      LSTAR_ASSIGN(LinearRef key, linear(Role::key, l, d, kv));
      LSTAR_ASSIGN(LinearRef value, linear(Role::value, l, d, kv));
      w.query_key_value = {query, key, value};
    }
    LSTAR_ASSIGN(w.attention_out, linear(Role::attention_out, l, q, d));
    LSTAR_ASSIGN(w.mlp_norm, norm(Role::mlp_norm, l));
    LSTAR_ASSIGN(w.mlp_up, linear(Role::mlp_up, l, d, a_.mlp));
    if (a_.is_gated()) {
      LSTAR_ASSIGN(w.mlp_gate, linear(Role::mlp_gate, l, d, a_.mlp));
    }
    LSTAR_ASSIGN(w.mlp_down, linear(Role::mlp_down, l, a_.mlp, d));
    return w;
  }

 private:
  Result<const TensorInfo*> checked(const TensorInfo* found, const Shape& shape) const {
    if (found->shape != shape)
      return fail({.what = "shape",
                   .file = c_.file_of(*found),
                   .at = "tensor " + found->name,
                   .expected = shape.text(),
                   .found = found->shape.text()});
    if (!info(found->type).is_weight)
      return fail({.what = "dtype",
                   .file = c_.file_of(*found),
                   .at = "tensor " + found->name,
                   .expected = "a floating-point or quantised type",
                   .found = std::string(info(found->type).name)});
    return found;
  }

  const Architecture& a_;
  const Checkpoint& c_;
};

}  // namespace

Result<Weights> bind(const Architecture& a, const Checkpoint& checkpoint) {
  const Binder binder(a, checkpoint);
  const int64_t d = a.hidden;
  Weights w;
  LSTAR_ASSIGN(w.token_embedding, binder.tensor(Role::token_embedding, 0, ".weight", Shape{{a.vocab, a.embedding}}));
  if (a.has(Role::position_embedding)) {
    LSTAR_ASSIGN(w.position_embedding, binder.tensor(Role::position_embedding, 0, ".weight",
                                                     Shape{{a.max_positions + a.position.first_row, d}}));
  }
  if (a.has(Role::embedding_norm)) {
    LSTAR_ASSIGN(w.embedding_norm, binder.norm(Role::embedding_norm, 0));
  }
  if (a.has(Role::project_in)) {
    LSTAR_ASSIGN(w.project_in, binder.linear(Role::project_in, 0, a.embedding, d));
    LSTAR_ASSIGN(w.project_out, binder.linear(Role::project_out, 0, d, a.embedding));
  }
  for (int l = 0; l < a.layers; ++l) {
    LSTAR_ASSIGN(LayerWeights layer, binder.layer(l));
    w.layers.push_back(std::move(layer));
  }
  if (a.has(Role::final_norm)) {
    LSTAR_ASSIGN(w.final_norm, binder.norm(Role::final_norm, 0));
  }
  if (!a.has(Role::output)) {
    w.output = LinearRef{.weight = w.token_embedding, .in = a.embedding, .out = a.vocab};
  } else {
    w.output = binder.linear(Role::output, 0, a.embedding, a.vocab);
  }
  return w;
}

void drop(const Checkpoint& checkpoint, const LayerWeights& layer) {
  const auto drop_linear = [&](const LinearRef& linear) { checkpoint.drop(*linear.weight); };
  for (const LinearRef& linear : layer.query_key_value) drop_linear(linear);
  for (const LinearRef* linear : {&layer.attention_out, &layer.mlp_up, &layer.mlp_down}) drop_linear(*linear);
  if (layer.mlp_gate) drop_linear(*layer.mlp_gate);
}

Result<Model> open_model(const std::string& path) {
  Model model;
  LSTAR_ASSIGN(model.checkpoint, open_checkpoint(path));
  LSTAR_ASSIGN(model.architecture, read_architecture(*model.checkpoint));
  LSTAR_ASSIGN(model.weights, bind(model.architecture, *model.checkpoint));
  return model;
}

}  // namespace lstar
