// lstar report and lstar diff as a shell runs them: what a run said is said again without a model, and what two results
// do not share is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "lstar/base/json.h"
#include "tests/cli/support.h"
#include "tests/study/store_support.h"
#include "tests/support/sanitized.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lstar_program;
using ::testing::Not;
using testing::Outcome;
using ::testing::StartsWith;

const std::string kAsked = " --token-ids '1 2 3 4 5 6' --token-ids '7 8' --token-ids 99999";

// Two models of which copies are made, so that they can be taken away; one given twice; one that is not there; and a
// prompt that cannot run.
class Report : public ::testing::Test {
 protected:
  Report() {
    for (const char* name : {"gpt2", "gpt_neox"})
      fs::copy(testing::source_path("tests/data/checkpoints/" + std::string(name)), folder_ / name);
  }
  std::string models() const {
    return (folder_ / "gpt2") + " " + (folder_ / "gpt_neox") + " " + (folder_ / "gpt2") + " " + (folder_ / "nowhere");
  }
  Outcome run(const std::string& out, const std::string& rest = "") const {
    return lstar_program("run " + models() + kAsked + " --out " + (folder_ / out) + " " + rest);
  }
  void take_models_away() const {
    fs::remove_all(folder_ / "gpt2");
    fs::remove_all(folder_ / "gpt_neox");
  }
  std::string json_of(const std::string& out) const {
    std::string found;
    for (const auto& entry : fs::directory_iterator(folder_ / out))
      if (entry.path().extension() == ".json" && (found.empty() || entry.path().string() < found))
        found = entry.path().string();
    return found;
  }
  // The contents of a folder's files but for the store's, by name.
  std::map<std::string, std::string> files(const std::string& out) const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_ / out))
      if (!entry.path().filename().string().starts_with("measurements"))
        all[entry.path().filename().string()] = *read_file(entry.path().string());
    return all;
  }
  std::string store() const { return folder_ / "out/measurements.sqlite"; }
  // As the output of a run into another folder.
  std::string as_into(std::string text, const std::string& out) const {
    for (const char* end : {"/", ":"})
      for (size_t at; (at = text.find(folder_ / "out" + end)) != text.npos;)
        text.replace(at, (folder_ / "out" + end).size(), out + end);
    return text;
  }

  testing::TemporaryFolder folder_;
};

void expect_one_line(const Outcome& outcome, int status, const std::string& words) {
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, AllOf(StartsWith("lstar: "), HasSubstr(words)));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_EQ(outcome.err.find('\x1b'), std::string::npos);
}

TEST_F(Report, WithoutOptionsIsTheRun) {
  const Outcome ran = run("out", "--deterministic-timestamp t --figures svg");
  ASSERT_EQ(ran.status, 1) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("Left out: "), HasSubstr("the same checkpoint as"), HasSubstr("failed: ")));
  EXPECT_THAT(ran.err, HasSubstr("gpt_neox: prompt 3: token id out of range")) << "stdout goes elsewhere";
  ASSERT_EQ(files("out").size(), 6u);
  take_models_away();
  const std::string shared = " --deterministic-timestamp t --figures svg --out ";
  int number = 0;
  for (const std::string& place : {folder_ / "out", store(), json_of("out")}) {
    const std::string to = "ag" + std::to_string(number++);  // as long as the run's own: lines break alike
    const Outcome told = lstar_program("report " + place + shared + (folder_ / to));
    EXPECT_EQ(told.status, 1) << told.err;
    EXPECT_EQ(told.out, as_into(ran.out, folder_ / to)) << place;
    EXPECT_EQ(files(to), files("out")) << place;
    EXPECT_THAT(told.err, HasSubstr("nowhere")) << "the model that failed";
    EXPECT_EQ(told.err, ran.err.substr(0, told.err.size())) << "the run says what was known besides";
  }
  EXPECT_EQ(lstar_program("report " + json_of("out") + " --json").out, *read_file(json_of("out")))
      << "the JSON has its time";
  EXPECT_THAT(lstar_program("report --quiet " + (folder_ / "out")).out, StartsWith("VERDICT: "));
  for (const auto& entry : fs::directory_iterator(folder_ / "out"))
    EXPECT_THAT(entry.path().filename().string(), Not(StartsWith("measurements.sqlite-"))) << "a reader's, left behind";
  // Into the run's own folder it is the same files.
  EXPECT_EQ(lstar_program("report --quiet " + json_of("out") + " --figures svg --out " + (folder_ / "out")).status, 1);
  EXPECT_EQ(files("out").size(), 6u);
}

