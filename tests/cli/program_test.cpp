// The program as a user runs it: exit status, what goes to stdout and what to stderr, the same bytes again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "lstar/checkpoint/checkpoint.h"
#include "tests/cli/support.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/recorded.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lstar_program;
using testing::Outcome;
using testing::source_path;
using ::testing::StartsWith;

const std::string kGpt2 = "tests/data/checkpoints/gpt2";

TEST(Program, ExitStatus) {
  EXPECT_EQ(lstar_program("run " + kGpt2 + " --token-ids '1 2 3 4'").status, 0);
  EXPECT_EQ(lstar_program("run " + kGpt2 + " nowhere --token-ids '1 2 3 4'").status, 1);
  EXPECT_EQ(lstar_program("run nowhere --token-ids '1 2 3 4'").status, 3);
  EXPECT_EQ(lstar_program("run --formula v9").status, 2);
  EXPECT_EQ(lstar_program("nonsense").status, 2);
  EXPECT_EQ(lstar_program("run " + kGpt2 + " --dtype float8").status, 2);
  EXPECT_EQ(lstar_program("trace " + kGpt2).status, 2);
  EXPECT_EQ(lstar_program("trace " + kGpt2 + " --token-ids '1 2' --token-ids 99999").status, 1);
  EXPECT_EQ(lstar_program("trace " + kGpt2 + " --token-ids 99999").status, 3);
  EXPECT_EQ(lstar_program("--help").status, 0);
  EXPECT_EQ(lstar_program("run --help").status, 0);
}

// In float16 a third layer's attention overflows: in `trace` and in `run` that is something that was asked for and is
// not there.
TEST(Program, ATraceThatIsNotFiniteIsNotAllDone) {
  testing::TemporaryFolder folder;
  std::filesystem::copy(source_path(kGpt2), folder / "m");
  std::filesystem::permissions(folder / "m/model.safetensors", std::filesystem::perms::owner_all);
  std::vector<testing::StoredTensor> tensors;
  {
    const auto checkpoint = open_checkpoint(folder / "m");
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    for (const TensorInfo& tensor : (*checkpoint)->tensors()) {
      std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
      ASSERT_TRUE((*checkpoint)->read(tensor, {0, tensor.shape.rows()}, std::span<float>(values)));
      if (tensor.name.find("h.2.attn.c_attn.weight") != std::string::npos)
        for (float& value : values) value *= 3000;
      tensors.push_back(testing::make_tensor(tensor.name, tensor.shape.dims, values));
    }
  }
  ASSERT_TRUE(write_file(folder / "m/model.safetensors", testing::safetensors_bytes(tensors)));
  const std::string asked = " --token-ids '1 2 3 4 5 6 7 8' --dtype float16";
  const Outcome traced = lstar_program("trace " + (folder / "m") + asked);
  EXPECT_EQ(traced.status, 1);
  EXPECT_THAT(traced.err, HasSubstr("a trace is not finite"));
  const Outcome ran = lstar_program("run --quiet " + (folder / "m") + " " + kGpt2 + asked);
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out, HasSubstr("1 of 2 models"));
  EXPECT_THAT(ran.out, HasSubstr("(no L*: NaN from layer 2 on)"));
}

// A norm behind W_O takes any multiple of it back: norms of weights alone depend on it there, ov_circuit does not.
TEST(Program, OutputNormsAreNamed) {
  for (const std::string family : {"gemma3_text", "olmo2", "exaone4", "glm4"}) {
    const std::string model = "tests/data/checkpoints/" + family;
    EXPECT_THAT(lstar_program("inspect " + model).out, HasSubstr("the norm that follows W_O")) << family;
    EXPECT_THAT(lstar_program("inspect --json " + model).out, HasSubstr("\"ov_depends_on_gauge\": true")) << family;
    EXPECT_THAT(lstar_program("trace --json --token-ids '1 2 3 4' " + model).out,
                HasSubstr("ov_circuit takes in the norm's gain and what it divided by"))
        << family;
  }
  EXPECT_THAT(lstar_program("inspect " + kGpt2).out, HasSubstr("which does not depend on"));
}

