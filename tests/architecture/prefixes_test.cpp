// The layer below the families knows what their tensors begin with, so that no wrapper's prefix takes it along
// (checkpoint/tensor_prefix.cpp): held against the families themselves.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "lstar/architecture/family.h"
#include "lstar/checkpoint/tensor_prefix.h"
#include "tests/support/altered_checkpoint.h"

namespace lstar {
namespace {

// By model_type, from a recorded checkpoint of each.
std::map<std::string, std::vector<std::string>> prefixes_of_families() {
  std::map<std::string, std::vector<std::string>> found;
  for (const std::string& name : testing::recorded_checkpoints()) {
    const auto checkpoint = open_checkpoint(testing::recorded_folder(name));
    if (!checkpoint) continue;
    const std::string model_type = (*checkpoint)->configuration().string("model_type").value_or("");
    for (const Family& family : families()) {
      if (family.model_type != model_type) continue;
      Config config((*checkpoint)->configuration(), "config.json");
      found.emplace(model_type, family.read(config, **checkpoint).prefixes);
    }
  }
  return found;
}

std::string prefix_of(const std::string& begin) {
  const std::string layer = begin + "layers.0.x", table = begin + "embed_tokens.weight";
  return wrapper_prefix({layer, table});
}

TEST(Prefixes, OfFamiliesStay) {
  const auto of_families = prefixes_of_families();
  EXPECT_EQ(of_families.size(), families().size()) << "a family without a recorded checkpoint";
  for (const auto& [model_type, prefixes] : of_families) {
    const std::set<std::string> all(prefixes.begin(), prefixes.end());
    for (const std::string& own : prefixes) {
      SCOPED_TRACE(fmt::format("{} {}", model_type, own));
      EXPECT_EQ(prefix_of(own), "");
      EXPECT_EQ(prefix_of("module." + own), "module.");
      // A wrapper that is itself called model, unless this is the family's own.
      if (!own.empty() && !all.contains("model." + own)) {
        EXPECT_EQ(prefix_of("model." + own), "model.");
      }
    }
  }
}

}  // namespace
}  // namespace lstar
