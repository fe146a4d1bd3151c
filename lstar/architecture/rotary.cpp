#include "lstar/architecture/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include <fmt/core.h>

#include "lstar/architecture/config.h"

namespace lstar {
namespace {

// The pair (as a real number) whose frequency turns `turns` times over the trained positions.
double pair_that_turns(const Rotary& rotary, double turns) {
  return rotary.dims * std::log(rotary.scaling.trained_positions / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(rotary.base));
}

std::vector<double> yarn(const Rotary& rotary, std::vector<double> frequencies) {
  const RotaryScaling& scaling = rotary.scaling;
  double low = pair_that_turns(rotary, scaling.beta_fast), high = pair_that_turns(rotary, scaling.beta_slow);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, rotary.dims - 1.0);
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double stretched = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = frequencies[i] / scaling.factor * stretched + frequencies[i] * (1 - stretched);
  }
  return frequencies;
}

std::vector<double> llama3(const RotaryScaling& scaling, std::vector<double> frequencies) {
  for (double& frequency : frequencies) {
    const double turns = scaling.trained_positions * frequency / (2 * std::numbers::pi);
    if (turns < scaling.low_frequency) {
      frequency /= scaling.factor;
    } else if (turns <= scaling.high_frequency) {
      const double kept = (turns - scaling.low_frequency) / (scaling.high_frequency - scaling.low_frequency);
      frequency = (1 - kept) * frequency / scaling.factor + kept * frequency;
    }
  }
  return frequencies;
}

// 0.1 m ln(factor) + 1: what YaRN multiplies queries and keys with.
double yarn_magnitude(double factor, double m = 1) { return factor <= 1 ? 1 : 0.1 * m * std::log(factor) + 1; }

using Kind = RotaryScaling::Kind;

std::optional<Kind> kind_of(std::string_view type) {
  if (type == "default" || type == "none" || type.empty()) return Kind::none;
  if (type == "linear") return Kind::linear;
  if (type == "dynamic") return Kind::dynamic;
  if (type == "yarn") return Kind::yarn;
  if (type == "llama3") return Kind::llama3;
  if (type == "longrope" || type == "su") return Kind::per_frequency;
  return std::nullopt;
}

constexpr double kLargestFactor = 1e6, kMostPositions = 1e9;

// What transformers has no default for. (A GGUF has its own keys, and llama.cpp's defaults.)
void require_key(const Config& config, Config& section, std::string_view key) {
  if (!config.is_gguf() && !section.is_null(key))
    section.require(section.has(key), fmt::format("key {}", key), "a number", "none");
}

// `section` is rope_scaling or rope_parameters, or a GGUF's flat keys; `config` the whole.
RotaryScaling read_scaling(Config& config, Config& section, int dims, int trained_positions) {
  RotaryScaling scaling;
  // llama.cpp's rule: a factor without a type stretches linearly.
  const bool has_factor = config.has("rope.scaling.factor") || config.has("rope.scale_linear");
  const std::string type = config.is_gguf() ? config.text_or({"rope.scaling.type"}, has_factor ? "linear" : "none")
                                            : section.text_or({"rope_type", "type"}, "default");
  const auto kind = kind_of(type);
  section.require(kind.has_value(), "rotary scaling", "default, linear, dynamic, yarn, llama3 or longrope", type);
  if (!kind || *kind == Kind::none) return scaling;
  scaling.kind = *kind;
  const double most = config.size_or({"max_position_embeddings"}, 2048);
  if (trained_positions > 0 && !config.is_gguf())
    scaling.trained_positions = config.size_or({"original_max_position_embeddings"}, trained_positions);
  else
    scaling.trained_positions = section.positive_or(
        {"original_max_position_embeddings", "rope.scaling.original_context_length"}, most, kMostPositions);
  const bool is_long = scaling.kind == Kind::per_frequency;
  const double ratio = most / scaling.trained_positions;  // what a factor of null means, and none at all in longrope
  const std::optional<double> inferred_factor =
      is_long || scaling.kind == Kind::yarn ? std::optional(ratio) : std::nullopt;
  if (!is_long) require_key(config, section, "factor");
  scaling.factor = section.positive_or({"factor", "rope.scaling.factor", "rope.scale_linear"}, is_long ? ratio : 1,
                                       kLargestFactor, inferred_factor);
  if (scaling.kind == Kind::dynamic) scaling.trained_positions = most;
  if (scaling.kind == Kind::yarn) {
    const double m = section.number_or({"mscale"}, 0, 0), all = section.number_or({"mscale_all_dim"}, 0, 0);
    const double inferred = m != 0 && all != 0 ? yarn_magnitude(scaling.factor, m) / yarn_magnitude(scaling.factor, all)
                                               : yarn_magnitude(scaling.factor);
    scaling.attention_factor =
        section.positive_or({"attention_factor", "rope.scaling.yarn_attn_factor"}, inferred, kLargestFactor, inferred);
    scaling.beta_fast = section.positive_or({"beta_fast", "rope.scaling.yarn_beta_fast"}, 32, kLargestFactor, 32);
    scaling.beta_slow = section.positive_or({"beta_slow", "rope.scaling.yarn_beta_slow"}, 1, kLargestFactor, 1);
    scaling.truncate = section.flag_or({"truncate"}, true, false);
  }
  if (scaling.kind == Kind::llama3) {
    require_key(config, section, "low_freq_factor");
    require_key(config, section, "high_freq_factor");
    scaling.low_frequency = section.positive_or({"low_freq_factor"}, 1, kLargestFactor);
    scaling.high_frequency = section.positive_or({"high_freq_factor"}, 4, kLargestFactor);
    section.require(scaling.high_frequency > scaling.low_frequency, "key high_freq_factor", "more than low_freq_factor",
                    fmt::format("{:g}", scaling.high_frequency));
  }
  if (is_long && !config.is_gguf()) {  // which keeps the factors in tensors
    scaling.short_factors = section.numbers("short_factor", dims / 2);
    scaling.long_factors = section.numbers("long_factor", dims / 2);
    const double inferred =
        scaling.factor <= 1 ? 1 : std::sqrt(1 + std::log(scaling.factor) / std::log(scaling.trained_positions));
    scaling.attention_factor = section.positive_or({"attention_factor"}, inferred, kLargestFactor, inferred);
  }
  return scaling;
}

}  // namespace

