// Words as users type them: mistyped ones get one line with what was meant, and none does what nobody asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "lstar/base/json.h"
#include "lstar/checkpoint/checkpoint.h"
#include "tests/cli/support.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lstar_program;
using ::testing::Not;
using testing::Outcome;
using ::testing::StartsWith;

const std::string kGpt2 = "tests/data/checkpoints/gpt2";
const std::string kIds = " --token-ids '1 2 3 4'";

TEST(Arguments, OneLineWithWhatWasMeant) {
  const std::pair<const char*, const char*> rows[] = {
      {"trac M", "lstar: unknown command trac, did you mean trace?; one of run, trace, predict, inspect"},
      {"", "lstar: no command; one of run, trace"},
      {"trace M --promt hi", "lstar: unknown option --promt, did you mean --prompt?; see lstar trace --help\n"},
      {"trace M --promt=hi", "lstar: unknown option --promt, did you mean --prompt?"},
      {"trace --promt hi M", "lstar: unknown option --promt, did you mean --prompt?"},
      {"predict -L 12 --head 12", "lstar: unknown option --head, did you mean --heads?"},
      {"run M --estimator off_diagnal",
       "lstar: --estimator: expected one of as_written, off_diagonal, multi_head, ov_circuit, edge_energy, "
       "weights_only, "
       "attention_only, found off_diagnal, did you mean off_diagonal?"},
      {"run M --detector argmaxstep", "found argmaxstep, did you mean argmax_step?"},
      {"run M --formula two_third", "found two_third, did you mean two_thirds?"},
      {"run M --figures pgn,svg", "found pgn, did you mean png?"},
      {"run M --figures none,png", "lstar: --figures: none stands alone"},
      {"run M --dtype floatt16", "found floatt16, did you mean float16?"},
      {"inspect M other --threads 1", "lstar: unexpected argument other; see lstar inspect --help\n"},
      {"inspect", "lstar: MODEL is required; see lstar inspect --help\n"},
      {"trace M --prompt", "see lstar trace --help\n"},
      {"trace M --threads x", "see lstar trace --help\n"},
      {"predict -L 024 -H 16", "lstar: --layers: expected a whole number from 1 to 100000, found 024"},
      {"predict -L 24 -H 0x10", "expected a whole number from 1 to 100000, found 0x10"},
      {"predict -L 24 -H 16 -G nan", "expected a finite number, found nan"},
      {"predict -L 24 -H 16 -G 1e999", "expected a finite number, found 1e999"},
      {"run M --seed -1", "found -1"},
      {"run M --seed 18446744073709551616", "found 18446744073709551616"},
      {"trace M --prompt \"$(printf 'caf\\351')\"", "--prompt: not UTF-8 at byte 3"},
      {"tokenize M \"$(printf '\\377\\376')\"", "TEXT: not UTF-8 at byte 0"},
      {"trace M --json --csv", "see lstar trace --help\n"},
      {"help trac", "lstar: unknown command trac, did you mean trace?"},
      {"inspect -hello", "lstar: unknown option -hello"},
      {"-hello", "lstar: unknown option -hello"},
      {"--json run M", "lstar: --json stands behind run; see lstar run --help\n"},
      {"run --lab A --lab B M", "lstar: --lab: labs: expected one for all models, or one for each of 1, found 2\n"},
      {"run --lab A --manifest zoo/manifest.toml", "lstar: --lab: no MODEL that it could be the lab of"},
      {"run zoo/manifest.toml",
       "lstar: zoo/manifest.toml: a study's manifest, no model: lstar run --manifest zoo/manifest.toml\n"},
      {"inspect zoo/manifest.toml", "lstar run --manifest zoo/manifest.toml"},
      {"tokenize zoo/gpt2-12x12 --jsn", "lstar: unknown option --jsn, did you mean --json?; a TEXT that begins with "},
  };
  for (const auto& [arguments, expected] : rows) {
    const Outcome outcome = lstar_program(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments;
    EXPECT_THAT(outcome.err, HasSubstr(expected)) << arguments;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << arguments;
    EXPECT_THAT(outcome.out, IsEmpty()) << arguments;
  }
}

TEST(Arguments, HelpAndVersion) {
  const std::string version = lstar_program("--version").out;
  EXPECT_THAT(version, StartsWith("lstar "));
  for (const char* words : {"version", "-V"}) EXPECT_EQ(lstar_program(words).out, version) << words;
  const Outcome help = lstar_program("help");
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.out, lstar_program("--help").out);
  EXPECT_EQ(lstar_program("help run").out, lstar_program("run --help").out);
  EXPECT_THAT(lstar_program("help run").out, HasSubstr("--strict"));
}

