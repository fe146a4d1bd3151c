// Mixtures stored as transformers 5 holds them in memory: all gates and ups of a layer in one tensor, all downs in
// another. The same numbers, to the bit, as from the published names (which recorded_test.cpp holds to transformers).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lstar/model/forward.h"
#include "tests/support/config_text.h"
#include "tests/support/memory_checkpoint.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

std::vector<double> values_of(const Checkpoint& from, const std::string& name) {
  const TensorInfo* tensor = from.find(name);
  if (!tensor) return {};
  std::vector<double> values(static_cast<size_t>(tensor->shape.elements()));
  EXPECT_TRUE(from.read(*tensor, {0, tensor->shape.rows()}, std::span<double>(values)));
  return values;
}

Array3<double> diagonal_of(std::unique_ptr<Checkpoint> checkpoint) {
  const auto model = open_model(std::move(checkpoint));
  EXPECT_TRUE(model) << model.error().message();
  if (!model) return {};
  EXPECT_TRUE(model->warnings.empty()) << ::testing::PrintToString(model->warnings);
  Observation seen;
  const auto backend = make_cpu_backend<double>(Dtype::float64, 1);
  EXPECT_TRUE(
      forward(*model, {.ids = {5, 17, 3, 40, 9, 21}, .start = {0, 6}}, {.wants = Want::diagonal}, *backend, seen));
  return seen.diagonal;
}

struct Mixture {
  const char *folder, *block, *router, *new_block, *new_router, *gate, *up, *down;
};

TEST(StackedExperts, GiveTheNumbersOfSeparateOnes) {
  const std::string layer = "model.layers.";
  for (const Mixture& m : {Mixture{"mixtral", "block_sparse_moe.", "gate", "mlp.", "gate", "w1", "w3", "w2"},
                           Mixture{"qwen2_moe", "mlp.", "gate", "mlp.", "gate", "gate_proj", "up_proj", "down_proj"},
                           Mixture{"qwen3_moe", "mlp.", "gate", "mlp.", "gate", "gate_proj", "up_proj", "down_proj"},
                           Mixture{"olmoe", "mlp.", "gate", "mlp.", "gate", "gate_proj", "up_proj", "down_proj"}}) {
    const auto recorded = open_checkpoint(testing::source_path(fmt::format("tests/data/checkpoints/{}", m.folder)));
    ASSERT_TRUE(recorded) << recorded.error().message();
    const Checkpoint& from = **recorded;
    auto stacked = std::make_unique<testing::MemoryCheckpoint>(testing::config_text(from));
    for (const TensorInfo& tensor : from.tensors()) {
      std::string name = tensor.name;
      if (name.find(".experts.") != std::string::npos) continue;
      const std::string router = fmt::format(".{}{}.weight", m.block, m.router);
      if (name.ends_with(router))
        name.replace(name.size() - router.size(), router.size(),
                     fmt::format(".{}{}.weight", m.new_block, m.new_router));
      stacked->add(name, tensor.shape.dims, values_of(from, tensor.name));
    }
    for (int l = 0; l < 8; ++l) {
      std::vector<double> both, downs;
      int64_t experts = 0, width = 0, hidden = 0;
      for (;; ++experts) {
        const std::string one = fmt::format("{}{}.{}experts.{}.", layer, l, m.block, experts);
        const TensorInfo* gate = from.find(one + m.gate + ".weight");
        if (!gate) break;
        width = gate->shape.rows();
        hidden = gate->shape.cols();
        for (const char* part : {m.gate, m.up})
          for (double value : values_of(from, one + part + ".weight")) both.push_back(value);
        for (double value : values_of(from, one + m.down + ".weight")) downs.push_back(value);
      }
      if (experts == 0) continue;
      const std::string all = fmt::format("{}{}.{}experts.", layer, l, m.new_block);
      stacked->add(all + "gate_up_proj", {experts, 2 * width, hidden}, std::move(both));
      stacked->add(all + "down_proj", {experts, hidden, width}, std::move(downs));
    }
    EXPECT_EQ(diagonal_of(std::move(stacked)).values(),
              diagonal_of(*open_checkpoint(testing::source_path(fmt::format("tests/data/checkpoints/{}", m.folder))))
                  .values())
        << m.folder;
  }
}

}  // namespace
}  // namespace lstar