// What costs more is measured for who asks, and is not in the way of who does not.
TEST(Program, EdgeEnergyIsShownWhereItIsAskedFor) {
  const std::string asked = " --token-ids '1 2 3 4' " + kGpt2;
  EXPECT_THAT(lstar_program("trace" + asked).out, ::testing::Not(HasSubstr("edge_energy")));
  EXPECT_THAT(lstar_program("trace --edge-energy" + asked).out, HasSubstr("edge_energy"));
  const auto energy = [&](const std::string& command, Json& prompt, std::optional<JsonDocument>& document) {
    document = *JsonDocument::parse(lstar_program(command + asked).out, "trace");
    prompt = document->root()["prompts"].at(0).value();
    return prompt["layers"].at(1).value()["trace"].number("edge_energy");
  };
  std::optional<JsonDocument> document;
  Json prompt;
  EXPECT_GT(energy("trace --json --edge-energy", prompt, document).value_or(0), 0);
  EXPECT_TRUE(prompt["l_star"]["edge_energy"]["argmax_step"].integer("layer"));
  EXPECT_FALSE(energy("trace --json", prompt, document));
  EXPECT_EQ(prompt["reasons"].string("trace.edge_energy"), "not measured");
  EXPECT_THAT(lstar_program("run --estimator edge_energy --json" + asked).out, HasSubstr("\"edge_energy\""));
}

TEST(Program, SpectrumIsShownWhereItIsAskedFor) {
  const std::string asked = " --token-ids '1 2 3 4 5 6 7 8' " + kGpt2;
  EXPECT_THAT(lstar_program("trace" + asked).out, ::testing::Not(HasSubstr("D - A")));
  const std::string plain = lstar_program("trace --json" + asked).out;
  EXPECT_THAT(plain, ::testing::Not(HasSubstr("spectrum")));
  const Outcome text = lstar_program("trace --spectrum 5" + asked);
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("Eigenvalues of attention alone: of D - A; of L, the Laplacian of (A + Aᵀ)/2"));

  auto document = JsonDocument::parse(lstar_program("trace --json --spectrum 5" + asked).out, "trace");
  ASSERT_TRUE(document) << document.error().message();
  const Json layer = document->root()["prompts"].at(0).value()["layers"].at(1).value();
  const Json causal = layer["spectrum"]["causal"], both = layer["spectrum"]["symmetrised"];
  EXPECT_EQ(causal["eigenvalues"].size(), 8u);
  EXPECT_EQ(causal.number("least"), 0);
  EXPECT_LT(causal.number("median").value_or(1), causal.number("largest").value_or(0));
  ASSERT_EQ(both["smallest"].size(), 5u);
  ASSERT_EQ(both["largest"].size(), 5u);
  EXPECT_LT(both["smallest"].at(0)->number().value(), both["smallest"].at(4)->number().value());
  EXPECT_GT(both["largest"].at(0)->number().value(), both["largest"].at(4)->number().value());
  EXPECT_GT(both.integer("products").value_or(0), 0);

  document = JsonDocument::parse(
      lstar_program("trace --json --spectrum 1 --token-ids '1 2 3 4' tests/data/checkpoints/bert").out, "trace");
  ASSERT_TRUE(document) << document.error().message();
  const Json prompt = document->root()["prompts"].at(0).value();
  EXPECT_TRUE(prompt["layers"].at(0).value()["spectrum"]["causal"].is_null());
  EXPECT_EQ(prompt["reasons"].string("spectrum.causal"),
            "layer 0: tokens see those behind them too: D - A is no triangle");
  EXPECT_EQ(prompt["layers"].at(0).value()["spectrum"]["symmetrised"]["smallest"].size(), 1u);

  for (const char* wrong : {"trace --spectrum 0", "trace --spectrum 65", "trace --csv --spectrum 1"})
    EXPECT_EQ(lstar_program(wrong + asked).status, 2) << wrong;
}

TEST(Program, SinksAreNoRoundingResidue) {
  const Outcome outcome = lstar_program("trace --json --token-ids '1 2 3 4' tests/data/checkpoints/gpt_oss");
  EXPECT_THAT(outcome.out, HasSubstr("as_written is the mass that went to the sinks"));
  EXPECT_THAT(outcome.out, ::testing::Not(HasSubstr("as_written is rounding residue")));
}

