// Prompts on the way from a file to every output, and traces on the way back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "lstar/base/json.h"
#include "tests/cli/support.h"
#include "tests/support/recorded.h"
#include "tests/support/sanitized.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::lstar_program;
using ::testing::Not;
using testing::Outcome;

const std::string kModel = "zoo/gpt2-12x12";

class PromptFiles : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content) {
    EXPECT_TRUE(write_file(folder_ / name, content));
    return folder_ / name;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(PromptFiles, WhatWasReadIsSaid) {
  const std::string csv = file("p.csv", "id,prompt\nq1,\"one\ntwo\"\n007,three\n");
  const Outcome run = lstar_program("run --verbose " + kModel + " --estimator off_diagonal --prompts " + csv);
  EXPECT_THAT(run.out, AllOf(HasSubstr("Models: 1, prompts: 2"), HasSubstr("Read: 2 prompts from "),
                             HasSubstr("(CSV, column prompt); the first: \"one\\ntwo\""),
                             HasSubstr("Prompt 1 (q1): L* = "), HasSubstr("Prompt 2 (007): L* = ")));
  const Outcome trace = lstar_program("trace " + kModel + " --prompts " + csv);
  EXPECT_THAT(trace.out, AllOf(HasSubstr("Read: 2 prompts from "), HasSubstr("Prompt 2 (007): three [")));
  EXPECT_THAT(lstar_program("run --verbose " + kModel + " --estimator off_diagonal").out,
              HasSubstr("Read: 5 prompts from prompt set notebook (built in); the first: \"The capital of"));
}

TEST(PromptSetOption, EverySetRuns) {
  // Passages are longer than the 512 positions that the other miniatures learned.
  const std::map<std::string, size_t> sets{{"notebook", 5}, {"short", 105},     {"sentence", 130}, {"paragraph", 100},
                                           {"passage", 25}, {"languages", 100}, {"code", 60},      {"mixed", 500}};
  for (const auto& [name, count] : sets) {
    if (testing::kSanitized && count != 5 && count != 60) continue;
    const std::string model = name == "passage" ? "zoo/bloom-24x16" : kModel;
    const Outcome outcome = lstar_program("trace " + model + " --prompt-set " + name + " --quiet --json");
    ASSERT_EQ(outcome.status, 0) << name << ": " << outcome.err;
    const auto trace = JsonDocument::parse(outcome.out, name);
    ASSERT_TRUE(trace) << trace.error().message();
    EXPECT_EQ(testing::items(trace->root(), "prompts").size(), count) << name;
    EXPECT_EQ(trace->root()["prompts_read"].string("file"), "prompt set " + name);
    EXPECT_EQ(trace->root()["prompts_read"].integer("count"), static_cast<int64_t>(count)) << name;
  }
}

TEST(PromptSetOption, SeveralOnesAndOtherPrompts) {
  const std::string command = "trace " + kModel + " --quiet --json ";
  const auto ids = [&](const std::string& words) {
    const Outcome outcome = lstar_program(command + words);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const auto trace = JsonDocument::parse(outcome.out, "trace");
    std::vector<std::string> all;
    if (!trace) return all;
    for (const Json prompt : testing::items(trace->root(), "prompts")) all.push_back(prompt["id"].shown());
    return all;
  };
  const std::vector<std::string> commas = ids("--prompt-set notebook,code");
  EXPECT_EQ(commas.size(), 65u);
  EXPECT_EQ(commas, ids("--prompt-set notebook --prompt-set code"));
  EXPECT_EQ(commas, ids("--prompt-set notebook,code,notebook")) << "nothing twice";
  const std::vector<std::string> more = ids("--prompt-set notebook --prompt 'One more' --token-ids '5 17'");
  EXPECT_EQ(more, (std::vector<std::string>{"null", "null", "\"notebook-1\"", "\"notebook-2\"", "\"notebook-3\"",
                                            "\"notebook-4\"", "\"notebook-5\""}));
  const Outcome run = lstar_program("run --verbose " + kModel + " --estimator off_diagonal --prompt-set code,short");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("Read: 165 prompts from prompt sets code, short (built in); the first: \"def mean("));
  EXPECT_EQ(lstar_program("run " + kModel + " --json --deterministic-timestamp t").out,
            lstar_program("run " + kModel + " --prompt-set notebook --json --deterministic-timestamp t").out);
}

