// A broken model gives one clear line and never stops a study. Each test breaks a small checkpoint that is otherwise
// good, and holds the whole message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <thread>
#include <utility>

#include "lstar/base/atomic_file.h"
#include "lstar/study/inspect.h"
#include "lstar/study/open_model.h"
#include "lstar/study/study.h"
#include "lstar/tokenizer/tokenizer.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/recorded.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Failures : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = temporary_ / "model";
    fs::copy(testing::source_path("tests/data/checkpoints/gpt2"), folder_);
    fs::permissions(folder_ + "/model.safetensors", fs::perms::owner_all);
  }

  // Measures two good prompts, and what else was asked for.
  Result<Measurement> run(std::vector<std::vector<int32_t>> prompts = {{1, 2, 3}, {4, 5}}) {
    std::vector<Prompt> asked;
    for (auto& ids : prompts) asked.push_back({.text = {}, .ids = std::move(ids)});
    return measure(folder_, asked, {.wants = Want::diagonal | Want::residual_norm}, {.threads = 1});
  }

  std::string failure() {
    const auto measured = run();
    EXPECT_FALSE(measured);
    return measured ? "" : measured.error().message();
  }

  std::string config() { return *read_file(folder_ + "/config.json"); }
  void set_config(const std::string& text) { EXPECT_TRUE(write_file(folder_ + "/config.json", text)); }
  void replace_in_config(const std::string& from, const std::string& to) {
    std::string text = config();
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    set_config(text.replace(at, from.size(), to));
  }

  // Writes the checkpoint again with its tensors changed.
  void rewrite(const std::function<void(std::vector<testing::StoredTensor>&)>& change) {
    std::vector<testing::StoredTensor> tensors;
    {
      const auto checkpoint = open_checkpoint(folder_);
      ASSERT_TRUE(checkpoint) << checkpoint.error().message();
      for (const TensorInfo& tensor : (*checkpoint)->tensors()) {
        std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
        ASSERT_TRUE((*checkpoint)->read(tensor, {0, tensor.shape.rows()}, std::span<float>(values)));
        tensors.push_back(testing::make_tensor(tensor.name, tensor.shape.dims, values));
      }
    }
    change(tensors);
    ASSERT_TRUE(write_file(folder_ + "/model.safetensors", testing::safetensors_bytes(tensors)));
  }

  static testing::StoredTensor& named(std::vector<testing::StoredTensor>& tensors, const std::string& part) {
    for (auto& tensor : tensors)
      if (tensor.name.find(part) != std::string::npos) return tensor;
    throw std::runtime_error("no tensor " + part);
  }

  testing::TemporaryFolder temporary_;
  std::string folder_;
};

TEST_F(Failures, GoodCheckpointRuns) {
  const auto measured = run();
  ASSERT_TRUE(measured) << measured.error().message();
  EXPECT_EQ(measured->seen.tokens, (std::vector<int64_t>{3, 2}));
}

TEST_F(Failures, MissingFolder) {
  fs::remove_all(folder_);
  EXPECT_THAT(failure(), StartsWith(folder_ + ": "));
}

TEST_F(Failures, MissingWeights) {
  fs::remove(folder_ + "/model.safetensors");
  EXPECT_THAT(failure(), AllOf(HasSubstr(folder_), HasSubstr("model.safetensors")));
}

TEST_F(Failures, TruncatedSafetensors) {
  fs::resize_file(folder_ + "/model.safetensors", fs::file_size(folder_ + "/model.safetensors") - 8);
  EXPECT_THAT(failure(), AllOf(StartsWith(folder_ + "/model.safetensors: tensor "),
                               HasSubstr("data_offsets lie outside the file (is it truncated?)")));
}

TEST_F(Failures, UnknownFamilyNamesTheKnownOnes) {
  replace_in_config("\"gpt2\"", "\"mamba\"");
  EXPECT_THAT(failure(),
              ::testing::StartsWith(folder_ + "/config.json: key model_type: unknown family: expected one of "
                                              "gpt2, gpt_neox, opt, bloom, llama, "));
  EXPECT_THAT(failure(), ::testing::EndsWith(", found mamba"));
}

