// Rotary positions (Su et al., "RoFormer", 2021) and the ways in which labs stretch them to longer contexts, after
// transformers' modeling_rope_utils: from a checkpoint's parameters to the angle that each pair of dims turns by a
// position. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lstar {

class Config;

struct RotaryScaling {
  // linear: every frequency divided by `factor`. dynamic: the base grows once a prompt is longer than trained. yarn:
  // low frequencies divided, high ones kept, a ramp between (Peng et al., 2023). llama3: the same with Llama 3.1's
  // ramp. per_frequency: each divided by a number of its own, one list up to the trained length and one past it
  // (Phi-3's "longrope"; llama.cpp's rope_freqs).
  enum class Kind { none, linear, dynamic, yarn, llama3, per_frequency } kind = Kind::none;
  double factor = 1;
  double trained_positions = 0;  // before stretching
  double beta_fast = 32, beta_slow = 1;
  bool truncate = true;  // yarn: the ramp starts and ends at whole dims
  double low_frequency = 1, high_frequency = 4;
  double attention_factor = 1;                      // on cosines and sines
  std::vector<double> short_factors, long_factors;  // (dims / 2)
};

struct Rotary {
  int dims = 0;  // leading dims of each head that turn
  double base = 10000;
  bool interleaved = false;  // pairs are (2i, 2i + 1) instead of (i, i + dims / 2)
  RotaryScaling scaling;
  bool turns_whole_heads = false;  // else an error: transformers' class cannot turn a part of a head
};

// Radians a position of each pair, (dims / 2), for a prompt of `tokens`.
std::vector<double> rotary_frequencies(const Rotary&, int64_t tokens);

// Whether they differ between short and long prompts.
bool depends_on_length(const Rotary&);

struct RotaryDefaults {
  double base = 10000;
  std::optional<double> share{};  // of the head's dims that turn; none: all, and partial_rotary_factor is not read
  // At the top of the configuration; inside rope_parameters the names are these for all.
  const char *base_key = "rope_theta", *share_key = "partial_rotary_factor";
  int trained_positions = 0;  // > 0: original_max_position_embeddings is read at the top (alone), and is this if absent
  const char* layer_type = "";  // the entry of rope_parameters that counts, where it has one a kind of layer
};

// The parameters under every spelling in use: rope_theta, rotary_pct ... at the top, in rope_scaling or in
// rope_parameters (transformers 5), or a GGUF's. Faults are left in the Config.
Rotary read_rotary(Config&, int head_dim, const RotaryDefaults& = {});

// What GPT-OSS turns by where its configuration does not say: YaRN from 4,096 positions, factor 32.
RotaryScaling gpt_oss_scaling();

}  // namespace lstar
