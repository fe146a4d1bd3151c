// Measurements as bytes: back to the last bit, and nothing but an error from bytes that are not what was written.
#include "lstar/study/store/measurement_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/study/store/record.h"
#include "lstar/study/store/study_record.h"
#include "tests/study/store_support.h"

namespace lstar {
namespace {

using testing::expect_same;
using ::testing::HasSubstr;
using testing::made_up_of_everything;

Measurement written_and_read(const Measurement& m) {
  const auto record = measurement_record(m);
  EXPECT_TRUE(record) << record.error().message();
  auto back = read_measurement_record(*record, "record");
  EXPECT_TRUE(back) << back.error().message();
  return back ? *std::move(back) : Measurement{};
}

TEST(MeasurementRecord, RealOnesComeBackToTheBit) {
  for (const char* name : {"gpt2", "llama", "gpt_oss", "bert", "gpt_neox", "olmo2"}) {
    SCOPED_TRACE(name);
    const Measurement m = testing::measured(name, testing::id_prompts({{1, 2, 3, 4, 5}, {}, {7}, {9, 8, 7}}));
    ASSERT_EQ(m.seen.tokens.size(), 3u);
    expect_same(written_and_read(m), m);
  }
}

TEST(MeasurementRecord, EveryNumberAndTextComesBack) {
  const Measurement m = made_up_of_everything();
  expect_same(written_and_read(m), m);
}

TEST(MeasurementRecord, WhatWasNotAskedForStaysAway) {
  Measurement m = made_up_of_everything();
  m.seen.diagonal = m.seen.off_diagonal = m.seen.entropy = {};
  m.seen.rounded_sum = m.seen.residual_norm = m.seen.output_scale_sq = {};
  m.seen.overlap = {};
  m.seen.next_tokens.clear();
  m.next_pieces.clear();
  m.weights = {.has_output_norm = true};
  expect_same(written_and_read(m), m);
  m.prompts.resize(0);
  m.seen.tokens.clear();
  m.prompts_read.reset();
  expect_same(written_and_read(m), m);
}

// The format is fixed: what is written today is read on any machine and by any later version.
TEST(MeasurementRecord, TheBytesAreTheFormats) {
  PromptObservation seen{.ids = {258}, .text = "a", .layers = 1, .heads = 1, .rounded_sum = {1.0}};
  const std::string record = prompt_record(seen);
  EXPECT_EQ(hex_of(record.substr(0, record.size() - 8)),
            "6c735002"                  // "ls", 'P', 2
            "0100000002010000"          // one id: 258
            "010100000061"              // a text of one byte: "a"
            "0100000001000000"          // layers, heads
            "000000000000000000000000"  // diagonal, off_diagonal, entropy
            "01000000000000000000f03f"  // rounded_sum: 1.0
            "00000000"                  // residual_norm
            "0000"                      // no next tokens, no pieces
            "0000000000000000");        // output_scale_sq, overlap
  EXPECT_EQ(record.substr(record.size() - 8), sha256_bytes(record.substr(0, record.size() - 8)).substr(0, 8));
}

TEST(MeasurementRecord, WhatContradictsItselfIsNotWritten) {
  const auto refusal = [](auto change) {
    Measurement m = made_up_of_everything();
    change(m);
    const auto record = measurement_record(m);
    return record ? std::string("written") : record.error().what;
  };
  EXPECT_EQ(refusal([](Measurement&) {}), "written");
  EXPECT_THAT(refusal([](Measurement& m) { m.shape.layers = 3; }), HasSubstr("weight norms"));
  EXPECT_THAT(refusal([](Measurement& m) { m.shape.kv_heads = 4; }), HasSubstr("no model's"));
  EXPECT_THAT(refusal([](Measurement& m) { m.weights.ov_sq = Array2<double>(2, 2); }), HasSubstr("one a head"));
  EXPECT_THAT(refusal([](Measurement& m) { m.weights.ov_products = Array2<double>(2, 3); }), HasSubstr("one a head"));
  EXPECT_THAT(refusal([](Measurement& m) { m.seen.overlap = Array3<double>(2, 2, 3); }), HasSubstr("observations"));
  EXPECT_THAT(refusal([](Measurement& m) { m.seen.entropy = Array3<double>(1, 2, 3); }), HasSubstr("observations"));
  EXPECT_THAT(refusal([](Measurement& m) { m.prompts[2].row = 0; }), HasSubstr("row of its own"));
  EXPECT_THAT(refusal([](Measurement& m) { m.prompts[0].row = 9; }), HasSubstr("row of its own"));
  EXPECT_THAT(refusal([](Measurement& m) { m.prompts[0].row.reset(); }), HasSubstr("neither ran nor failed"));
  EXPECT_THAT(refusal([](Measurement& m) { m.prompts[0].ids.pop_back(); }), HasSubstr("other tokens"));
  EXPECT_THAT(refusal([](Measurement& m) { m.prompts.pop_back(); }), HasSubstr("no prompt's"));
  EXPECT_THAT(refusal([](Measurement& m) { m.next_pieces[0].pop_back(); }), HasSubstr("texts"));
}

TEST(MeasurementRecord, AFlippedBitIsFoundOut) {
  const std::string record = *measurement_record(made_up_of_everything());
  for (size_t at = 0; at < record.size(); ++at) {
    std::string changed = record;
    changed[at] = static_cast<char>(changed[at] ^ 1 << at % 8);
    const auto read = read_measurement_record(changed, "record");
    ASSERT_FALSE(read) << "byte " << at;
    EXPECT_THAT(read.error().message(), HasSubstr("record: a damaged record")) << at;
  }
  for (size_t size = 0; size < record.size(); ++size)
    ASSERT_FALSE(read_measurement_record(record.substr(0, size), "record")) << size;
}

// Whoever makes the bytes makes the checksum, too.
TEST(MeasurementRecord, NothingFollowsFromBytesButValuesThatFit) {
  const std::string record = *measurement_record(made_up_of_everything());
  const std::string payload(open_record(RecordKind::measurement, record, "record")->payload);
  int read = 0;
  for (size_t at = 0; at < payload.size(); ++at)
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      std::string changed = payload;
      changed[at] = static_cast<char>(value);
      const auto m = read_measurement_record(seal_record(RecordKind::measurement, changed), "record");
      if (!m) continue;
      ASSERT_TRUE(check_fits(*m, "")) << at;
      ++read;
    }
  EXPECT_GT(read, 100) << "texts and numbers may be anything";
}

TEST(MeasurementRecord, ACountBuysNoMemory) {
  ByteWriter out;
  out.number(uint32_t{0xffffffff});
  const std::string bytes = out.take();
  ByteReader texts(bytes, "record"), numbers(bytes, "record");
  EXPECT_TRUE(texts.texts().empty());
  EXPECT_TRUE(numbers.numbers<double>().empty());
  EXPECT_EQ(texts.end().error().message(), "record: a damaged record: a count beyond its bytes");
}

// Version 1 ended in front of output scales and overlaps: two counts less where there are none.
TEST(MeasurementRecord, VersionOneIsRead) {
  const PromptObservation seen{.ids = {1, 2}, .layers = 1, .heads = 1, .rounded_sum = {2}, .residual_norm = {3, 4}};
  const std::string record = prompt_record(seen);
  const std::string_view payload = open_record(RecordKind::prompt, record, "record")->payload;
  const std::string old = seal_record(RecordKind::prompt, payload.substr(0, payload.size() - 8), 1);
  const auto back = read_prompt_record(old, "record");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(prompt_record(*back), record);
  EXPECT_FALSE(read_prompt_record(seal_record(RecordKind::prompt, payload, 1), "record")) << "bytes behind its end";

  // The model's ended with its norms of weights, without products.
  Measurement m = made_up_of_everything();
  m.weights.ov_products = {};
  const std::string of_model = model_record(m);
  const std::string_view whole = open_record(RecordKind::model, of_model, "record")->payload;
  const auto model = read_model_record(seal_record(RecordKind::model, whole.substr(0, whole.size() - 4), 1), "record");
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ(model_record(*model), of_model);
}

TEST(MeasurementRecord, ALaterVersionIsRefusedWithWhatToDo) {
  const std::string record = seal_record(RecordKind::measurement, "whatever", kRecordVersion + 1);
  const auto read = read_measurement_record(record, "record");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::unsupported);
  EXPECT_EQ(read.error().message(),
            "record: a record of a newer lstar (version 3, this one reads up to 2): use that, or measure again into "
            "another store");
  EXPECT_FALSE(read_prompt_record(*measurement_record(made_up_of_everything()), "record")) << "of another kind";
}