TEST(PromptSetOption, TheBuiltInStudySaysWhatFiveSentencesAre) {
  const std::string note = "Five sentences are not evidence; --prompt-set mixed asks the same of 500 prompts.";
  const std::string nowhere = "/dev/null/hub";  // no model is found, and none is asked for
  const Outcome own = lstar_program("run --verbose", "", "HF_HUB_CACHE=" + nowhere);
  EXPECT_THAT(own.out, AllOf(HasSubstr(note), HasSubstr("5 prompts from prompt set notebook (built in)")));
  const Outcome asked = lstar_program("run --verbose --prompt-set mixed", "", "HF_HUB_CACHE=" + nowhere);
  EXPECT_THAT(asked.out, AllOf(HasSubstr("500 prompts from prompt set mixed"), Not(HasSubstr("not evidence"))));
}

TEST(PromptSetOption, WrongUsageNamesTheKnown) {
  for (const std::string command : {"run ", "trace "}) {
    const Outcome unknown = lstar_program(command + kModel + " --prompt-set sentences");
    EXPECT_EQ(unknown.status, 2);
    EXPECT_THAT(unknown.err, AllOf(HasSubstr("--prompt-set"), HasSubstr("sentences"), HasSubstr("mean sentence?"),
                                   HasSubstr("notebook, short, sentence, paragraph, passage, languages, code, mixed")));
    EXPECT_EQ(lstar_program(command + kModel + " --prompt-set short --prompts p.txt").status, 2);
    EXPECT_THAT(lstar_program(command + "--help").out, AllOf(HasSubstr("--prompt-set"), HasSubstr("paragraph")));
  }
}

TEST_F(PromptFiles, IdsComeBackInEveryOutput) {
  const std::string jsonl =
      file("p.jsonl",
           "{\"text\": \"one\", \"id\": \"a \\\"b\\\"\"}\n{\"text\": \"two\", \"id\": 123456789012345678901234567890}\n"
           "{\"token_ids\": [5, 6], \"id\": -7}\n{\"text\": \"four\"}\n");
  const std::string words = " --prompts " + jsonl + " ";
  const auto ids = [](Json of) {
    std::string all;
    for (const Json prompt : testing::items(of, "prompts")) all += prompt["id"].shown() + " ";
    return all;
  };
  const std::string expected = "\"a \\\"b\\\"\" 123456789012345678901234567890 -7 null ";
  const Outcome trace = lstar_program("trace " + kModel + words + "--json");
  const auto traced = JsonDocument::parse(trace.out, "trace");
  ASSERT_TRUE(traced) << traced.error().message();
  EXPECT_EQ(ids(traced->root()), expected);
  EXPECT_EQ(traced->root()["prompts_read"].integer("count"), 4);
  EXPECT_EQ(traced->root()["prompts_read"].string("file"), jsonl);
  EXPECT_EQ(traced->root()["prompts_read"].string("format"), "JSON Lines");
  EXPECT_EQ(traced->root()["prompts_read"].string("first"), "one");
  EXPECT_THAT(
      lstar_program("trace " + kModel + words + "--csv").out,
      AllOf(HasSubstr(",id\n"), HasSubstr(",\"a \"\"b\"\"\"\n"), HasSubstr(",123456789012345678901234567890\n")));

  const Outcome run = lstar_program("run " + kModel + words + "--json --figures none --out " + (folder_ / "out") +
                                    " --deterministic-timestamp t");
  const auto study = JsonDocument::parse(run.out, "run");
  ASSERT_TRUE(study) << study.error().message();
  EXPECT_EQ(ids(study->root()), expected);
  EXPECT_EQ(study->root()["prompts_read"].integer("count"), 4);
  EXPECT_THAT(*read_file(folder_ / "out/l_star_prompts_t.csv"),
              AllOf(HasSubstr(",1,\"a \"\"b\"\"\",1,off_diagonal,"),
                    HasSubstr(",2,123456789012345678901234567890,2,off_diagonal,"), HasSubstr(",3,-7,2,"),
                    HasSubstr(",4,,2,off_diagonal,")));
  EXPECT_THAT(*read_file(folder_ / "out/l_star_traces_t.csv"), HasSubstr(",123456789012345678901234567890\n"));
}

