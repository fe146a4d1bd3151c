// lstar store as a shell runs it, on a store with two models, a failure and names that would command a terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "lstar/base/json.h"
#include "tests/cli/support.h"
#include "tests/study/store_support.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lstar_program;
using testing::made_up_provenance;
using ::testing::Not;
using testing::Outcome;
using ::testing::StartsWith;

class StoreCommand : public ::testing::Test {
 protected:
  StoreCommand() {
    Store store = testing::opened(path_);
    const Study study = [&] {
      Study asked = testing::made_up_study();
      asked.models = {{.name = "org/one", .path = "one", .lab = "org"}, {.name = "\x1b[31mred", .path = "x"}};
      return asked;
    }();
    Measurement one = testing::made_up_measurement({"org/one", "org", "llama", "llama", 3, 2, 1, 1, 2}, study.dtype);
    one.backend = "Highway AVX2";
    one.prompts[0].text = "=1+1, \"quoted\"\nand \x1b[2J more";
    one.seen.entropy = {};
    one.weights.w_o_sq.clear();
    key_ = testing::key_of(one, std::string(64, '1'));
    EXPECT_TRUE(store.put(key_, one, made_up_provenance()));
    StoreKey old = testing::key_of(one, std::string(64, '2'));
    old.numerics = kNumericsVersion - 1;
    one.identity.model = "org/old";
    EXPECT_TRUE(store.put(old, one, made_up_provenance()));
    one.identity.model = "org/one";
    const std::vector<RunModel> ran{{key_, one}, {{}, fail(Error{.what = "no such folder", .file = "x"})}};
    Provenance from = made_up_provenance();
    from.command = "lstar run \x1b[31m";
    const auto put = store.put_run(study, ran, from);
    EXPECT_TRUE(put) << put.error().message();
  }
  Outcome run(const std::string& command, const std::string& rest = "") const {
    const Outcome outcome = lstar_program("store " + command + " " + path_ + " " + rest);
    EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos) << outcome.out;
    EXPECT_EQ(outcome.err.find('\x1b'), std::string::npos) << outcome.err;
    return outcome;
  }
  static JsonDocument json(const Outcome& outcome) {
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    auto document = JsonDocument::parse(outcome.out, "stdout");
    EXPECT_TRUE(document) << outcome.out;
    return *std::move(document);
  }

  testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "store";
  StoreKey key_;
};

TEST_F(StoreCommand, List) {
  const Outcome text = run("list");
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(StartsWith("2 models\n"), HasSubstr("org/one"), HasSubstr("111111111111 "),
                              HasSubstr("Highway AVX2, outdated"), HasSubstr("1 run\n"), HasSubstr("lstar run")));
  const JsonDocument listed = json(run("list", "--json"));
  const Json models = listed.root()["models"], runs = listed.root()["runs"];
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models.at(0)->string("model"), "org/one");
  EXPECT_EQ(models.at(0)->string("content"), key_.content);
  EXPECT_EQ(testing::numbers(*models.at(0), "prompts"), std::vector<double>{5});
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(testing::numbers(*runs.at(0), "failed"), std::vector<double>{1});
}

TEST_F(StoreCommand, Show) {
  EXPECT_THAT(run("show", "org/one").out,
              AllOf(HasSubstr("3 layers, 2 heads"), HasSubstr("1234 bytes, sha256\n               eee"),
                    HasSubstr("diagonal, rounded_sum, residual_norm\n"), HasSubstr("command:")));
  const JsonDocument model = json(run("show", "1111 --json"));
  EXPECT_EQ(model.root()["models"].at(0)->string("model"), "org/one");
  const JsonDocument listed = json(run("list", "--json"));
  const std::string digest = *listed.root()["runs"].at(0)->string("run");
  EXPECT_THAT(
      run("show", digest.substr(0, 10)).out,
      AllOf(HasSubstr("off_diagonal, ov_circuit"), HasSubstr("failed: x: no such folder"), HasSubstr("[31mred")));
  const JsonDocument of_run = json(run("show", digest + " --json"));
  EXPECT_EQ(of_run.root()["runs"].at(0)->find("models")->size(), 2u);
  const Outcome nothing = run("show", "nobody");
  EXPECT_EQ(nothing.status, 2);
  EXPECT_THAT(nothing.err, HasSubstr("nobody: no model or run of that name in the store; lstar store list shows them"));
}

