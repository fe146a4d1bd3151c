// A GGUF's metadata as a configuration: one section, in which the architecture's own prefix is removed
// ("llama.block_count" is "block_count") and "model_type" names the architecture. Scalars of all keys, and the
// architecture's own lists of numbers; other lists are the tokenizer's. NaN and infinities are null.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "lstar/checkpoint/configuration.h"
#include "lstar/checkpoint/gguf_values.h"

namespace lstar {

class GgufConfiguration final : public Configuration::Source {
 public:
  using Place = Configuration::Place;
  using Type = Configuration::Type;

  // Borrows what `values` borrow, and `architecture`.
  GgufConfiguration(const GgufValues& values, std::string_view architecture);

  // Lives as long as this, and only where this stays.
  Configuration root() const { return Configuration(*this, Place{}); }

  Type type(Place) const override;
  std::optional<bool> boolean(Place) const override;
  std::optional<int64_t> integer(Place) const override;
  std::optional<double> number(Place) const override;
  std::optional<std::string> string(Place) const override;
  std::optional<Place> find(Place section, std::string_view key) const override;
  void each(Place, const Configuration::Visit&) const override;
  size_t size(Place) const override;
  std::string shown(Place, size_t most) const override;

 private:
  std::vector<std::pair<std::string_view, GgufValue>> fields_;  // sorted by key, each once
};

}  // namespace lstar