TEST_F(PromptFiles, StandardInput) {
  const Outcome outcome =
      lstar_program("trace " + kModel + " --prompts - --json", "[{\"text\": \"one\", \"id\": 1}, \"two\"]");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto document = JsonDocument::parse(outcome.out, "trace");
  ASSERT_TRUE(document);
  EXPECT_EQ(testing::items(document->root(), "prompts").size(), 2u);
  EXPECT_EQ(document->root()["prompts_read"].string("file"), "-");
  EXPECT_EQ(lstar_program("trace " + kModel + " --prompts -", "\x1f\x8b\x08").err,
            "lstar: standard input: not text but compressed by gzip; zcat it first\n");
  EXPECT_EQ(lstar_program("trace " + kModel + " --prompts -").err, "lstar: standard input: no prompts\n");
  EXPECT_EQ(lstar_program("tokenize " + kModel + " - --json", "one\ntwo").out,
            lstar_program("tokenize " + kModel + " --json \"$(printf 'one\\ntwo')\"").out);
  EXPECT_THAT(lstar_program("detect -", "[1, 2, 5, 6]").out, HasSubstr("trace"));
}

TEST_F(PromptFiles, ARefusedFileIsWrongUsage) {
  for (const std::string command : {"run ", "trace "}) {
    const Outcome outcome = lstar_program(command + kModel + " --prompts " + file("p.parquet", "PAR1\x15\x04"));
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.err,
              "lstar: " + (folder_ / "p.parquet") + ": not text but a Parquet file; write its column as JSON Lines\n");
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_THAT(lstar_program("trace " + kModel + " --prompts " + (folder_ / "none")).err,
              HasSubstr("none: cannot be read: No such file or directory\n"));
}

// What detect finds in our own results is what they say: the floors are read with the traces.
TEST_F(PromptFiles, DetectReadsOurOwnResults) {
  const std::string prompts = " --prompt 'The capital of France is' --prompt 'Once upon a time'";
  const std::string json = file("t.json", lstar_program("trace " + kModel + prompts + " --json").out),
                    csv = file("t.csv", lstar_program("trace " + kModel + prompts + " --csv").out),
                    study = file("r.json",
                                 lstar_program("run " + kModel + " " + "zoo/neox-12x12" + prompts + " --json").out);
  const auto traced = JsonDocument::read(json);
  ASSERT_TRUE(traced);
  const auto found = [&](const std::string& path) {
    const auto document = JsonDocument::parse(lstar_program("detect " + path + " --json").out, "detect");
    EXPECT_TRUE(document) << path;
    return *JsonDocument::parse(document ? document->root().minified() : "{}", "detect");
  };
  const JsonDocument from_json = found(json), from_csv = found(csv), from_study = found(study);
  size_t compared = 0, prompt = 0;
  for (const Json entry : testing::items(traced->root(), "prompts")) {
    ++prompt;
    for (const char* estimator : {"as_written", "off_diagonal", "multi_head", "ov_circuit"}) {
      const std::string expected = entry["l_star"][estimator].minified();
      const std::string name = fmt::format("prompt {}: {}", prompt, estimator);
      EXPECT_EQ(from_json.root()[name].minified(), expected) << name;
      EXPECT_EQ(from_csv.root()[name].minified(), expected) << name;
      if (std::string(estimator) == "multi_head") continue;  // the study's estimators alone are in it
      EXPECT_EQ(from_study.root()[kModel + ": " + name].minified(), expected) << name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 6u);
}

// A trace is a list from layer 0 on: what a column of layers says otherwise is not answered with another's layer.
TEST_F(PromptFiles, DetectRefusesLayersOutOfOrder) {
  const auto of = [&](const std::string& name, const std::string& content) {
    return lstar_program("detect " + file(name, content));
  };
  EXPECT_EQ(of("good.csv", "layer,a\n0,2\n1,5\n2,9\n").status, 0);
  EXPECT_THAT(of("from_one.csv", "layer,a\n1,1\n2,1\n3,9\n").err,
              HasSubstr("from_one.csv: line 2: the layers of a trace are not in order: expected layer 0, counted from "
                        "0, found 1"));
  EXPECT_THAT(of("large.csv", "Layer,a\n0,2\n2,9\n1,5\n").err, HasSubstr("line 3: the layers of a trace"));
  EXPECT_EQ(of("index.csv", ",a\n12,2\n13,5\n15,9\n").status, 0) << "an index of rows that were chosen";
  EXPECT_EQ(of("names.csv", ",a\nfirst,2\nsecond,5\n").status, 0);
  EXPECT_THAT(of("sorted.csv", ",a\n0,2\n2,5\n1,9\n").err, HasSubstr("line 4: the rows were sorted anew"));
  EXPECT_THAT(of("turned.csv", "layer,a\n0,2\n2,9\n1,5\n").err, HasSubstr("line 3: the layers of a trace"));
  const std::string csv = lstar_program("trace " + kModel + " --token-ids '1 2 3' --csv").out;
  const size_t second = csv.find('\n') + 1, third = csv.find('\n', second) + 1;
  EXPECT_THAT(of("ours.csv", csv.substr(0, second) + csv.substr(third)).err, HasSubstr("expected layer 0"));
  std::string json = lstar_program("trace " + kModel + " --token-ids '1 2 3' --json").out;
  json.replace(json.find("\"layer\": 1,"), 11, "\"layer\": 2,");
  EXPECT_THAT(of("ours.json", json).err,
              HasSubstr("prompt 1: the layers of a trace are not in order: expected layer 1"));
}

TEST_F(PromptFiles, DetectShowsWhatTellsTracesApart) {
  const std::string study = lstar_program("run $PWD/" + kModel + " zoo/neox-12x12 --token-ids '1 2 3' --json").out;
  EXPECT_THAT(lstar_program("detect " + file("r.json", study)).out,
              AllOf(HasSubstr("\ngpt2-12x12: prompt 1: off_diagonal "), HasSubstr("\nneox-12x12: prompt 1: ")));
}

// Where the report goes into a file, standard error says what failed; CSV has no place for next tokens.
TEST_F(PromptFiles, WhatAFileDoesNotShowIsSaid) {
  EXPECT_THAT(lstar_program("run " + (folder_ / "none") + " --token-ids 1").err, HasSubstr("none: "));
  EXPECT_THAT(lstar_program("trace " + kModel + " --token-ids '1 2' --next-token 2 --csv").err,
              HasSubstr("CSV has no column for next tokens"));
}

// As trace does.
TEST_F(PromptFiles, DetectEndsWithOneWhereATraceIsNotFinite) {
  EXPECT_EQ(lstar_program("detect " + file("nan.json", "[1,NaN,3]")).status, 1);
  EXPECT_EQ(lstar_program("detect " + file("fine.json", "[1,2,4]")).status, 0);
  EXPECT_EQ(lstar_program("detect " + file("empty.json", "{}")).status, 3);
}

// In front of a pipe that somebody writes into, however late, detect waits; not for ever for nobody.
TEST_F(PromptFiles, ANamedPipeIsReadWhereSomebodyWrites) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(
      lstar_program("detect " + pipe + " & (sleep 0.5; timeout 5 sh -c \"echo '[1,2,4]' > " + pipe + "\"); wait $!")
          .status,
      0);
  EXPECT_THAT(lstar_program("detect " + pipe).err, HasSubstr("pipe: a pipe into which nobody writes"));
}