// The option shows what the notebook took beside W_V, in its place nowhere.
TEST(Program, InspectShowsTheNotebooksThirdBesideTheRealWeight) {
  const std::string model = "tests/data/checkpoints/gpt_neox";
  const auto plain = JsonDocument::parse(lstar_program("inspect --json " + model).out, "plain");
  const auto thirds = JsonDocument::parse(lstar_program("inspect --json --head-layout thirds " + model).out, "thirds");
  ASSERT_TRUE(plain && thirds);
  const Json a = testing::items(plain->root(), "weight_norms")[0],
             b = testing::items(thirds->root(), "weight_norms")[0];
  EXPECT_EQ(a.number("w_v_frobenius_sq"), b.number("w_v_frobenius_sq"));
  EXPECT_EQ(a.number("w_v_as_written_frobenius_sq"), a.number("w_v_frobenius_sq"));
  EXPECT_NE(b.number("w_v_as_written_frobenius_sq"), b.number("w_v_frobenius_sq"));
}

TEST(Program, UnwritableOutputsAreNoticed) {
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "file", ""));
  const Outcome taken = lstar_program("run " + kGpt2 + " --token-ids '1 2 3' --out " + (folder / "file"));
  EXPECT_EQ(taken.status, 2);
  EXPECT_THAT(taken.out, IsEmpty()) << "the folder is tried before the work";
  EXPECT_NE(lstar_program("predict -L 12 -H 12 --json >/dev/full #").status, 0);
  EXPECT_EQ(lstar_program("run nowhere " + kGpt2 + " --token-ids '1 2 3' --quiet 2>&- #").status, 1);
}

TEST(Program, JsonIsAloneOnStdout) {
  for (const std::string& arguments :
       {"trace " + kGpt2 + " --token-ids '1 2 3' --json", "run " + kGpt2 + " nowhere --token-ids '1 2 3' --json",
        "inspect " + kGpt2 + " --json", std::string("predict -L 12 -H 12 --json"),
        std::string("tokenize zoo/gpt2-12x12 hello --json")}) {
    const Outcome outcome = lstar_program(arguments);
    const auto document = JsonDocument::parse(outcome.out, arguments);
    EXPECT_TRUE(document) << document.error().message();
  }
}

TEST(Program, OneLineOnStderr) {
  const Outcome outcome = lstar_program("inspect nowhere");
  EXPECT_THAT(outcome.err, StartsWith("lstar: nowhere: "));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST(Program, SameBytesForAnyNumberOfThreads) {
  testing::TemporaryFolder folder;
  const std::string run =
      "run --manifest zoo/manifest.toml --deterministic-timestamp t --quiet --figures svg,pdf --out ";
  ASSERT_EQ(lstar_program(run + (folder / "one") + " --threads 1").status, 0);
  ASSERT_EQ(lstar_program(run + (folder / "three") + " --threads 3").status, 0);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "one")) {
    const std::string name = entry.path().filename().string();
    if (name == "measurements.sqlite") continue;  // it keeps when, and how long
    EXPECT_EQ(*read_file(entry.path().string()), *read_file((folder / "three") + "/" + name)) << name;
    ++files;
  }
  EXPECT_EQ(files, 8u);
}

