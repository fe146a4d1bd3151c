// What tools/oracle/record_config_sweep.py recorded: a checkpoint whose configuration is replaced again and again, and
// the few numbers that tell one model from another.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/config_text.h"
#include "tests/support/recorded_model.h"

namespace lstar::testing {

struct SweepOutcome {
  std::vector<double> numbers;  // by layer the heads' mean diagonal mass; the last residual norm; the best logit
  std::string refusal;          // or why there are none
};

inline bool agree(const std::vector<double>& ours, const std::vector<double>& recorded) {
  if (ours.empty() || ours.size() != recorded.size()) return false;
  for (size_t i = 0; i < ours.size(); ++i)
    if (!(std::fabs(ours[i] - recorded[i]) <= kFloat64 * std::fabs(recorded[i]))) return false;
  return true;
}

// A checkpoint of tests/data with another configuration, and tensors under other names.
class Reconfigured : public Checkpoint {
 public:
  // `new_names`: of the inner one's names, what a tensor is called here; others keep theirs.
  Reconfigured(const Checkpoint& inner, const std::string& config,
               const std::map<std::string, std::string>& new_names = {})
      : inner_(inner), config_(*JsonDocument::parse(config, "config.json")) {
    for (TensorInfo tensor : inner.tensors()) {
      const auto found = new_names.find(tensor.name);
      const std::string name = found == new_names.end() ? tensor.name : found->second;
      old_names_[name] = std::exchange(tensor.name, name);
      tensors_.push_back(std::move(tensor));
    }
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    path_ = inner.path();
    format_ = inner.format();
  }
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const override {
    return inner_.read(within(tensor), rows, out);
  }
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<double> out) const override {
    return inner_.read(within(tensor), rows, out);
  }
  std::span<const std::byte> stored_rows(const TensorInfo& tensor, RowRange rows) const override {
    return inner_.stored_rows(within(tensor), rows);
  }
  Configuration configuration() const override { return Configuration(config_.root()); }
  TokenizerSource tokenizer() const override { return {}; }

 private:
  const TensorInfo& within(const TensorInfo& tensor) const { return *inner_.find(old_names_.at(tensor.name)); }

  const Checkpoint& inner_;
  JsonDocument config_;
  std::map<std::string, std::string> old_names_;
};

class SweptCheckpoint {
 public:
  // A line of tests/data/config_sweep.jsonl.
  explicit SweptCheckpoint(Json recorded)
      : name(*recorded.string("checkpoint")),
        base(numbers(recorded, "numbers")),
        checkpoint_(*open_checkpoint(source_path("tests/data/checkpoints/" + name))),
        published_config(config_text(*checkpoint_)),
        saved_config(recorded.find("saved_config")->minified()),
        backend_(make_cpu_backend<double>(Dtype::float64, 1)) {
    for (double id : numbers(recorded, "token_ids")) batch_.ids.push_back(static_cast<int32_t>(id));
    batch_.start.push_back(static_cast<int64_t>(batch_.ids.size()));
  }

  SweepOutcome run(const std::string& config, const std::map<std::string, std::string>& new_names = {}) {
    const auto model = open_model(std::make_unique<Reconfigured>(*checkpoint_, config, new_names));
    if (!model) return {{}, model.error().message()};
    const Architecture& a = model->architecture;
    if (const auto fits = check_prompt(a, batch_.ids); !fits) return {{}, fits.error().message()};
    Observation seen;
    Wants wants = Want::diagonal | Want::residual_norm;
    if (a.predicts_next) wants = wants | Want::next_token;
    const auto ran = forward(*model, batch_, {.wants = wants, .next_tokens = 1}, *backend_, seen);
    if (!ran) return {{}, ran.error().message()};
    SweepOutcome outcome;
    for (size_t layer = 0; layer < seen.diagonal.dim1(); ++layer) {
      double sum = 0;
      for (double head : seen.diagonal(0, layer)) sum += head;
      outcome.numbers.push_back(sum / static_cast<double>(seen.diagonal(0, layer).size()));
    }
    outcome.numbers.push_back(seen.residual_norm[0].back());
    if (a.predicts_next) outcome.numbers.push_back(seen.next_tokens[0][0].logit);
    return outcome;
  }

  std::span<const TensorInfo> tensors() const { return checkpoint_->tensors(); }

  const std::string name;
  const std::vector<double> base;  // of the configuration as it is

 private:
  std::unique_ptr<Checkpoint> checkpoint_;

 public:
  const std::string published_config, saved_config;  // as its lab has it, and as transformers 5 writes it

 private:
  Batch batch_;
  std::unique_ptr<Backend<double>> backend_;
};

inline std::vector<JsonDocument> recorded_sweeps() {
  std::vector<JsonDocument> records;
  std::ifstream file(source_path("tests/data/config_sweep.jsonl"));
  for (std::string line; std::getline(file, line);) records.push_back(*JsonDocument::parse(line, "config_sweep.jsonl"));
  return records;
}

}  // namespace lstar::testing