// A mapped object is code to run: never, and the sentence says why.
TEST_F(Failures, ModelsThatNeedTheirOwnCode) {
  set_config(
      R"({"model_type": "baichuan", "auto_map": {"AutoModelForCausalLM": "modeling_baichuan.BaichuanForCausalLM"}})");
  EXPECT_THAT(failure(), ::testing::HasSubstr("defined by Python code of its own (auto_map), which is never executed"));
}

// What a configuration says of packing may be left over: the tensors decide, and the measurement says so.
TEST_F(Failures, PackedWeights) {
  replace_in_config("{", R"({"quantization_config": {"quant_method": "gptq", "bits": 4},)");
  const auto measured = run();
  ASSERT_TRUE(measured) << measured.error().message();
  ASSERT_EQ(measured->warnings.size(), 1u);
  EXPECT_EQ(measured->warnings[0], "quantization_config says gptq; the weights are plain and read as they are");
  rewrite([](auto& tensors) {
    auto& packed = named(tensors, "attn.c_attn.weight");
    const std::string stem = packed.name.substr(0, packed.name.size() - 6);
    packed.name = stem + "qweight";
    for (const char* end : {"qzeros", "scales", "g_idx"}) tensors.push_back(testing::make_tensor(stem + end, {1}, {1}));
  });
  EXPECT_THAT(failure(),
              HasSubstr("weights are packed by GPTQ, which is not read (.qweight, .qzeros, .scales, .g_idx): "
                        "get the checkpoint as it was before, or a GGUF"));
}

TEST_F(Failures, ATokenizerThatIsAPointer) {
  ASSERT_TRUE(
      write_file(folder_ + "/tokenizer.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"));
  const auto tokenizer = open_tokenizer({.folder = folder_});
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().message(),
            folder_ + "/tokenizer.json: a Git LFS pointer: fetch the file itself (git lfs pull)");
}

// A size that is left out is what the class of transformers assumes, and the tensors say that it is not theirs.
TEST_F(Failures, MissingKey) {
  set_config(R"({"model_type": "gpt2", "n_layer": 2, "n_head": 2, "vocab_size": 96, "n_positions": 8})");
  EXPECT_EQ(failure(),
            folder_ + "/model.safetensors: tensor transformer.wte.weight: shape: expected [96, 768], found [100, 32]");
}

TEST_F(Failures, AbsurdSizes) {
  set_config(
      R"({"model_type": "gpt2", "n_layer": 99999999999, "n_head": 2, "n_embd": 8, "vocab_size": 9, "n_positions": 8})");
  EXPECT_EQ(failure(),
            folder_ + "/config.json: key n_layer: not a size: expected an integer from 1 to 10000, found 99999999999");
}

TEST_F(Failures, UnknownActivation) {
  replace_in_config("\"gelu_new\"", "\"mish\"");
  EXPECT_EQ(
      failure(),
      folder_ +
          "/config.json: key activation_function: unknown activation: expected one of relu, relu2, gelu, gelu_python, "
          "gelu_accurate, gelu_new, gelu_fast, gelu_pytorch_tanh, quick_gelu, silu, swish, found mish");
}

TEST_F(Failures, MissingTensorIsNamed) {
  rewrite([](auto& tensors) {
    std::erase_if(tensors, [](const auto& t) { return t.name == "transformer.h.1.mlp.c_fc.weight"; });
  });
  EXPECT_THAT(failure(),
              StartsWith(folder_ + ": tensor transformer.h.1.mlp.c_fc.weight: missing tensor: expected shape ["));
}

