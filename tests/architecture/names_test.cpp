// Tensors under every name by which a family's checkpoints are saved: by transformers 5, with the prefix of the class
// with a head or without it, and as labs published them (tools/oracle/record_names.py, which asks transformers for
// each).
#include <gtest/gtest.h>

#include <regex>

#include "tests/support/altered_checkpoint.h"
#include "tests/support/config_sweep.h"

namespace lstar {
namespace {

TEST(Names, OfEachFamilyAsSavedAndAsPublished) {
  const auto names = JsonDocument::read(testing::source_path("tests/data/names.json"));
  ASSERT_TRUE(names) << names.error().message();
  int families = 0;
  for (const JsonDocument& record : testing::recorded_sweeps()) {
    testing::SweptCheckpoint swept(record.root());
    if (!names->root().find(swept.name)) continue;
    ++families;
    for (const Json renames : testing::items(names->root(), swept.name)) {
      std::map<std::string, std::string> new_names;
      int renamed = 0;
      for (const TensorInfo& tensor : swept.tensors()) {
        std::string name = tensor.name;
        for (const Json pair : renames.items())
          name = std::regex_replace(name, std::regex(std::string(pair.at(0)->string().value())),
                                    std::string(pair.at(1)->string().value()));
        renamed += name != tensor.name;
        new_names[tensor.name] = name;
      }
      EXPECT_GT(renamed, 0) << swept.name;
      for (const std::string& config : {swept.published_config, swept.saved_config}) {
        const testing::SweepOutcome ours = swept.run(config, new_names);
        EXPECT_TRUE(testing::agree(ours.numbers, swept.base))
            << swept.name << " " << renames.minified() << " " << ours.refusal;
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

// What lies beside a weight that is missing may be how it is packed; beside a tensor of another kind it is not.
TEST(Names, WhatLiesBesideAMissingTensorIsNamedForWeightsAlone) {
  testing::Altered sinks("gpt_oss-plain");
  sinks.rename = [](const std::string& name) { return name.ends_with("sinks") ? std::string() : name; };
  const auto without_sinks = sinks.model();
  ASSERT_FALSE(without_sinks);
  EXPECT_TRUE(without_sinks.error().at.ends_with("sinks")) << without_sinks.error().message();
  EXPECT_EQ(without_sinks.error().what, "missing tensor");

  testing::Altered weight("gpt_oss-plain");
  weight.rename = [](const std::string& name) {
    return name.ends_with("0.self_attn.q_proj.weight") ? name.substr(0, name.size() - 6) + "some_blocks" : name;
  };
  const auto without_weight = weight.model();
  ASSERT_FALSE(without_weight);
  EXPECT_NE(without_weight.error().what.find("its weight seems packed as .some_blocks: "), std::string::npos)
      << without_weight.error().message();
}

}  // namespace
}  // namespace lstar