std::vector<double> rotary_frequencies(const Rotary& rotary, int64_t tokens) {
  const RotaryScaling& scaling = rotary.scaling;
  double base = rotary.base;
  if (scaling.kind == Kind::dynamic && rotary.dims > 2) {
    const double stretch = std::max(1.0, static_cast<double>(tokens) / scaling.trained_positions);
    base *= std::pow(scaling.factor * stretch - (scaling.factor - 1), rotary.dims / (rotary.dims - 2.0));
  }
  std::vector<double> frequencies;
  for (int i = 0; i < rotary.dims / 2; ++i) frequencies.push_back(std::pow(base, -2.0 * i / rotary.dims));
  switch (scaling.kind) {
    case Kind::none:
    case Kind::dynamic: return frequencies;
    case Kind::linear:
      for (double& frequency : frequencies) frequency /= scaling.factor;
      return frequencies;
    case Kind::yarn: return yarn(rotary, std::move(frequencies));
    case Kind::llama3: return llama3(scaling, std::move(frequencies));
    case Kind::per_frequency: {
      const bool is_long = static_cast<double>(tokens) > scaling.trained_positions;
      const std::vector<double>& factors = is_long ? scaling.long_factors : scaling.short_factors;
      for (size_t i = 0; i < frequencies.size() && i < factors.size(); ++i) frequencies[i] /= factors[i];
      return frequencies;
    }
  }
  return frequencies;
}

RotaryScaling gpt_oss_scaling() {
  RotaryScaling scaling{.kind = Kind::yarn, .factor = 32, .trained_positions = 4096, .truncate = false};
  scaling.attention_factor = yarn_magnitude(scaling.factor);
  return scaling;
}

bool depends_on_length(const Rotary& rotary) {
  const RotaryScaling& scaling = rotary.scaling;
  return scaling.kind == Kind::dynamic ||
         (scaling.kind == Kind::per_frequency && scaling.short_factors != scaling.long_factors);
}

Rotary read_rotary(Config& config, int head_dim, const RotaryDefaults& defaults) {
  // rope_scaling, the older name, wins over rope_parameters; the top level has the oldest spellings. Where layers turn
  // in different ways, rope_parameters has an object for each, and rope_scaling is about those that see all.
  Config section = config;
  const bool by_layer = *defaults.layer_type != '\0';
  auto scaling = config.section("rope_scaling"), parameters = config.section("rope_parameters");
  if (scaling && scaling->is_empty()) scaling.reset();
  if (by_layer && parameters) parameters = parameters->section(defaults.layer_type);
  if (by_layer && scaling)
    config.require(!config.has("rope_parameters"), "key rope_scaling", "rope_parameters or rope_scaling", "both");
  const bool is_inside = scaling || parameters;
  if (is_inside) section = scaling ? *scaling : *parameters;

  Rotary rotary;
  const std::string_view base_key = config.is_gguf() ? "rope_theta" : defaults.base_key;
  const double assumed_base = config.is_gguf() && !by_layer ? 10000 : defaults.base;  // llama.cpp's is one for all
  const double top_base = config.positive_or({base_key}, assumed_base, kLargestRotaryBase);
  rotary.base = section.positive_or({is_inside ? "rope_theta" : base_key}, top_base, kLargestRotaryBase);
  if (config.is_gguf()) {  // without a number of dims whole heads
    rotary.dims = config.size_or({"rope.dimension_count"}, head_dim);
  } else {
    // A class that turns whole heads reads no share; transformers' scaled frequencies do, and are then too few for it.
    const bool is_scaled = kind_of(section.text_or({"rope_type", "type"}, "default")) != Kind::none;
    const bool reads_share = defaults.share || is_scaled;
    const double top_share = reads_share ? config.positive_or({defaults.share_key}, defaults.share.value_or(1), 1) : 1;
    const std::string_view share_key = is_inside ? "partial_rotary_factor" : defaults.share_key;
    const double share = reads_share ? section.positive_or({share_key}, top_share, 1) : 1;
    rotary.dims = static_cast<int>(head_dim * share);
    rotary.turns_whole_heads = !defaults.share;
  }
  if (rotary.dims <= head_dim) rotary.scaling = read_scaling(config, section, rotary.dims, defaults.trained_positions);
  config.absorb(section);
  return rotary;
}

}  // namespace lstar
