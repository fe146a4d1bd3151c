// Command R and Aya (transformers: models/cohere, models/cohere2): attention and MLP in parallel behind one LayerNorm
// without bias, rotary positions in interleaved pairs, scaled logits. Command R+ norms each head of q and k with a gain
// of its own; Command R7B and A see windows, with rotary positions, in three of four layers and all keys, without, in
// the fourth.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {
namespace {

Architecture read_cohere_base(Config& config, double base) {
  Architecture a = read_llama_like(config, {.epsilon_key = "layer_norm_eps",
                                            .epsilon = 1e-5,
                                            .reads_attention_bias = true,
                                            .ties_output = true,
                                            .rotary = {.base = base}});
  a.norm = NormRef::Kind::layer;
  a.rounding.norm_before_gain = false;
  a.residual = Residual::parallel;
  a.rotary[0].interleaved = true;
  config.need_in_gguf({"logit_scale"});
  a.logit_scale = config.positive_or({"logit_scale"}, 0.0625, 1e6);
  a[Role::mlp_norm].reset();
  return a;
}

}  // namespace

Architecture read_cohere(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_cohere_base(config, 500000);
  if (config.flag_or({"use_qk_norm"}, checkpoint.find("blk.0.attn_q_norm.weight") != nullptr, false)) {
    a[Role::query_norm] = {"layers.{}.self_attn.q_norm"};
    a[Role::key_norm] = {"layers.{}.self_attn.k_norm"};
  }
  return a;
}

Architecture read_cohere2(Config& config, const Checkpoint&) {
  Architecture a = read_cohere_base(config, 10000);
  config.need_in_gguf({"sliding_window"});
  plan_windows(a, config, read_window(config, 4096), all_but_every(config, 4));
  for (LayerPlan& layer : a.plan) layer.rotary = layer.window > 0 ? 0 : -1;
  return a;
}

}  // namespace lstar