TEST_F(StoreCommand, Export) {
  const Outcome csv = run("export", "--model org/one");
  EXPECT_EQ(csv.status, 0) << csv.err;
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 1 + 5 * 3);
  EXPECT_THAT(csv.out,
              StartsWith("model,content,dtype,backend,numerics,prompt,text,tokens,layer,attention_sum,diagonal_sum,"
                         "off_diagonal_sum,attention_entropy,residual_norm,w_v_frobenius_sq,w_o_frobenius_sq\n"));
  EXPECT_THAT(csv.out, HasSubstr(",\"'=1+1, \"\"quoted\"\" and  [2J more\",12,0,")) << "no cell is a formula";
  EXPECT_THAT(run("export", "--per-head").out, HasSubstr(",layer,head,diagonal_sum,"));
  const Outcome lines = run("export", "--format jsonl --per-head");
  EXPECT_EQ(std::count(lines.out.begin(), lines.out.end(), '\n'), 2 * 5 * 3 * 2);
  const auto first = JsonDocument::parse(lines.out.substr(0, lines.out.find('\n')), "line");
  ASSERT_TRUE(first);
  // As they were made up: share 0.75 + 0.2 sin(0) of n - 1 = 11.
  EXPECT_EQ(testing::numbers(first->root(), "off_diagonal_sum"), std::vector<double>{0.75 * 11});
  EXPECT_EQ(testing::numbers(first->root(), "diagonal_sum"), std::vector<double>{12 - 0.75 * 11});
  EXPECT_THAT(lines.out, HasSubstr("\"attention_entropy\":null"));
  EXPECT_EQ(run("export", "--model nobody").status, 2);
  EXPECT_EQ(run("export", "--format xml").status, 2);
}

TEST_F(StoreCommand, PruneSaysItFirst) {
  const Outcome asked = run("prune", "--outdated");
  EXPECT_EQ(asked.status, 0) << asked.err;
  EXPECT_THAT(asked.out,
              AllOf(StartsWith("would remove 1 model, 5 prompts and 0 runs: "), HasSubstr("; --yes does it")));
  EXPECT_THAT(run("list").out, StartsWith("2 models\n"));
  EXPECT_THAT(run("prune", "--outdated --yes").out, StartsWith("removed 1 model, 5 prompts and 0 runs: "));
  EXPECT_THAT(run("list").out, StartsWith("1 model\n"));
  const Outcome nothing = run("prune");
  EXPECT_EQ(nothing.status, 2);
  EXPECT_THAT(nothing.err, HasSubstr("--outdated, --unused or --model says what"));
  const Outcome nobody = run("prune", "--model org/one --model nobody --yes");
  EXPECT_EQ(nobody.status, 2);
  EXPECT_THAT(nobody.err, HasSubstr("nobody: no model of that name in the store"));
  EXPECT_THAT(run("list").out, StartsWith("1 model\n"));
}

TEST_F(StoreCommand, MergeTwiceIsOnce) {
  const std::string made = folder_ / "made";
  Outcome merged = lstar_program("store merge " + made + " " + path_);
  EXPECT_EQ(merged.status, 0) << merged.err;
  EXPECT_EQ(merged.out, "new 2 models, 10 prompts and 1 run; 0 known\n");
  merged = lstar_program("store merge " + made + " " + path_ + " " + path_);
  EXPECT_EQ(merged.out, "new 0 models, 0 prompts and 0 runs; 26 known\n");
  EXPECT_EQ(lstar_program("store list --json " + made).out, run("list", "--json").out);
  EXPECT_EQ(lstar_program("store export " + made).out, run("export").out);
  EXPECT_NE(lstar_program("store merge " + (folder_ / "new") + " " + path_ + " " + (folder_ / "none")).status, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new")) << "one that could not be opened is found first";
}

TEST_F(StoreCommand, Words) {
  const std::pair<const char*, const char*> rows[] = {
      {"store", "lstar: no command; one of list, show, export, prune, merge; see lstar store --help\n"},
      {"store lst x", "lstar: unknown command lst, did you mean list?; one of list, show, export, prune, merge"},
      {"store list", "lstar: STORE is required; see lstar store list --help\n"},
      {"store list x --jsn", "lstar: unknown option --jsn, did you mean --json?; see lstar store list --help\n"},
      {"store --jsn", "lstar: unknown option --jsn"},
      {"store list x y", "lstar: unexpected argument y; see lstar store list --help\n"},
  };
  for (const auto& [words, line] : rows) {
    const Outcome outcome = lstar_program(words);
    EXPECT_EQ(outcome.status, 2) << words;
    EXPECT_THAT(outcome.err, StartsWith(line)) << words;
    EXPECT_THAT(outcome.out, IsEmpty());
  }
  EXPECT_EQ(lstar_program("store --help").status, 0);
  EXPECT_EQ(lstar_program("store list --help").status, 0);
}

TEST_F(StoreCommand, OneLineOfWhatIsNoStore) {
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  for (const char* command : {"list", "show", "export"})
    for (const std::string& place : {folder_ / "none", folder_.path(), folder_ / "fifo"}) {
      const Outcome outcome =
          lstar_program(std::string("store ") + command + " " + place + (*command == 's' ? " x" : ""));
      EXPECT_NE(outcome.status, 0) << place;
      EXPECT_THAT(outcome.out, IsEmpty());
      EXPECT_THAT(outcome.err, StartsWith("lstar: " + place + ": "));
      EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    }
}

}  // namespace
}  // namespace lstar
