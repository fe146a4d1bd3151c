// Whole measurements against recorded ones: text to token ids, traces of every repaired estimator, L*.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "lstar/study/open_model.h"
#include "lstar/study/study.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using testing::items;
using testing::numbers;
using testing::source_path;

constexpr double kTolerance = 1e-5;

// Holds ids, traces and L* of a checkpoint to the record. Prompts are texts where the record has them.
void hold(const std::string& path, const std::string& record) {
  const auto expected = JsonDocument::read(record);
  ASSERT_TRUE(expected) << expected.error().message();
  const std::vector<Json> recorded = items(expected->root(), "prompts");
  std::vector<Prompt> prompts;
  for (Json prompt : recorded) {
    Prompt asked{.text = prompt.string("text"), .ids = {}};
    if (!asked.text)
      for (double id : numbers(prompt, "token_ids")) asked.ids.push_back(static_cast<int32_t>(id));
    prompts.push_back(std::move(asked));
  }
  const auto measured = measure(path, prompts, {.wants = Want::diagonal, .hash_files = false});
  ASSERT_TRUE(measured) << measured.error().message();
  for (size_t p = 0; p < recorded.size(); ++p) {
    const std::vector<double> ids = numbers(recorded[p], "token_ids");
    EXPECT_EQ(std::vector<double>(measured->prompts[p].ids.begin(), measured->prompts[p].ids.end()), ids);
  }
  const Json traces = *expected->root().find("trace"), l_stars = *expected->root().find("l_star");
  int held = 0;
  for (const ModelTraces& ours : traces_of(*measured, NanPolicy::report)) {
    if (!traces.find(ours.estimator)) continue;
    // The record is of the map in front of a norm behind W_O (tests/model/output_norm_test.cpp).
    if (ours.estimator == "ov_circuit" && measured->shape.has_output_norm) continue;
    const std::vector<Json> theirs = items(traces, ours.estimator);
    const Json l_star = *l_stars.find(ours.estimator);
    const std::vector<double> argmax = numbers(l_star, "argmax_step"), margin = numbers(l_star, "margin");
    for (size_t p = 0; p < theirs.size(); ++p) {
      std::vector<double> reference;
      testing::flatten(theirs[p], reference);
      testing::expect_close(ours.prompts[p].trace, reference, kTolerance, {}, ours.estimator);
      if (margin[p] < 10 * kTolerance) continue;  // L* wherever the winning step leads by ten tolerances
      const Detection& detection = ours.prompts[p].detections[0];
      ASSERT_TRUE(detection.layer);
      EXPECT_EQ(*detection.layer, argmax[p]) << ours.estimator << ", prompt " << p;
      const bool has_rivals = reference.size() > 2;  // two layers have one step, which has nothing to beat
      EXPECT_EQ(detection.resolved, has_rivals) << ours.estimator << ", prompt " << p << ": " << detection.reason;
      ++held;
    }
  }
  EXPECT_GT(held, 0);
}

class RecordedTraces : public ::testing::TestWithParam<std::string> {};

TEST_P(RecordedTraces, Checkpoint) {
  const std::string folder = source_path("tests/data/checkpoints/" + GetParam());
  hold(folder, folder + "/expected.json");
}
INSTANTIATE_TEST_SUITE_P(All, RecordedTraces, ::testing::ValuesIn(testing::recorded_checkpoints()), testing::test_name);

class ZooTraces : public ::testing::TestWithParam<std::string> {};
TEST_P(ZooTraces, TextToLStar) {
  hold(source_path("zoo/" + GetParam()), source_path("tests/data/zoo/" + GetParam() + ".json"));
}
INSTANTIATE_TEST_SUITE_P(All, ZooTraces, ::testing::ValuesIn(testing::zoo_models()), testing::test_name);

// The energy along an edge, in float64, from another program's explicit d x d maps: L* of the notebook's five prompts.
TEST(ZooEnergy, LStarOfEachPrompt) {
  const std::pair<const char*, std::vector<double>> known[] = {
      {"neox-12x12", {5, 5, 5, 4, 5}},      {"opt-24x16", {1, 15, 12, 15, 1}}, {"bloom-24x16", {1, 1, 7, 7, 11}},
      {"neox-24x16", {19, 19, 19, 19, 19}}, {"opt-12x12", {5, 5, 5, 5, 5}},    {"gpt2-12x12", {5, 5, 5, 5, 5}}};
  for (const auto& [name, layers] : known) {
    const auto expected = JsonDocument::read(source_path(std::string("tests/data/zoo/") + name + ".json"));
    ASSERT_TRUE(expected);
    std::vector<Prompt> prompts;
    for (Json prompt : items(expected->root(), "prompts"))
      prompts.push_back({.text = prompt.string("text"), .ids = {}});
    MeasureOptions options{.wants = Want::overlap, .hash_files = false};
    options.numerics.dtype = Dtype::float64;
    const auto measured = measure(source_path(std::string("zoo/") + name), prompts, options);
    ASSERT_TRUE(measured) << measured.error().message();
    std::vector<double> found;
    for (const ModelTraces& traces : traces_of(*measured, NanPolicy::report))
      for (const PromptTrace& prompt : traces.prompts)
        if (traces.estimator == "edge_energy") {
          EXPECT_TRUE(prompt.detections[0].resolved) << name;
          found.push_back(prompt.detections[0].layer.value_or(-1));
        }
    EXPECT_EQ(found, layers) << name;
  }
}

class GgufTraces : public ::testing::TestWithParam<std::string> {};
TEST_P(GgufTraces, BlocksAreWidened) {
  const std::string file = source_path("tests/data/gguf/llama-" + GetParam());
  hold(file + ".gguf", file + ".expected.json");
}
INSTANTIATE_TEST_SUITE_P(All, GgufTraces, ::testing::Values("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1"));

// The labs' own checkpoints, where `make labs` has brought them.
struct LabFile {
  const char* name;
  const char* file;
};
class Labs : public ::testing::TestWithParam<LabFile> {};

TEST_P(Labs, TextToLStar) {
  const auto variable = [](const char* name) { return std::string(std::getenv(name) ? std::getenv(name) : ""); };
  const std::string cache =
      variable("XDG_CACHE_HOME").empty() ? variable("HOME") + "/.cache" : variable("XDG_CACHE_HOME");
  const std::string labs = variable("LSTAR_LABS").empty() ? cache + "/lstar/labs" : variable("LSTAR_LABS");
  const std::string file = labs + "/" + GetParam().file;
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "`make labs` brings " << file;
  hold(file, source_path(std::string("tests/data/labs/") + GetParam().name + ".json"));
}
INSTANTIATE_TEST_SUITE_P(All, Labs,
                         ::testing::Values(LabFile{"SmolLM2-135M-Instruct", "SmolLM2-135M-Instruct.Q4_1.gguf"},
                                           LabFile{"gemma-3-270m", "gemma-3-270m-q4_k_m.gguf"},
                                           LabFile{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2"},
                                           LabFile{"Qwen2.5-Coder-0.5B-Instruct",
                                                   "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"}),
                         [](const ::testing::TestParamInfo<LabFile>& lab) {
                           std::string name = lab.param.name;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace lstar
