// Sizes of a configuration that fit one by one and not together: refused before anything has that size.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "lstar/architecture/family.h"
#include "lstar/base/limits.h"
#include "tests/support/memory_checkpoint.h"

namespace lstar {
namespace {

struct Sizes {
  int64_t layers = 2, hidden = 8, heads = 2, kv_heads = 2, head_dim = 4, mlp = 8;
};

std::string error_of(const Sizes& sizes, const std::string& more = "", const char* type = "llama") {
  const testing::MemoryCheckpoint checkpoint(
      fmt::format(R"({{"model_type": "{}", "num_hidden_layers": {}, "hidden_size": {}, "num_attention_heads": {},
                       "num_key_value_heads": {}, "head_dim": {}, "intermediate_size": {}, "vocab_size": 16{}}})",
                  type, sizes.layers, sizes.hidden, sizes.heads, sizes.kv_heads, sizes.head_dim, sizes.mlp, more));
  const auto architecture = read_architecture(checkpoint);
  return architecture ? "" : architecture.error().message();
}

TEST(Limits, Products) {
  EXPECT_EQ(error_of({}), "");
  // 2^32, and more than 2^31: neither wraps to a width that passes.
  for (const auto& [heads, width] : {std::pair<int64_t, int64_t>{65536, 65536}, {40000, 60000}, {65536, 257}}) {
    const std::string error = error_of({.heads = heads, .kv_heads = heads, .head_dim = width});
    EXPECT_NE(error.find("heads * head width"), error.npos) << error;
    EXPECT_NE(error.find(fmt::format("{} * {}", heads, width)), error.npos) << error;
  }
  const std::string wide = error_of({.heads = 1, .kv_heads = 1, .head_dim = 16384});
  EXPECT_NE(wide.find("heads * head width squared: not supported: expected at most 4194304, found 1 * 16384^2"),
            wide.npos)
      << wide;
  EXPECT_EQ(error_of({.heads = 96, .kv_heads = 8, .head_dim = 192}), "");   // Nemotron-4 340B
  EXPECT_EQ(error_of({.heads = 128, .kv_heads = 8, .head_dim = 128}), "");  // Llama 3.1 405B
  EXPECT_EQ(error_of({.heads = 1, .kv_heads = 1, .head_dim = 2048}), "");
}

TEST(Limits, Counts) {
  const auto names = [](const std::string& error, const char* key, int64_t most) {
    EXPECT_NE(error.find(key), error.npos) << error;
    EXPECT_NE(error.find(fmt::format("an integer from 1 to {}", most)), error.npos) << error;
  };
  names(error_of({.layers = limits::kLayers + 1}), "num_hidden_layers", limits::kLayers);
  names(error_of({.heads = limits::kHeads + 1}), "num_attention_heads", limits::kHeads);
  names(error_of({.kv_heads = limits::kHeads + 1}), "num_key_value_heads", limits::kHeads);
  names(error_of({.mlp = limits::kWidth + 1}), "intermediate_size", limits::kWidth);
  names(error_of({}, R"(, "num_experts": 70000)", "qwen3_moe"), "num_experts", limits::kExperts);
}

// Four times the largest hidden size is no size.
TEST(Limits, AssumedWidth) {
  const testing::MemoryCheckpoint checkpoint(
      R"({"model_type": "gpt2", "n_layer": 1, "n_embd": 16777216, "n_head": 65536, "vocab_size": 16})");
  const auto architecture = read_architecture(checkpoint);
  ASSERT_FALSE(architecture);
  EXPECT_NE(architecture.error().message().find("width of the MLP"), std::string::npos)
      << architecture.error().message();
}

}  // namespace
}  // namespace lstar