// ${HOME} and ${LSTAR_...} alone: whatever else a manifest names is not asked for, and appears nowhere.
TEST_F(PromptFiles, AManifestReadsNoVariableOfTheUsers) {
  const std::string manifest = file("m.toml",
                                    "prompts = [\"a\"]\n[[model]]\npath = \"org/${LSTAR_NO}${A_SECRET}\"\n"
                                    "[[model]]\npath = \"$A_SECRET\"\n");
  ::setenv("A_SECRET", "hidden-words", 1);
  const auto outcome = lstar_program("run --json --manifest " + manifest);
  ::unsetenv("A_SECRET");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.out + outcome.err, ::testing::Not(HasSubstr("hidden-words")));
  EXPECT_THAT(outcome.err, HasSubstr("${A_SECRET}"));
}

TEST_F(PromptFiles, DetectSaysWhatIsResolved) {
  const Outcome outcome = lstar_program("detect - --json", "{\"a\": [1, 2, 5, 6], \"tied\": [1, 2, 1, 2, 1]}");
  const auto document = JsonDocument::parse(outcome.out, "detect");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root()["a"]["argmax_step"].integer("layer"), 2);
  EXPECT_EQ(document->root()["a"]["argmax_step"].boolean("resolved"), true);
  EXPECT_EQ(document->root()["tied"]["argmax_step"].boolean("resolved"), false);
  EXPECT_EQ(document->root()["tied"]["argmax_step"].string("reason"), "the largest step is tied");

  // As Python writes it, and with numpy's answers: the first NaN is the largest.
  const std::string text = "{\"a\": [1.0, NaN, 5, -Infinity, 1e999]}";
  EXPECT_THAT(lstar_program("detect -", text).out, HasSubstr("NaN from layer 1 on"));
  EXPECT_THAT(lstar_program("detect - --nan propagate --json", text).out,
              AllOf(HasSubstr("\"layer\": 1,"), HasSubstr("\"broken_from\": 1")));
}

}  // namespace
}  // namespace lstar