TEST_F(Report, ATimeOfItsOwnIsTheRuns) {
  ASSERT_EQ(run("out", "--quiet --figures none").status, 1);
  const std::string json = *read_file(json_of("out"));
  EXPECT_EQ(lstar_program("report --json " + (folder_ / "out")).out, json);
}

TEST_F(Report, OtherQuestionsAreThoseOfARun) {
  const std::string time = " --deterministic-timestamp t --figures none";
  ASSERT_EQ(run("out", time).status, 1);
  for (const std::string& asked :
       {std::string("--detector central_difference"), std::string("--estimator multi_head,as_written"),
        std::string("--formula half --seed 11"), std::string("--head-layout thirds --estimator as_written")}) {
    fs::remove_all(folder_ / "other");
    const Outcome other = run("other", time + " " + asked);
    const Outcome told = lstar_program("report " + (folder_ / "out") + time + " " + asked);
    EXPECT_EQ(told.status, other.status) << told.err;
    const auto without_files = [](const std::string& text) { return text.substr(0, text.find("Files: ")); };
    EXPECT_EQ(without_files(told.out), without_files(other.out)) << asked;
    // The JSON but for the run that it is of.
    const Outcome json = lstar_program("report --json " + (folder_ / "out") + time + " " + asked);
    const auto without_run = [](std::string text) { return text.erase(text.find("\"run\": "), 73); };
    EXPECT_EQ(without_run(json.out), without_run(*read_file(json_of("other")))) << asked;
    // A report's own JSON is reported as it is.
    ASSERT_TRUE(write_file(folder_ / "out/mine.json", json.out));
    EXPECT_EQ(lstar_program("report --json " + (folder_ / "out/mine.json")).out, json.out) << asked;
  }
  EXPECT_EQ(lstar_program("report " + (folder_ / "out") + " --detector nothing").status, 2);
  EXPECT_EQ(lstar_program("report " + (folder_ / "out") + " --dtype float64").status, 2) << "that is measured";
}

TEST_F(Report, TheRunThatIsMeant) {
  const std::string time = " --quiet --deterministic-timestamp t --figures none";
  ASSERT_EQ(run("out", time).status, 1);
  const std::string first = json_of("out"), text = *read_file(first);
  ASSERT_EQ(run("out", time + " --detector central_difference").status, 1);
  const auto document = JsonDocument::parse(text, "first");
  const std::string digest = *document->root().string("run");
  ASSERT_EQ(digest.size(), 64u);
  EXPECT_EQ(lstar_program("report --json --deterministic-timestamp t " + store() + " --run " + digest.substr(0, 8)).out,
            text);
  EXPECT_EQ(lstar_program("report --json " + first).out, text);
  EXPECT_THAT(lstar_program("report " + store()).out, HasSubstr("by off_diagonal, central_difference, in"));
  // Once more asked for, it is the last, and the same run.
  ASSERT_EQ(run("out", time).status, 1);
  EXPECT_EQ(lstar_program("report --json --deterministic-timestamp t " + store()).out, text);
  expect_one_line(lstar_program("report " + store() + " --run 0000ffff"), 3, "no such run in the store");
  expect_one_line(lstar_program("report " + store() + " --run xyz"), 2, "expected the first 4 digits");
  expect_one_line(lstar_program("report " + first + " --run 1234"), 2, "names its run itself");
}