TEST(Arguments, TextThatBeginsWithADash) {
  const std::string expected = lstar_program("tokenize zoo/gpt2-12x12 - --json", "-hello").out;
  EXPECT_THAT(expected, HasSubstr("\"ids\":["));
  for (const char* words : {"tokenize zoo/gpt2-12x12 -hello --json", "tokenize --json zoo/gpt2-12x12 '-hello'",
                            "tokenize zoo/gpt2-12x12 --json -- -hello"})
    EXPECT_EQ(lstar_program(words).out, expected) << words;
  for (const char* text : {"'--- a line'", "-5", "'-h '"}) {
    const Outcome outcome = lstar_program(std::string("tokenize zoo/gpt2-12x12 ") + text);
    EXPECT_EQ(outcome.status, 0) << text;
    EXPECT_THAT(outcome.out, Not(HasSubstr("Usage"))) << text;
  }
  EXPECT_THAT(lstar_program("trace zoo/gpt2-12x12 --prompt -hello").out, HasSubstr("Prompt 1: -hello ["));
}

TEST(Arguments, LabsOfModels) {
  const auto lab = [](const std::string& words) {
    const Outcome outcome = lstar_program("run " + words + kIds + " --json --estimator off_diagonal");
    const auto document = JsonDocument::parse(outcome.out, "run");
    if (!document) return std::string("no JSON");
    std::string labs;
    for (const char* list : {"results", "failed"})
      for (const Json model : testing::items(document->root(), list)) labs += model.string("lab").value_or("?") + " ";
    return labs;
  };
  const std::string other = "zoo/gpt2-12x12";
  EXPECT_EQ(lab(kGpt2), "unknown ");
  EXPECT_EQ(lab(kGpt2 + " --lab OpenAI"), "OpenAI ");
  EXPECT_EQ(lab("--lab OpenAI " + kGpt2 + " " + other), "OpenAI OpenAI ");
  EXPECT_EQ(lab(kGpt2 + " " + other + " --lab A --lab B"), "A B ");
  EXPECT_EQ(lab("EleutherAI/no-such-model org/name@main https://huggingface.co/facebook/opt-125m"),
            "EleutherAI org facebook ");
}

TEST(Arguments, ListsOfNamesTakeOneValueEach) {
  testing::TemporaryFolder folder;
  const std::string model = "run " + kGpt2 + kIds + " --deterministic-timestamp t --quiet --out ";
  const auto files = [&](const std::string& name, const std::string& words) {
    EXPECT_EQ(lstar_program(model + (folder / name) + " " + words).status, 0) << words;
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder / name))
      if (entry.path().filename() != "measurements.sqlite") found.push_back(entry.path().extension().string());
    std::sort(found.begin(), found.end());
    return found;
  };
  using ::testing::ElementsAre;
  EXPECT_THAT(files("a", "--figures none"), ElementsAre(".csv", ".csv", ".csv", ".json"));
  EXPECT_THAT(files("b", "--figures svg"), ElementsAre(".csv", ".csv", ".csv", ".json", ".svg", ".svg"));
  EXPECT_EQ(files("c", "--figures svg,pdf,svg"), files("d", "--figures svg --figures pdf"));

  const Outcome outcome = lstar_program("run --estimator ov_circuit,off_diagonal " + kGpt2 + kIds + " --json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto document = JsonDocument::parse(outcome.out, "run");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root()["estimators"].minified(), "[\"ov_circuit\",\"off_diagonal\"]");
  EXPECT_EQ(lstar_program("run --figures pdf " + kGpt2 + kIds + " --quiet --out " + (folder / "e")).status, 0);
}