TEST_F(Failures, WrongShape) {
  rewrite([](auto& tensors) {
    testing::StoredTensor& norm = named(tensors, "h.0.ln_1.weight");
    norm = testing::make_tensor(norm.name, {3}, {1, 2, 3});
  });
  EXPECT_THAT(failure(),
              AllOf(StartsWith(folder_ + "/model.safetensors: tensor transformer.h.0.ln_1.weight: shape: expected ["),
                    HasSubstr("found [3]")));
}

TEST_F(Failures, NanWeightIsFound) {
  rewrite([](auto& tensors) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(named(tensors, "h.1.attn.c_attn.weight").bytes.data() + 4 * sizeof(float), &nan, sizeof nan);
  });
  EXPECT_EQ(failure(),
            folder_ +
                "/model.safetensors: tensor transformer.h.1.attn.c_attn.weight, row 0, column 4: weight is not finite: "
                "found nan");
}

// inspect runs no pass that would meet it: no norm of such a layer is a number.
TEST_F(Failures, InspectHasNoNormOfANaN) {
  rewrite([](auto& tensors) {  // a column of W_V of layer 1: gpt2's c_attn is (in, out), W_V its last third
    testing::StoredTensor& qkv = named(tensors, "h.1.attn.c_attn.weight");
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const size_t last = static_cast<size_t>(qkv.dims[1]) - 1;
    std::memcpy(qkv.bytes.data() + last * sizeof(float), &nan, sizeof nan);
  });
  const auto found = inspect("model", folder_, HeadLayout::actual, 1);
  ASSERT_TRUE(found) << found.error().message();
  const WeightNorms& w = found->weights;
  EXPECT_TRUE(std::isnan(w.w_v_sq[1]));
  EXPECT_TRUE(std::isnan(w.w_v_spectral[1]));
  EXPECT_TRUE(std::isnan(w.ov_sq[1][w.ov_sq[1].size() - 1]));
  EXPECT_TRUE(std::isfinite(w.w_v_spectral[0]) && std::isfinite(w.ov_sq[0][0]) && std::isfinite(w.w_o_spectral[1]));
}

TEST_F(Failures, IntegerWeights) {
  rewrite([](auto& tensors) {
    testing::StoredTensor& norm = named(tensors, "h.0.ln_1.weight");
    const std::vector<int64_t> dims = norm.dims;
    norm =
        testing::make_tensor(norm.name, dims, std::vector<float>(static_cast<size_t>(dims[0]), 1), StoredType::int32);
  });
  EXPECT_THAT(failure(),
              HasSubstr("tensor transformer.h.0.ln_1.weight: dtype: expected a floating-point or quantised type"));
}