TEST_F(Report, WhereTheStoreIs) {
  ASSERT_EQ(run("out", "--quiet --figures none --deterministic-timestamp t").status, 1);
  const std::string json = json_of("out");
  fs::rename(store(), folder_ / "elsewhere");
  expect_one_line(lstar_program("report " + json), 3, "no store beside the result; --store says where");
  EXPECT_EQ(lstar_program("report --json " + json + " --store " + (folder_ / "elsewhere")).out, *read_file(json));
  expect_one_line(lstar_program("report " + (folder_ / "out")), 3, "no measurements.sqlite in this folder");
  expect_one_line(lstar_program("report " + (folder_ / "none")), 3, "none: ");
  const Outcome alone = lstar_program("run " + (folder_ / "gpt2") + " --token-ids '1 2 3' --json");
  ASSERT_TRUE(write_file(folder_ / "alone.json", alone.out));
  expect_one_line(lstar_program("report " + (folder_ / "alone.json")), 2, "its measurements were not kept");
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  expect_one_line(lstar_program("report " + (folder_ / "fifo")), 3, "not a regular file");
}

TEST_F(Report, AStoreThatCannotBeRead) {
  { const Store empty = testing::opened(folder_ / "empty"); }
  expect_one_line(lstar_program("report " + (folder_ / "empty")), 3, "no run in the store");
  ASSERT_EQ(run("out", "--quiet --figures none").status, 1);
  std::string bytes = *read_file(store());
  ASSERT_TRUE(write_file(folder_ / "cut", bytes.substr(0, bytes.size() / 3)));
  EXPECT_EQ(lstar_program("report " + (folder_ / "cut")).status, 3);
  {
    auto database = Database::open(store(), StoreAccess::write, kStorePatience);
    ASSERT_TRUE((*database)->run("PRAGMA user_version = 99"));
  }
  const Outcome newer = lstar_program("report " + store());
  EXPECT_EQ(newer.status, 3);
  EXPECT_EQ(std::count(newer.err.begin(), newer.err.end(), '\n'), 1);
}

// A store of a library's caller who wanted less than lstar run keeps.
TEST_F(Report, WhatWasNotMeasured) {
  const Study study = [] {
    Study asked = testing::made_up_study();
    asked.models.resize(1);
    asked.estimators = {"off_diagonal"};
    return asked;
  }();
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], study.dtype);
  m.seen.rounded_sum = {};
  {
    Store store = testing::opened(folder_ / "less");
    ASSERT_TRUE(store.put(testing::key_of(m), m, testing::made_up_provenance()));
    const std::vector<RunModel> ran{{testing::key_of(m), m}};
    ASSERT_TRUE(store.put_run(study, ran, testing::made_up_provenance()));
  }
  EXPECT_EQ(lstar_program("report " + (folder_ / "less")).status, 0);
  EXPECT_EQ(lstar_program("report --estimator ov_circuit " + (folder_ / "less")).status, 0);
  const Outcome other = lstar_program("report --estimator off_diagonal,as_written " + (folder_ / "less"));
  expect_one_line(other, 3,
                  "what as_written reads was not measured; the run's own command with --estimator as_written");
  const Outcome thirds = lstar_program("report --head-layout thirds " + (folder_ / "less"));
  expect_one_line(thirds, 3, "the norms of head layout thirds were not kept");
}