TEST(Arguments, TheSameCheckpointCountsOnce) {
  testing::TemporaryFolder folder;
  std::filesystem::copy(kGpt2, folder / "copy");
  std::filesystem::create_directory_symlink(std::filesystem::absolute(kGpt2), folder / "link");
  const std::string models = fmt::format("{0} ./{0}/ {1}/link {1}/copy", kGpt2, folder.path());
  const Outcome text = lstar_program("run --verbose " + models + kIds);
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("COMPLETE: 4/4 models, 3 of them given before\n"), HasSubstr("1 model of 1 lab"),
                    HasSubstr("link: the same checkpoint as tests/data/checkpoints/gpt2, counted once.")));
  const Outcome json = lstar_program("run " + models + kIds + " --json");
  const auto document = JsonDocument::parse(json.out, "run");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().integer("n_models"), 1);
  const auto duplicates = testing::items(document->root(), "duplicates");
  EXPECT_EQ(duplicates.size(), 3u);
  for (const Json duplicate : duplicates) EXPECT_EQ(duplicate.string("same_as"), kGpt2);
  // A manifest's model given again, and another computation of the same weights, which is no duplicate.
  const Outcome again =
      lstar_program("run --verbose --manifest zoo/manifest.toml zoo/gpt2-12x12 --estimator off_diagonal");
  EXPECT_THAT(again.out, AllOf(HasSubstr("COMPLETE: 7/7 models, 1 of them given before\n"),
                               HasSubstr("6 models of 4 labs"), HasSubstr("zoo/gpt2-12x12: the same checkpoint as ")));
  const std::string config = folder / "copy/config.json", text_of_it = *read_file(config),
                    epsilon = "\"layer_norm_epsilon\": ";
  const size_t at = text_of_it.find(epsilon);
  ASSERT_NE(at, std::string::npos);
  ASSERT_TRUE(write_file(
      config, fmt::format("{}1{}", text_of_it.substr(0, at + epsilon.size()), text_of_it.substr(at + epsilon.size()))));
  EXPECT_THAT(lstar_program("run --verbose " + kGpt2 + " " + (folder / "copy") + kIds).out,
              HasSubstr("COMPLETE: 2/2 models\n"));
}

TEST(Arguments, QuietAloneLeavesTheVerdict) {
  const Outcome outcome = lstar_program("run --manifest zoo/manifest.toml --quiet --estimator off_diagonal");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(StartsWith("VERDICT: "), HasSubstr("by off_diagonal, 6 of 6 models, 4 labs")));
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1);
}

// A shell's line with PROGRAM in it, and its exit status.
int shell(std::string line) {
  for (size_t at = 0; (at = line.find("PROGRAM")) != std::string::npos;)
    line.replace(at, 7, "HF_HUB_OFFLINE=1 " LSTAR_PROGRAM);
  return WEXITSTATUS(std::system(fmt::format("bash -c '{}'", line).c_str()));
}

// As other programs end: by SIGPIPE, without a word. With --out the files are written all the same.
TEST(Arguments, AReaderThatLeavesIsNoError) {
  testing::TemporaryFolder folder;
  const std::string pipe = " 2>" + (folder / "err") + " | true; exit ${PIPESTATUS[0]}";
  for (const std::string& words : {"run " + kGpt2 + " --token-ids 1,2,3 --figures none --out " + (folder / "out"),
                                   "run " + kGpt2 + " --token-ids 1,2,3", "inspect " + kGpt2, std::string("--help")}) {
    EXPECT_EQ(shell("(sleep 0.2; PROGRAM " + words + ")" + pipe), 128 + SIGPIPE) << words;
    EXPECT_EQ(*read_file(folder / "err"), "") << words;
  }
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "out")) files += entry.is_regular_file();
  EXPECT_EQ(files, 5u) << "JSON, three tables and the store";
}

TEST(Arguments, AFileBeyondTheLimitIsAWriteError) {
  testing::TemporaryFolder folder;
  const std::string out = folder / "out";
  EXPECT_EQ(shell("ulimit -f 1; PROGRAM run " + kGpt2 + " --token-ids 1,2,3 --figures none --quiet --out " + out +
                  " 2>&1 | cat >" + (folder / "err") + "; exit ${PIPESTATUS[0]}"),
            1);
  EXPECT_THAT(*read_file(folder / "err"), HasSubstr("cannot be written: File too large"));
  for (const auto& entry : std::filesystem::directory_iterator(out))
    EXPECT_TRUE(entry.path().filename().string().starts_with("measurements.sqlite"))
        << "half written: " << entry.path();
  // Standard output too, which no guard of ours is around.
  EXPECT_EQ(
      shell("ulimit -f 1; PROGRAM inspect --json " + kGpt2 + " >" + (folder / "small") + " 2>" + (folder / "err")), 1);
  EXPECT_EQ(*read_file(folder / "err"), "lstar: standard output could not be written\n");
}