TEST(StudyRecord, ComesBackWhole) {
  Study study = testing::made_up_study();
  study.prompts[1] = {.text = {}, .ids = {5, 6}, .id = PromptId{"7", true}};
  study.prompts_read = {.file = "p.jsonl", .format = "JSON Lines", .count = 5};
  study.models[0].layers.reset();
  study.models[1].written_path = "${HOME}/models/x";
  study.models[1].path = "/home/somebody/models/x";
  study.models[2].from_manifest = true;
  study.models[2].note = "a note";
  study.in_sample = {"a", "b"};
  study.seed = std::numeric_limits<uint64_t>::max();
  study.head_layout = HeadLayout::thirds;
  study.note = "said of all";
  const std::string record = study_record(study);
  EXPECT_EQ(record.find("somebody"), record.npos);
  const auto back = read_study_record(record, "record");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(study_record(*back), record);
  ASSERT_EQ(back->models.size(), study.models.size());
  EXPECT_EQ(back->models[1].path, "${HOME}/models/x");
  EXPECT_EQ(back->models[1].written_path, "${HOME}/models/x");
  EXPECT_EQ(back->models[0].layers, std::nullopt);
  EXPECT_EQ(back->models[0].heads, study.models[0].heads);
  EXPECT_EQ(back->models[2].note, "a note");
  EXPECT_TRUE(back->models[2].from_manifest);
  EXPECT_EQ(back->models[3].lab, study.models[3].lab);
  EXPECT_EQ(back->models[3].expected, "EXPAND");
  EXPECT_EQ(back->prompts[1].ids, study.prompts[1].ids);
  EXPECT_EQ(back->prompts[1].id, study.prompts[1].id);
  EXPECT_EQ(back->prompts[0].text, study.prompts[0].text);
  EXPECT_EQ(back->prompts_read.format, "JSON Lines");
  EXPECT_EQ(back->prompts_read.count, 5u);
  EXPECT_EQ(back->estimators, study.estimators);
  EXPECT_EQ(back->in_sample, study.in_sample);
  EXPECT_EQ(back->detector, study.detector);
  EXPECT_EQ(back->formula, study.formula);
  EXPECT_EQ(back->dtype, study.dtype);
  EXPECT_EQ(back->head_layout, study.head_layout);
  EXPECT_EQ(back->seed, study.seed);
  EXPECT_EQ(back->note, study.note);
}

TEST(StudyRecord, NothingFollowsFromBytes) {
  StoredOutcome outcome{.key = {.content = "c", .backend = "b"}, .identity = {.model = "m"}, .warnings = {"w"}};
  outcome.prompts = {{.ids_digest = digest_of_ids(std::vector<int32_t>{1})}, {.ids = {2}, .error = Error{.what = "x"}}};
  for (const auto& [kind, record] : {std::pair(RecordKind::study, study_record(testing::made_up_study())),
                                     std::pair(RecordKind::outcome, outcome_record(outcome))}) {
    const std::string payload(open_record(kind, record, "record")->payload);
    for (size_t at = 0; at < payload.size(); ++at)
      for (const int value : {0x00, 0x01, 0x7f, 0xff}) {
        std::string changed = payload;
        changed[at] = static_cast<char>(value);
        const std::string sealed = seal_record(kind, changed);
        if (const auto read = read_outcome_record(sealed, "record"); read && !read->error) {
          for (const StoredPrompt& prompt : read->prompts)
            ASSERT_EQ(prompt.error.has_value(), prompt.ids_digest.empty());
        }
        (void)read_study_record(sealed, "record");
      }
  }
}

}  // namespace
}  // namespace lstar