TEST_F(Report, Diff) {
  const std::string time = " --quiet --figures none --deterministic-timestamp ";
  ASSERT_EQ(run("out", time + "t").status, 1);
  ASSERT_EQ(run("out2", time + "later --threads 1").status, 1);
  const std::string a = json_of("out"), b = json_of("out2");
  Outcome same = lstar_program("diff " + a + " " + b);
  EXPECT_EQ(same.status, 0) << same.out;
  EXPECT_THAT(same.out, AllOf(HasSubstr("traces: equal to the last bit ("), ::testing::EndsWith("no change\n")));
  EXPECT_EQ(lstar_program("diff " + (folder_ / "out") + " " + b).status, 0) << "a folder is the JSON that it gave";
  EXPECT_EQ(lstar_program("diff " + store() + " " + (folder_ / "out2")).status, 0);
  ASSERT_EQ(run("out", time + "t --detector central_difference --estimator ov_circuit,off_diagonal").status, 1);
  const Outcome other = lstar_program("diff " + a + " " + (folder_ / "out"));
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.out,
              AllOf(HasSubstr("detector: argmax_step -> central_difference\n"), HasSubstr("what was asked changed")));
  const Outcome json = lstar_program("diff --json " + a + " " + (folder_ / "out"));
  EXPECT_EQ(json.status, 1);
  const auto document = JsonDocument::parse(json.out, "diff");
  ASSERT_TRUE(document) << json.out;
  EXPECT_EQ(document->root().boolean("asked_changed"), true);
  EXPECT_EQ(document->root()["models"].integer("compared"), 4);
  const std::string digest = *JsonDocument::read(a)->root().string("run");
  EXPECT_EQ(lstar_program("diff " + a + " " + store() + " --run-b " + digest.substr(0, 12)).status, 0);
  EXPECT_EQ(lstar_program("diff " + store() + " " + store() + " --run-a " + digest.substr(0, 12)).status, 1);
  expect_one_line(lstar_program("diff " + a + " " + b + " --run-b 1234"), 2, "the JSON of a result is one run");
  expect_one_line(lstar_program("diff " + a), 2, "B is required");
  expect_one_line(lstar_program("diff " + a + " " + (folder_ / "none")), 2, "none: ");
}

// lstar diff --json of two files without its output, which goes to `out`; `before` goes before the program.
Outcome diff_into(const std::string& out, const std::string& a, const std::string& b, const std::string& before = "") {
  testing::TemporaryFolder folder;
  const std::string command =
      fmt::format("{}{} diff --json {} {} >{} 2>{}", before, LSTAR_PROGRAM, a, b, out, folder / "err");
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, "", read_file(folder / "err").value_or("")};
}

// 1 would be "something changed", and 3 is not of this command.
TEST_F(Report, DiffThatCannotBeWritten) {
  ASSERT_TRUE(write_file(folder_ / "x", R"({"results": [{"model": "m", "L_star_empirical": 1}]})"));
  ASSERT_TRUE(write_file(folder_ / "y", R"({"results": [{"model": "m", "L_star_empirical": 2}]})"));
  for (const char* other : {"x", "y"}) {
    const Outcome full = diff_into("/dev/full", folder_ / "x", folder_ / other);
    EXPECT_EQ(full.status, 2);
    EXPECT_EQ(full.err, "lstar: standard output could not be written\n");
  }
}

// Less and less memory, until the program itself cannot start.
TEST_F(Report, DiffThatHasNoMemory) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer's own memory is larger than any limit";
  for (const char* name : {"x", "y"}) {
    std::string prompts;
    for (int i = 0; i < 30'000; ++i) prompts += fmt::format(R"({}{{"text": "{} {}"}})", i ? ", " : "", name, i);
    ASSERT_TRUE(write_file(folder_ / name, R"({"results": [], "prompts": [)" + prompts + "]}"));
  }
  bool compared = false;
  for (int megabytes = 160; megabytes > 0; megabytes -= 8) {
    const Outcome limited =
        diff_into("/dev/null", folder_ / "x", folder_ / "y", fmt::format("ulimit -v {}; ", megabytes * 1024));
    if (limited.status == 1) continue;
    if (!limited.err.starts_with("lstar: ")) break;  // the loader's words
    EXPECT_EQ(limited.status, 2) << megabytes;
    EXPECT_THAT(limited.err, HasSubstr("out of memory while ")) << megabytes;
    compared = compared || limited.err == "lstar: out of memory while comparing two results\n";
  }
  EXPECT_TRUE(compared);
}