TEST(Arguments, Strict) {
  // The manifest says another number of layers than the checkpoint has: a warning.
  testing::TemporaryFolder folder;
  ASSERT_TRUE(
      write_file(folder / "m.toml", fmt::format("prompts = [[1, 2, 3]]\n[[model]]\npath = \"{}\"\nlayers = 99\n",
                                                std::filesystem::absolute(kGpt2).string())));
  const Outcome lenient = lstar_program("run --manifest " + (folder / "m.toml"));
  EXPECT_EQ(lenient.status, 0);
  EXPECT_THAT(lenient.out, AllOf(HasSubstr("Warning:  "), HasSubstr(": the manifest says 99 layers")));
  const Outcome strict = lstar_program("run --strict --manifest " + (folder / "m.toml"));
  EXPECT_EQ(strict.status, 3);
  EXPECT_THAT(strict.out, HasSubstr("(a warning, refused by strict)"));
  // A tensor that no part of the model reads is a warning, of all three.
  const auto original = open_checkpoint(kGpt2);
  ASSERT_TRUE(original) << original.error().message();
  std::vector<testing::StoredTensor> tensors{testing::make_tensor("score.weight", {2}, {1, 2})};
  for (const TensorInfo& tensor : (*original)->tensors()) {
    std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
    ASSERT_TRUE((*original)->read(tensor, {0, tensor.shape.rows()}, std::span<float>(values)));
    tensors.push_back(testing::make_tensor(tensor.name, tensor.shape.dims, values));
  }
  const std::string more = folder / "more";
  std::filesystem::create_directory(more);
  std::filesystem::copy(kGpt2 + "/config.json", more);
  testing::write_safetensors(more + "/model.safetensors", tensors);
  for (const std::string command : {"run", "trace", "inspect"}) {
    SCOPED_TRACE(command);
    const std::string ids = command == "inspect" ? "" : kIds;
    EXPECT_EQ(lstar_program(fmt::format("{} {}{} --strict", command, kGpt2, ids)).status, 0) << "nothing to warn of";
    const Outcome warned = lstar_program(fmt::format("{} {}{}", command, more, ids));
    EXPECT_EQ(warned.status, 0) << warned.err;
    EXPECT_THAT(warned.out, HasSubstr("not read: 1 tensor of other heads: score.weight"));
    const Outcome refused = lstar_program(fmt::format("{} {}{} --strict", command, more, ids));
    EXPECT_EQ(refused.status, 3);
    EXPECT_THAT(refused.out + refused.err,
                HasSubstr("not read: 1 tensor of other heads: score.weight (a warning, refused by strict)"));
  }
}

// What a tokenizer's class would have made of a text is a warning like any other.
TEST(Strict, ATokenizerThatIsNotFollowed) {
  const testing::TemporaryFolder folder;
  std::filesystem::copy("zoo/gpt2-12x12", folder / "model");
  std::filesystem::permissions(folder / "model", std::filesystem::perms::owner_all);
  std::filesystem::remove(folder / "model/tokenizer_config.json");
  ASSERT_TRUE(write_file(folder / "model/tokenizer_config.json", R"({"tokenizer_class": "T5Tokenizer"})"));
  const std::string trace = "trace " + (folder / "model") + " --prompt 'once upon' --json";
  const std::string says =
      "tokenizer.json is taken as it is; T5Tokenizer of transformers builds a tokenizer of its own";
  const Outcome warned = lstar_program(trace);
  EXPECT_EQ(warned.status, 0) << warned.err;
  EXPECT_NE(warned.out.find(says), std::string::npos);
  const Outcome refused = lstar_program(trace + " --strict");
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr(says));
}

}  // namespace
}  // namespace lstar
