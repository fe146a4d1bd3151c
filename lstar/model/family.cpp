#include "lstar/model/family.h"

#include <cmath>

#include <fmt/format.h>

namespace lstar {
namespace {

constexpr Family kFamilies[] = {
    {"gpt2", "gpt2", read_gpt2},    {"gpt_neox", "pythia", read_gpt_neox}, {"opt", "opt", read_opt},
    {"bloom", "bloom", read_bloom}, {"llama", "llama", read_llama},
};

// What every family must satisfy, so that no later step divides by zero or reads past a row.
void check_shape(const Architecture& a, Config& config) {
  config.require(a.heads % a.kv_heads == 0, "key/value heads", fmt::format("a divisor of {} heads", a.heads),
                 fmt::format("{}", a.kv_heads));
  config.require(a.layers <= 10000 && a.heads <= 65536 && a.head_dim <= 65536, "layers, heads, head width",
                 "at most 10000, 65536, 65536", fmt::format("{}, {}, {}", a.layers, a.heads, a.head_dim));
  if (a.position.kind == Position::Kind::rotary)
    config.require(
        a.position.rotary_dims >= 2 && a.position.rotary_dims % 2 == 0 && a.position.rotary_dims <= a.head_dim,
        "rotary dimensions", fmt::format("even, from 2 to {}", a.head_dim), fmt::format("{}", a.position.rotary_dims));
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

Result<Architecture> read_architecture(const Checkpoint& checkpoint) {
  const std::string file = checkpoint.format() == "gguf" ? checkpoint.path() : checkpoint.path() + "/config.json";
  Config config(checkpoint.config(), file);
  const std::string model_type = config.text_or({"model_type"}, "");
  for (const Family& family : kFamilies) {
    if (family.model_type != model_type) continue;
    Architecture architecture = family.read(config, checkpoint);
    architecture.family = family.model_type;
    architecture.notebook_name = family.notebook_name;
    if (architecture.attention_scale == 0) architecture.attention_scale = 1 / std::sqrt(double(architecture.head_dim));
    check_shape(architecture, config);
    if (config.fault()) return fail(*config.fault());
    return architecture;
  }
  std::string known;
  for (const Family& family : kFamilies) known += (known.empty() ? "" : ", ") + std::string(family.model_type);
  return fail({.what = "unknown family",
               .file = file,
               .at = "key model_type",
               .expected = "one of " + known,
               .found = model_type.empty() ? "none" : model_type});
}

}  // namespace lstar