// A study that goes on for a while, interrupted once its first model is printed.
TEST(Program, WritesWhatItHasWhenInterrupted) {
  const testing::TemporaryFolder folder;
  std::string ids = "1", prompts;
  for (int i = 0; i < 400; ++i) ids += " " + std::to_string(i % 50);
  for (int i = 0; i < 30; ++i) prompts += "{\"token_ids\": [" + std::to_string(i) + "]}\n";
  std::replace(ids.begin(), ids.end(), ' ', ',');
  prompts += "{\"token_ids\": [" + ids + "]}\n";
  for (int i = 0; i < 4; ++i) prompts += prompts.substr(prompts.rfind("\n{") + 1);
  ASSERT_TRUE(write_file(folder / "prompts.jsonl", prompts));
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string out = folder / ("out" + std::to_string(signal)), said = out + "-said", told = out + "-told";
    const pid_t child = ::fork();
    if (child == 0) {
      if (!std::freopen(said.c_str(), "w", stdout) || !std::freopen(told.c_str(), "w", stderr)) ::_exit(99);
      std::vector<std::string> words{
          LSTAR_PROGRAM,           "run", "--verbose", "--threads", "1", "--figures", "none", "--out", out, "--prompts",
          folder / "prompts.jsonl"};
      for (int i = 0; i < 2; ++i)
        for (const char* model : {"gpt2-12x12", "neox-24x16", "opt-24x16", "bloom-24x16", "neox-12x12", "opt-12x12"})
          words.push_back(LSTAR_SOURCE_DIR "/zoo/" + std::string(model));
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execv(LSTAR_PROGRAM, arguments.data());
      ::_exit(99);
    }
    ASSERT_GT(child, 0);
    for (int i = 0; i < 6000 && read_file(said).value_or("").find("Model: ") == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ::kill(child, signal);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 128 + signal);
    EXPECT_THAT(*read_file(told), ::testing::AllOf(HasSubstr("lstar: interrupted; measured were "),
                                                   ::testing::EndsWith(" of 12 models, which are written\n")));
    std::string json;
    for (const auto& entry : std::filesystem::directory_iterator(out))
      if (entry.path().extension() == ".json") json = *read_file(entry.path());
    EXPECT_NE(json.find("zoo/gpt2-12x12\""), json.npos);
    EXPECT_NE(json.find("\"interrupted\""), json.npos);
  }
}

TEST(Program, VerdictOfTheZoo) {
  const Outcome first = lstar_program("run --manifest zoo/manifest.toml");
  EXPECT_EQ(first.status, 0);
  for (const char* line :
       {"Found:    v3 is off by 54.3% of the depth;", "no better than chance", "2L/3 52.6%", "saw none of them",
        "its rule says CALIBRATION NEEDED", "miniatures trained for this project"})
    EXPECT_THAT(first.out, HasSubstr(line));
  EXPECT_LE(std::count(first.out.begin(), first.out.end(), '\n'), 10 + 1 + 6) << "ten lines, and one a model";
  const Outcome outcome = lstar_program("run --verbose --manifest zoo/manifest.toml");
  EXPECT_EQ(outcome.status, 0);
  for (const char* line : {"COMPLETE: 6/6 models", "SUMMARY BY LAB", "OVERALL MAPE", "WHAT CHANCE WOULD SCORE",
                           "Notebook: ", "as_written is rounding residue", "miniatures trained for this project"})
    EXPECT_THAT(outcome.out, HasSubstr(line));
}

// What a study would take: nothing is measured and nothing written, and a manifest's path leads nowhere that it does
// not lead when the study is run.
TEST(Program, DryRun) {
  const testing::TemporaryFolder folder;
  const std::string out = folder / "out";
  const Outcome asked = lstar_program("run zoo/gpt2-12x12 --controls untrained=3 --dry-run --out " + out);
  EXPECT_EQ(asked.status, 0) << asked.err;
  EXPECT_THAT(asked.out, HasSubstr("nothing was measured"));
  EXPECT_FALSE(std::filesystem::exists(out));
  const Outcome json = lstar_program("run zoo/gpt2-12x12 --controls untrained=3 --shadow --dry-run --json");
  const auto document = JsonDocument::parse(json.out, "dry run");
  ASSERT_TRUE(document) << json.out;
  const auto models = document->root()["models"].items();
  ASSERT_EQ(std::distance(models.begin(), models.end()), 1);
  for (const Json model : models) {
    EXPECT_EQ(model.integer("passes"), 1 + 1 + 3);
    EXPECT_EQ(model.integer("control_tokens"), 4 * *model.integer("tokens")) << "the same prompts each time";
  }
  ASSERT_TRUE(write_file(folder / "m.toml", "prompts = [[1, 2, 3]]\n[[model]]\npath = \"$LSTAR_SECRET/gpt2\"\n"));
  const Outcome secret = lstar_program("run --dry-run --manifest " + (folder / "m.toml"), "", "LSTAR_SECRET=whispered");
  EXPECT_NE(secret.status, 0);
  EXPECT_THAT(secret.out + secret.err, ::testing::Not(HasSubstr("whispered")));
}

}  // namespace
}  // namespace lstar