// What a RESULT says is a fault of the file, whatever the command line says besides.
TEST_F(Report, ResultsThatNoRunWrote) {
  ASSERT_EQ(run("out", "--quiet --figures none").status, 1);
  const std::string text = *read_file(json_of("out")),
                    digest = *JsonDocument::read(json_of("out"))->root().string("run");
  const auto with = [&](const std::string& key, const std::string& was, const std::string& is) {
    const std::string name = "\n  \"" + key + "\": ";  // of the whole result
    const std::string from = name + was, to = is.empty() ? "" : name + is;
    std::string other = text;
    EXPECT_NE(other.find(from), other.npos) << from;
    other.replace(other.find(from), from.size() + (is.empty() ? 1 : 0), to);
    return other;
  };
  const std::pair<std::string, const char*> rows[] = {
      {with("detector", "\"argmax_step\"", "\"nothing\""), "unknown detector: expected one of argmax_step"},
      {with("formula_name", "\"v3\"", "\"v\\u001b[31m\""), "unknown formula"},
      {with("head_layout", "\"true\"", "\"half\""), "key head_layout: unknown head layout: found half"},
      {with("run", "\"" + digest + "\"", "\"../../x\""), "key run: not the digest of a run: found ../../x"},
      {with("run", "\"" + digest + "\"", "\"" + std::string(64, '%') + "\""), "key run: not the digest of a run"},
      {with("run", "\"" + digest + "\"", ""), "of a version of lstar that did not write which run it is"},
  };
  const std::string file = folder_ / "out/x.json";
  for (const auto& [result, words] : rows) {
    ASSERT_TRUE(write_file(file, result));
    expect_one_line(lstar_program("report " + file), 3, file + ": " + words);
  }
  ASSERT_TRUE(write_file(file, rows[0].first));
  expect_one_line(lstar_program("report --detector sign_change " + file), 3, "unknown detector");
}

TEST_F(Report, HostileResults) {
  const std::string deep(100'000, '[');
  const std::pair<std::string, const char*> rows[] = {
      {"hello", "not valid JSON"},
      {"\x1b[31m", "not valid JSON"},
      {"[]", "no result of lstar run"},
      {"{\"results\": 3}", "expected a list, found 3"},
      {"{\"results\": [{\"model\": \"m\", \"error_pct\": 1e400}]}", "expected a finite number, found 1e400"},
      {"{\"results\": [{\"model\": \"\\u001b[31m\", \"resolved\": 1}]}", "expected true or false, found 1"},
      {"{\"results\": " + deep, "x.json"},
  };
  for (const auto& [text, words] : rows) {
    ASSERT_TRUE(write_file(folder_ / "x.json", text));
    const Outcome told = lstar_program("report " + (folder_ / "x.json"));
    expect_one_line(told, 3, words);
    expect_one_line(lstar_program("diff " + (folder_ / "x.json") + " " + (folder_ / "x.json")), 2, words);
  }
  // A name that commands a terminal, in text and JSON.
  const std::string result =
      "{\"results\": [{\"model\": \"\\u001b[2J\\u202e\", \"lab\": \"LAB\", \"L_star_empirical\": 1}], \"prompts\": "
      "[{\"text\": \"\\u001b[31m PROMPT\"}]}";
  std::string other = result;
  other.replace(other.find("LAB"), 3, "\\u001bX");
  other.replace(other.find("PROMPT"), 6, "Q");
  ASSERT_TRUE(write_file(folder_ / "x.json", result));
  ASSERT_TRUE(write_file(folder_ / "y.json", other));
  for (const char* option : {"", "--json "}) {
    const Outcome found =
        lstar_program(std::string("diff ") + option + (folder_ / "x.json") + " " + (folder_ / "y.json"));
    EXPECT_EQ(found.status, 1) << found.err;
    EXPECT_THAT(found.out, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\xe2\x80\xae"))));
  }
}

}  // namespace
}  // namespace lstar
