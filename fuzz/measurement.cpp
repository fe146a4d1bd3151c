// The records of a store, behind an intact envelope: the first byte says which, the rest is what it holds. (A store's
// file as a whole is SQLite's to read; tests/study/store_errors_test.cpp flips its bytes.)
#include "fuzz/support.h"
#include "lstar/study/store/measurement_record.h"
#include "lstar/study/store/record.h"
#include "lstar/study/store/study_record.h"
#include "lstar/study/study.h"

namespace lstar::fuzz {
namespace {

// What was read, written and read again, is the same.
template <class Read, class Write>
void hold(RecordKind kind, std::string_view payload, Read read, Write write) {
  const auto value = read(seal_record(kind, payload), "record");
  if (!succeeded(value)) return;
  const std::string record = write(*value);
  const auto again = read(record, "record");
  require(again.has_value(), "what was written can be read");
  require(write(*again) == record, "the same value has the same bytes");
}

void hold_measurement(std::string_view payload) {
  const auto write = [](const Measurement& m) {
    require(check_fits(m, "").has_value(), "what was read fits together");
    const auto record = measurement_record(m);
    require(record.has_value(), "what fits can be written");
    return *record;
  };
  hold(RecordKind::measurement, payload, read_measurement_record, write);
  const auto m = read_measurement_record(seal_record(RecordKind::measurement, payload), "record");
  if (!m || m->weights.w_v_sq.empty() || m->weights.w_v_head_sq.empty() || m->weights.ov_sq.empty()) return;
  for (const ModelTraces& traces : traces_of(*m, NanPolicy::report))
    require(traces.prompts.size() == m->seen.tokens.size(), "every prompt that ran has a trace");
  require(same_checkpoint(*m, *m), "a measurement is of the checkpoint that it is of");
}

void run(std::string_view input) {
  require(!read_measurement_record(input, "record") || input.starts_with("lsM"), "a record begins as one");
  if (input.empty()) return;
  const std::string_view payload = input.substr(1);
  switch (static_cast<RecordKind>(input[0])) {
    case RecordKind::measurement: return hold_measurement(payload);
    case RecordKind::model: return hold(RecordKind::model, payload, read_model_record, model_record);
    case RecordKind::prompt: return hold(RecordKind::prompt, payload, read_prompt_record, prompt_record);
    case RecordKind::study: return hold(RecordKind::study, payload, read_study_record, study_record);
    case RecordKind::outcome: return hold(RecordKind::outcome, payload, read_outcome_record, outcome_record);
  }
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
