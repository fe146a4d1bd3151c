#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "lstar/base/atomic_file.h"
#include "lstar/study/prompts.h"
#include "lstar/study/study.h"
#include "tests/support/recorded.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::ElementsAre;

class Manifest : public ::testing::Test {
 protected:
  Result<Study> read(const std::string& text) {
    EXPECT_TRUE(write_file(file_, text));
    return read_manifest(file_);
  }
  std::string failure(const std::string& text) {
    const auto study = read(text);
    EXPECT_FALSE(study);
    return study ? "" : study.error().message();
  }
  testing::TemporaryFolder temporary_;
  std::string file_ = temporary_ / "study.toml";
};

TEST_F(Manifest, ReadsEverything) {
  const auto study = read(R"(
formula = "v4"
dtype = "bfloat16"
estimators = ["ov_circuit"]
detector = "sign_change"
head_layout = "thirds"
in_sample = ["A", "B"]
prompts = ["one", "two"]
seed = 7
spectral = true
[[model]]
path = "somewhere/else"
lab = "A"
layers = 12
heads = 8
expected = "EXPAND"
note = "in 4 bits"
[[model]]
path = "org/name"
name = "short"
)");
  ASSERT_TRUE(study) << study.error().message();
  EXPECT_EQ(study->formula, "v4");
  EXPECT_EQ(study->dtype, Dtype::bfloat16);
  EXPECT_THAT(study->estimators, ElementsAre("ov_circuit"));
  EXPECT_EQ(study->head_layout, HeadLayout::thirds);
  EXPECT_EQ(study->seed, 7u);
  EXPECT_TRUE(study->spectral);
  EXPECT_EQ(study->prompts.size(), 2u);
  EXPECT_EQ(study->models[0].layers, 12);
  EXPECT_EQ(study->models[0].expected, "EXPAND");
  EXPECT_EQ(study->models[0].note, "in 4 bits");
  EXPECT_EQ(study->models[1].name, "short");
  EXPECT_EQ(study->models[1].lab, "unknown");
}

TEST_F(Manifest, PathsBesideTheManifestAndFromTheEnvironment) {
  ASSERT_TRUE(write_file(temporary_ / "here.gguf", ""));
  ::setenv("NOT_FOR_MANIFESTS", "secret", 1);
  ::setenv("LSTAR_TEST_PLACE", "/some/place", 1);
  const auto study = read("[[model]]\npath = \"here.gguf\"\n[[model]]\npath = \"${LSTAR_TEST_PLACE}/m.gguf\"\n");
  ASSERT_TRUE(study) << study.error().message();
  EXPECT_EQ(study->models[0].path, temporary_ / "here.gguf");
  EXPECT_EQ(study->models[1].path, "/some/place/m.gguf");
  EXPECT_EQ(study->models[1].written_path, "${LSTAR_TEST_PLACE}/m.gguf");
  EXPECT_EQ(study->models[0].written_path, "");
  EXPECT_EQ(read("[[model]]\npath = \"${NOT_FOR_MANIFESTS}/m.gguf\"\n")->models[0].path, "${NOT_FOR_MANIFESTS}/m.gguf");
  ::unsetenv("LSTAR_TEST_PLACE");
  // Unset: the path stays as it is, and that model alone will fail.
  EXPECT_EQ(read("[[model]]\npath = \"${LSTAR_TEST_PLACE}/m.gguf\"\n")->models[0].path, "${LSTAR_TEST_PLACE}/m.gguf");
}

TEST_F(Manifest, FaultsAreNamed) {
  EXPECT_EQ(failure("formula = \"v3\"\n"), file_ + ": no models: expected at least one [[model]]");
  EXPECT_EQ(failure("dtype = \"float8\"\n[[model]]\npath = \"x\"\n"),
            file_ + ": line 1: unknown dtype: expected one of float32, float16, bfloat16, float64, found float8");
  EXPECT_EQ(
      failure("[[model]]\npath = \"x\"\nlayer = 3\n"),
      file_ + ": line 3: unknown key: expected one of path, name, lab, layers, heads, expected, note, found layer");
  EXPECT_EQ(failure("[[model]]\nlab = \"x\"\n"), file_ + ": line 1: model without a path");
  EXPECT_EQ(failure("[[model]]\npath = \"x\"\nlayers = \"12\"\n"),
            file_ + ": line 3: layers is not an integer of at least 1");
  EXPECT_EQ(failure("prompts = [1]\n[[model]]\npath = \"x\"\n"),
            file_ + ": line 1: prompts holds something other than a text");
  EXPECT_THAT(failure("a = = 1"), ::testing::StartsWith(file_ + ": line 1: not valid TOML: found "));
  EXPECT_EQ(read_manifest(temporary_ / "none.toml").error().message(),
            (temporary_ / "none.toml") + ": cannot be read: No such file or directory");
}

TEST_F(Manifest, TheOnesWeShipAreGood) {
  for (const char* name : {"zoo/manifest.toml", "manifests/cross-heritage.toml", "manifests/labs.toml"}) {
    const auto study = read_manifest(testing::source_path(name));
    ASSERT_TRUE(study) << study.error().message();
    const auto good = check(*study);
    EXPECT_TRUE(good) << good.error().message();
    EXPECT_EQ(study->prompts.size(), 5u);
  }
  const auto built_in = read_manifest(testing::source_path("manifests/cross-heritage.toml"));
  EXPECT_EQ(built_in->estimators.front(), "as_written");
  EXPECT_EQ(built_in->prompts_read.file, "prompt set notebook");
  EXPECT_EQ(built_in->note, "Five sentences are not evidence; --prompt-set mixed asks the same of 500 prompts.");
  EXPECT_EQ(read_manifest(testing::source_path("zoo/manifest.toml"))->models.size(), 6u);
}