TEST_F(Failures, BadPromptsAreLeftOutOfTheRun) {
  const auto measured = run({{1, 2, 3}, {}, {1, 100000}, std::vector<int32_t>(5000, 1), {-1}, {4, 5}});
  ASSERT_TRUE(measured) << measured.error().message();
  ASSERT_EQ(measured->prompts.size(), 6u);
  EXPECT_EQ(measured->prompts[0].row, 0u);
  EXPECT_EQ(measured->prompts[5].row, 1u);
  EXPECT_EQ(measured->seen.tokens, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(measured->prompts[1].error->message(), "empty prompt: no tokens");
  EXPECT_THAT(measured->prompts[2].error->message(),
              AllOf(StartsWith("token id out of range: expected 0 to "), HasSubstr("found 100000")));
  EXPECT_THAT(
      measured->prompts[3].error->message(),
      AllOf(StartsWith("prompt longer than the model's positions: expected at most "), HasSubstr("found 5000")));
  EXPECT_THAT(measured->prompts[4].error->message(), StartsWith("token id out of range"));
}

TEST_F(Failures, TextWithoutTokenizer) {
  const auto measured = measure(folder_, {{.text = "hello", .ids = {}}}, {.wants = Want::diagonal});
  ASSERT_FALSE(measured);
  EXPECT_THAT(measured.error().message(), HasSubstr(folder_));
}

TEST_F(Failures, StudyGoesOn) {
  Study study;
  study.models = {{.name = "gone", .path = temporary_ / "gone", .lab = "A"},
                  {.name = "here", .path = folder_, .lab = "B"}};
  study.prompts = {{.text = {}, .ids = {1, 2, 3, 4, 5}}, {.text = {}, .ids = std::vector<int32_t>(5000, 1)}};
  const StudyResult result = *run_study(study, {.threads = 1, .timestamp = "t"});
  ASSERT_EQ(result.models.size(), 1u);
  ASSERT_EQ(result.failed.size(), 1u);
  EXPECT_EQ(result.failed[0].entry.name, "gone");
  EXPECT_THAT(result.failed[0].error.message(), HasSubstr(temporary_ / "gone"));
  const ModelScore& score = result.models[0].scores[0];
  ASSERT_EQ(score.l_star_per_prompt.size(), 2u);
  EXPECT_TRUE(score.l_star_per_prompt[0]);
  EXPECT_FALSE(score.l_star_per_prompt[1]);
  EXPECT_EQ(*score.l_star, *score.l_star_per_prompt[0]);
}

TEST_F(Failures, ModelFailsWithItsLastPrompt) {
  Study study;
  study.models = {{.name = "here", .path = folder_}};
  study.prompts = {{.text = {}, .ids = std::vector<int32_t>(5000, 1)}};
  const StudyResult result = *run_study(study, {.threads = 1, .timestamp = "t"});
  ASSERT_EQ(result.failed.size(), 1u);
  EXPECT_THAT(result.failed[0].error.message(), StartsWith(folder_ + ": every prompt failed: prompt longer than"));
}

// Overflow of the run's dtype is no fault of the checkpoint: the trace is reported as broken, and no L* is given.
TEST_F(Failures, OverflowLeavesABrokenTrace) {
  rewrite([](auto& tensors) {
    testing::StoredTensor& up = named(tensors, "h.2.attn.c_attn.weight");
    std::vector<float> values(up.bytes.size() / sizeof(float));
    std::memcpy(values.data(), up.bytes.data(), up.bytes.size());
    for (float& value : values) value *= 3000;
    std::memcpy(up.bytes.data(), values.data(), up.bytes.size());
  });
  Study study;
  study.models = {{.name = "here", .path = folder_}};
  study.prompts = {{.text = {}, .ids = {1, 2, 3, 4, 5, 6, 7, 8}}};
  study.estimators = {"off_diagonal"};
  study.dtype = Dtype::float16;
  const StudyResult result = *run_study(study, {.threads = 1, .timestamp = "t"});
  ASSERT_EQ(result.models.size(), 1u) << result.failed[0].error.message();
  EXPECT_FALSE(result.models[0].scores[0].l_star);
  EXPECT_EQ(result.models[0].scores[0].reason, "NaN from layer 2 on");
  EXPECT_FALSE(is_complete(result));
  study.dtype = Dtype::float32;
  EXPECT_TRUE(run_study(study, {.threads = 1, .timestamp = "t"})->models[0].scores[0].l_star);
}

// The notebook's cut is as_written's alone: every other estimator's trace is of the real W_V.
TEST_F(Failures, TheHeadLayoutIsAsWrittens) {
  const std::string folder = testing::source_path("tests/data/checkpoints/gpt_neox");
  const auto traces = [&](HeadLayout layout) {
    const auto measured = measure(folder, {{.text = {}, .ids = {1, 2, 3, 4, 5, 6, 7}}},
                                  {.numerics = {.dtype = Dtype::float16, .head_layout = layout},
                                   .wants = Want::diagonal | Want::rounded_sum | Want::overlap});
    EXPECT_TRUE(measured) << measured.error().message();
    return traces_of(*measured, NanPolicy::report);
  };
  const auto actual = traces(HeadLayout::actual), thirds = traces(HeadLayout::thirds);
  for (size_t e = 0; e < actual.size(); ++e)
    for (size_t l = 0; l < actual[e].prompts[0].floor.size(); ++l) {
      const PromptTrace &real = actual[e].prompts[0], &cut = thirds[e].prompts[0];
      if (actual[e].estimator == "as_written") {
        EXPECT_NE(real.floor[l], cut.floor[l]);  // the trace itself may be zero
      } else {
        EXPECT_EQ(real.trace[l], cut.trace[l]) << actual[e].estimator;
      }
    }
}

// What AutoModel saves of an untied model has no output: traces are measured, and one line says what is missing.
TEST_F(Failures, NoNextTokensWithoutAnOutput) {
  replace_in_config("\"model_type\"", "\"tie_word_embeddings\": false, \"model_type\"");
  const MeasureOptions asked{.wants = Want::diagonal, .next_tokens = 3};
  const auto measured = measure(folder_, {{.text = {}, .ids = {1, 2, 3}}}, asked);
  ASSERT_TRUE(measured) << measured.error().message();
  ASSERT_EQ(measured->warnings.size(), 1u);
  EXPECT_THAT(measured->warnings[0], StartsWith("no next tokens: "));
  EXPECT_THAT(measured->warnings[0], HasSubstr("tensor lm_head.weight: missing tensor"));
  EXPECT_TRUE(measured->seen.next_tokens.empty());
  EXPECT_EQ(measured->seen.diagonal.dim0(), 1u);
  replace_in_config("\"tie_word_embeddings\": false, ", "");
  const auto tied = measure(folder_, {{.text = {}, .ids = {1, 2, 3}}}, asked);
  ASSERT_TRUE(tied);
  EXPECT_TRUE(tied->warnings.empty());
  EXPECT_EQ(tied->seen.diagonal.values(), measured->seen.diagonal.values());
  ASSERT_EQ(tied->seen.next_tokens.size(), 1u);
  EXPECT_EQ(tied->seen.next_tokens[0].size(), 3u);
}

// Numbers and hash belong to one state of the files, or there are none.
TEST_F(Failures, ACheckpointThatChangesUnderThePass) {
  const std::string path = folder_ + "/model.safetensors", bytes = *read_file(path);
  for (const bool hash : {true, false}) {
    bool changed = false;
    MeasureOptions options{.wants = Want::diagonal, .hash_files = hash};
    options.on_step = [&](const Step&) {
      if (std::exchange(changed, true)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the clock of files has moved on
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(bytes.size() / 2));
      file << std::string(64, '\1');
      return true;
    };
    const auto measured = measure(folder_, {{.text = {}, .ids = {1, 2, 3}}}, options);
    EXPECT_TRUE(changed);
    ASSERT_FALSE(measured);
    EXPECT_THAT(measured.error().message(), HasSubstr("/model.safetensors: changed while it was read; run again"));
  }
}

// What was measured before an interruption stays.
TEST_F(Failures, AStudyThatIsInterrupted) {
  Study study{.models = {{.name = "one", .path = folder_},
                         {.name = "two", .path = folder_ + "/."},
                         {.name = "three", .path = folder_}},
              .prompts = {{.text = {}, .ids = {1, 2, 3}}}};
  fs::copy(folder_, temporary_ / "other");
  study.models[1].path = temporary_ / "other";
  for (const int layers : {0, 1, 3}) {
    int asked = 0, ended = 0;
    RunOptions options{.threads = 1, .hash_files = false, .timestamp = "now"};
    options.done = [&](const ModelEntry&, const Result<ModelResult>& model) { ended += model.has_value(); };
    options.goes_on = [&] { return ended == 0 || asked++ < layers; };
    const StudyResult result = *run_study(study, options);
    ASSERT_EQ(result.models.size(), 1u) << layers;
    EXPECT_EQ(result.models[0].entry.name, "one");
    ASSERT_EQ(result.failed.size(), 2u);
    for (const FailedModel& failed : result.failed) EXPECT_EQ(failed.error.what, "interrupted");
  }
}

}  // namespace
}  // namespace lstar
