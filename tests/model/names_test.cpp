// Tensors under every name by which a family's checkpoints are saved: by transformers 5, with the prefix of the class
// with a head or without it, and as labs published them (tools/oracle/record_names.py, which asks transformers for
// each).
#include <gtest/gtest.h>

#include <regex>

#include "tests/support/config_sweep.h"

namespace lstar {
namespace {

TEST(Names, OfEachFamilyAsSavedAndAsPublished) {
  const auto names = JsonDocument::read(testing::source_path("tests/data/names.json"));
  ASSERT_TRUE(names) << names.error().message();
  int families = 0;
  for (const JsonDocument& record : testing::recorded_sweeps()) {
    testing::SweptCheckpoint swept(record.root());
    if (!json_find(names->root(), swept.name)) continue;
    ++families;
    for (const Json renames : testing::items(names->root(), swept.name)) {
      std::map<std::string, std::string> new_names;
      int renamed = 0;
      for (const TensorInfo& tensor : swept.tensors()) {
        std::string name = tensor.name;
        for (const Json pair : renames.get_array())
          name = std::regex_replace(name, std::regex(std::string(std::string_view(pair.at(0).get_string()))),
                                    std::string(std::string_view(pair.at(1).get_string())));
        renamed += name != tensor.name;
        new_names[tensor.name] = name;
      }
      EXPECT_GT(renamed, 0) << swept.name;
      for (const std::string& config : {swept.published_config, swept.saved_config}) {
        const testing::SweepOutcome ours = swept.run(config, new_names);
        EXPECT_TRUE(testing::agree(ours.numbers, swept.base))
            << swept.name << " " << simdjson::minify(renames) << " " << ours.refusal;
      }
    }
  }
  EXPECT_EQ(families, 43);
}

// In the state of a module of somebody's own, and in transformers' classes that answer questions.
TEST(Names, OfEachFamilyInsideAnotherModule) {
  int families = 0;
  for (const JsonDocument& record : testing::recorded_sweeps()) {
    testing::SweptCheckpoint swept(record.root());
    ++families;
    for (const std::string place : {"backbone.", "net.lm.", "transformer."}) {
      std::map<std::string, std::string> new_names;
      for (const TensorInfo& tensor : swept.tensors()) new_names[tensor.name] = place + tensor.name;
      const testing::SweepOutcome ours = swept.run(swept.published_config, new_names);
      EXPECT_TRUE(testing::agree(ours.numbers, swept.base)) << swept.name << " " << place << " " << ours.refusal;
    }
  }
  EXPECT_EQ(families, 79);
}

}  // namespace
}  // namespace lstar
