// GPT-Neo (transformers: models/gpt_neo): GPT-2 with separate projections, scores that are not scaled, and a window of
// keys in every other layer, as attention_types says.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {

Architecture read_gpt_neo(Config& config, const Checkpoint&) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers", "num_layers"});
  a.hidden = a.embedding = config.size({"hidden_size"});
  a.heads = a.kv_heads = config.size({"num_attention_heads", "num_heads"});
  a.head_dim = a.hidden / a.heads;
  a.mlp = config.size_or({"intermediate_size"}, 4 * a.hidden, 4 * a.hidden);
  a.vocab = config.vocab_size();
  a.max_positions = config.size({"max_position_embeddings"});
  a.positions_are_limited = true;
  a.norm_epsilon = config.positive_or({"layer_norm_epsilon"}, 1e-5, 1);
  a.activation = config.activation({"activation_function"}, "gelu_new");
  a.attention_scale = 1;
  a.ignores_is_causal = true;
  a.rounding.scores = ScoreRounding::none;
  config.require(a.hidden % a.heads == 0, "key hidden_size", "a multiple of num_heads", std::to_string(a.hidden));
  const int window = config.size_or({"window_size"}, 256);
  std::vector<std::string> types = config.texts("attention_layers", a.layers);
  if (types.empty() && config.has("attention_types")) types = config.repeated_texts("attention_types", a.layers);
  if (types.empty()) {  // the class's own: global and local in turn, 24 layers
    config.require(a.layers == 24, "key attention_types", "global and local layers", "none");
    for (int l = 0; l < a.layers; ++l) types.emplace_back(l % 2 == 0 ? "global" : "local");
  }
  std::vector<LayerPlan>& plan = plan_of(a);
  for (size_t l = 0; l < plan.size() && l < types.size(); ++l) {
    config.require(types[l] == "global" || types[l] == "local", "key attention_types", "global or local", types[l]);
    if (types[l] == "local") plan[l].window = window;
  }

  a.split_heads();
  a.prefixes = {"transformer.", ""};
  a[Role::token_embedding] = {"wte"};
  a[Role::position_embedding] = {"wpe"};
  a[Role::attention_norm] = {.pattern = "h.{}.ln_1", .bias = true};
  a[Role::query] = {"h.{}.attn.attention.q_proj"};
  a[Role::key] = {"h.{}.attn.attention.k_proj"};
  a[Role::value] = {"h.{}.attn.attention.v_proj"};
  a[Role::attention_out] = {.pattern = "h.{}.attn.attention.out_proj", .bias = true};
  a[Role::mlp_norm] = {.pattern = "h.{}.ln_2", .bias = true};
  a[Role::mlp_up] = {.pattern = "h.{}.mlp.c_fc", .bias = true};
  a[Role::mlp_down] = {.pattern = "h.{}.mlp.c_proj", .bias = true};
  a[Role::final_norm] = {.pattern = "ln_f", .bias = true};
  if (!config.flag_or({"tie_word_embeddings"}, true)) a[Role::output] = {"lm_head"};
  return a;
}

}  // namespace lstar
