// A recorded checkpoint with another configuration, other names, or both, held in memory: what must not change its
// numbers, and what must.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lstar/architecture/family.h"
#include "tests/support/config_text.h"
#include "tests/support/memory_checkpoint.h"
#include "tests/support/recorded_model.h"

namespace lstar::testing {

using Keys = std::vector<std::pair<std::string, std::string>>;  // of a configuration, values as JSON

inline Keys keys_of(Json object) {
  Keys keys;
  EXPECT_TRUE(object.is_object());
  for (const auto& [key, value] : object.fields()) keys.emplace_back(key, value.minified());
  return keys;
}

inline void set(Keys& keys, const std::string& key, const std::string& value) {
  std::erase_if(keys, [&](const auto& pair) { return pair.first == key; });
  keys.emplace_back(key, value);
}

inline std::string take(Keys& keys, const std::string& key) {
  std::string value;
  for (const auto& pair : keys)
    if (pair.first == key) value = pair.second;
  std::erase_if(keys, [&](const auto& pair) { return pair.first == key; });
  return value;
}

inline std::string text_of(const Keys& keys) {
  std::string text;
  for (const auto& [key, value] : keys) text += (text.empty() ? "" : ",") + ('"' + key + "\":") + value;
  return "{" + text + "}";
}

inline std::string recorded_folder(const std::string& name) { return source_path("tests/data/checkpoints/" + name); }

class Altered {
 public:
  explicit Altered(const std::string& name) {
    auto opened = open_checkpoint(recorded_folder(name));
    EXPECT_TRUE(opened) << opened.error().message();
    from_ = std::move(*opened);
    keys = keys_of(JsonDocument::parse(config_text(*from_), "config.json")->root());
  }
  // The new name of each tensor; an empty one leaves it out.
  std::function<std::string(const std::string&)> rename = [](const std::string& name) { return name; };
  // A second name for the tensor of a new name, beside it; an empty one for none.
  std::function<std::string(const std::string&)> also = [](const std::string&) { return std::string(); };
  Keys keys;  // the new configuration

  Result<Model> model() const {
    auto copy = std::make_unique<MemoryCheckpoint>(text_of(keys));
    for (const TensorInfo& tensor : from_->tensors()) {
      const std::string name = rename(tensor.name);
      if (!info(tensor.type).is_weight || name.empty()) continue;
      std::vector<double> values(static_cast<size_t>(tensor.shape.elements()));
      EXPECT_TRUE(from_->read(tensor, {0, tensor.shape.rows()}, std::span<double>(values)));
      if (const std::string second = also(name); !second.empty())
        copy->add(second, tensor.shape.dims, values, tensor.type);
      copy->add(name, tensor.shape.dims, std::move(values), tensor.type);
    }
    Model made;
    made.checkpoint = std::move(copy);
    LSTAR_ASSIGN(made.architecture, read_architecture(*made.checkpoint));
    LSTAR_ASSIGN(made.weights, bind(made.architecture, *made.checkpoint));
    return made;
  }
  bool has(std::string_view tensor) const { return from_->find(tensor) != nullptr; }

 private:
  std::unique_ptr<Checkpoint> from_;
};

// What the checkpoint itself is recorded with.
inline void hold_recorded(const Result<Model>& model, const std::string& name) {
  ASSERT_TRUE(model) << name << ": " << model.error().message();
  const auto expected = JsonDocument::read(recorded_folder(name) + "/expected.json");
  ASSERT_TRUE(expected);
  hold_pass<double>(*model, *expected, Dtype::float64, kFloat64);
}

}  // namespace lstar::testing