TEST_F(Manifest, PromptFiles) {
  const std::string file = temporary_ / "prompts.txt";
  ASSERT_TRUE(write_file(file, "first line\r\n\n{\"text\": \"from \\u00e9\"}\n{\"token_ids\": [5, 6]}\nlast"));
  const auto read = read_prompt_file(file);
  ASSERT_TRUE(read) << read.error().message();
  const std::vector<Prompt>& prompts = read->prompts;
  ASSERT_EQ(prompts.size(), 4u);
  EXPECT_EQ(prompts[0].text, "first line");
  EXPECT_EQ(prompts[1].text, "from é");
  EXPECT_THAT(prompts[2].ids, ElementsAre(5, 6));
  EXPECT_EQ(prompts[3].text, "last");
  ASSERT_TRUE(write_file(file, "ok\n{\"txt\": 1}\n"));
  EXPECT_EQ(read_prompt_file(file).error().message(),
            file + ": line 2: no prompt in this object: expected \"text\" or \"token_ids\"");
  ASSERT_TRUE(write_file(file, "\n\n"));
  EXPECT_EQ(read_prompt_file(file).error().message(), file + ": no prompts");
}

TEST_F(Manifest, PromptsOfEveryKind) {
  const std::string model = "\n[[model]]\npath = \"x\"\n";
  const auto inline_ones = read(
      "prompts = [\"one\", [5, 6], {text = \"two\", id = \"b\"}, {token_ids = [7], id = 9223372036854775807}]" + model);
  ASSERT_TRUE(inline_ones) << inline_ones.error().message();
  ASSERT_EQ(inline_ones->prompts.size(), 4u);
  EXPECT_THAT(inline_ones->prompts[1].ids, ElementsAre(5, 6));
  EXPECT_EQ(inline_ones->prompts[2].id, (PromptId{"b", false}));
  EXPECT_EQ(inline_ones->prompts[3].id, (PromptId{"9223372036854775807", true}));
  EXPECT_EQ(inline_ones->prompts_read.count, 4u);
  EXPECT_EQ(inline_ones->prompts_read.file, "");

  ASSERT_TRUE(write_file(temporary_ / "beside.csv", "id,text\nq1,one\n"));
  const auto beside = read("prompts = \"beside.csv\"" + model);
  ASSERT_TRUE(beside) << beside.error().message();
  EXPECT_EQ(beside->prompts[0].id, PromptId{"q1"});
  EXPECT_EQ(beside->prompts_read.file, temporary_ / "beside.csv");
  EXPECT_EQ(beside->prompts_read.format, "CSV, column text");

  EXPECT_EQ(failure("prompts = \"none.txt\"" + model), "none.txt: cannot be read: No such file or directory");
  EXPECT_EQ(failure("prompts = [[]]" + model), file_ + ": line 1: not a list of token ids");
  EXPECT_EQ(failure("prompts = [[-1]]" + model), file_ + ": line 1: not a token id");
  EXPECT_EQ(failure("prompts = [{id = 1}]" + model), file_ + ": line 1: a prompt has either text or token_ids");
  EXPECT_EQ(failure("prompts = 5" + model), file_ + ": line 1: prompts is neither a list of prompts nor a file's name");
  EXPECT_EQ(failure("\x1f\x8b\x08"), file_ + ": not text but compressed by gzip; zcat it first");
}

TEST_F(Manifest, PromptSetsByName) {
  const std::string model = "\n[[model]]\npath = \"x\"\n";
  const auto one = read("prompt_set = \"sentence\"" + model);
  ASSERT_TRUE(one) << one.error().message();
  EXPECT_EQ(one->prompts.size(), 130u);
  EXPECT_EQ(one->prompts_read.file, "prompt set sentence");
  const auto two = read("prompt_set = [\"code\", \"short\"]" + model);
  ASSERT_TRUE(two) << two.error().message();
  EXPECT_EQ(two->prompts.size(), 165u);
  EXPECT_EQ(two->prompts_read.file, "prompt sets code, short");
  EXPECT_EQ(failure("prompt_set = \"long\"" + model),
            file_ +
                ": line 1: unknown prompt set: expected one of notebook, short, sentence, paragraph, passage, "
                "languages, code, mixed, found long");
  EXPECT_EQ(failure("prompt_set = 5" + model), file_ + ": line 1: prompt_set is not a text");
  EXPECT_EQ(failure("prompt_set = []" + model), file_ + ": line 1: no prompt set");
  EXPECT_EQ(failure("prompt_set = [5]" + model), file_ + ": line 1: prompt_set holds something other than a text");
  EXPECT_EQ(failure("prompts = [\"a\"]\nprompt_set = \"short\"" + model),
            file_ + ": line 2: a study has either prompts or prompt_set");
}

TEST(Check, UnknownNames) {
  Study study;
  study.models = {{.name = "m", .path = "m"}};
  study.prompts = {{.text = "x", .ids = {}}};
  study.estimators = {"trace"};
  EXPECT_EQ(
      check(study).error().message(),
      "unknown estimator: expected one of as_written, off_diagonal, multi_head, ov_circuit, edge_energy, weights_only, "
      "attention_only, found trace");
}

}  // namespace
}  // namespace lstar
