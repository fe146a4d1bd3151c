#include "lstar/study/store/study_record.h"

#include "lstar/study/store/measurement_record.h"
#include "lstar/study/store/record.h"

namespace lstar {
namespace {

constexpr size_t kDigest = 32;

void write(ByteWriter& out, const ModelEntry& entry) {
  out.text(entry.name);
  out.text(entry.written_path.empty() ? entry.path : entry.written_path);
  out.text(entry.lab);
  for (const auto& size : {entry.layers, entry.heads})
    out.optional(size, [&](int value) { out.number(static_cast<int32_t>(value)); });
  out.text(entry.expected);
  out.text(entry.note);
  out.flag(!entry.written_path.empty());
  out.flag(entry.from_manifest);
}

ModelEntry read_entry(ByteReader& in) {
  ModelEntry entry;
  entry.name = in.text();
  entry.path = in.text();
  entry.lab = in.text();
  for (auto* size : {&entry.layers, &entry.heads}) *size = in.optional([&] { return int{in.number<int32_t>()}; });
  entry.expected = in.text();
  entry.note = in.text();
  if (in.flag()) entry.written_path = entry.path;
  entry.from_manifest = in.flag();
  return entry;
}

void write(ByteWriter& out, const StoreKey& key) {
  out.text(key.content);
  out.text(name(key.dtype));
  out.number(static_cast<int32_t>(key.numerics));
  out.text(key.backend);
}

StoreKey read_key(ByteReader& in) {
  StoreKey key;
  key.content = in.text();
  key.dtype = read_dtype(in);
  key.numerics = in.number<int32_t>();
  key.backend = in.text();
  return key;
}

void write(ByteWriter& out, const ControlWishes& wishes) {
  out.optional(wishes.shadow, [&](Dtype dtype) { out.text(name(dtype)); });
  out.number(static_cast<int32_t>(wishes.untrained));
  std::vector<int32_t> lengths(wishes.lengths.begin(), wishes.lengths.end());
  out.numbers(std::span<const int32_t>(lengths));
}

ControlWishes read_wishes(ByteReader& in) {
  ControlWishes wishes;
  wishes.shadow = in.optional([&] { return read_dtype(in); });
  wishes.untrained = in.number<int32_t>();
  const std::vector<int32_t> lengths = in.numbers<int32_t>();
  wishes.lengths.assign(lengths.begin(), lengths.end());
  return wishes;
}

}  // namespace

std::string digest_of_ids(std::span<const int32_t> ids) {
  ByteWriter bytes;
  for (const int32_t id : ids) bytes.number(id);
  return sha256_bytes(bytes.take());
}

std::string study_record(const Study& study) {
  ByteWriter out;
  out.number(static_cast<uint32_t>(study.models.size()));
  for (const ModelEntry& entry : study.models) write(out, entry);
  out.number(static_cast<uint32_t>(study.prompts.size()));
  for (const Prompt& prompt : study.prompts) {
    out.optional(prompt.text, [&](const std::string& text) { out.text(text); });
    out.numbers(std::span(prompt.ids));
    write(out, prompt.id);
  }
  write(out, study.prompts_read);
  out.text(study.formula);
  out.texts(study.estimators);
  out.text(study.detector);
  out.texts(study.in_sample);
  out.text(name(study.dtype));
  out.text(name(study.head_layout));
  out.number(study.seed);
  out.text(study.note);
  // Of a study without these nothing is written, as before there were any: it stays the same study.
  if (study.controls.any() || study.spectral) write(out, study.controls);
  if (study.controls.mca > 0 || study.spectral) out.number(static_cast<int32_t>(study.controls.mca));
  if (study.spectral) out.flag(true);
  return seal_record(RecordKind::study, out.take());
}

Result<Study> read_study_record(std::string_view bytes, const std::string& source) {
  LSTAR_ASSIGN(const OpenedRecord record, open_record(RecordKind::study, bytes, source));
  ByteReader in(record.payload, source);
  Study study;
  constexpr size_t kSmallestEntry = 24, kSmallestPrompt = 6;  // their counts and flags
  study.models.resize(in.count(kSmallestEntry));
  for (ModelEntry& entry : study.models) entry = read_entry(in);
  study.prompts.resize(in.count(kSmallestPrompt));
  for (Prompt& prompt : study.prompts) {
    prompt.text = in.optional([&] { return in.text(); });
    prompt.ids = in.numbers<int32_t>();
    prompt.id = read_prompt_id(in);
  }
  study.prompts_read = read_prompts_read(in);
  study.formula = in.text();
  study.estimators = in.texts();
  study.detector = in.text();
  study.in_sample = in.texts();
  study.dtype = read_dtype(in);
  study.head_layout = read_head_layout(in);
  study.seed = in.number<uint64_t>();
  study.note = in.text();
  if (in.has_more()) study.controls = read_wishes(in);
  if (in.has_more()) study.controls.mca = in.number<int32_t>();
  if (in.has_more()) study.spectral = in.flag();
  LSTAR_TRY(in.end());
  return study;
}

std::string outcome_record(const StoredOutcome& outcome) {
  ByteWriter out;
  out.optional(outcome.error, [&](const Error& error) { write(out, error); });
  if (outcome.error) return seal_record(RecordKind::outcome, out.take());
  write(out, outcome.key);
  write(out, outcome.identity);
  out.text(name(outcome.numerics.dtype));
  out.text(name(outcome.numerics.head_layout));
  out.texts(outcome.warnings);
  out.optional(outcome.prompts_read, [&](const PromptsRead& read) { write(out, read); });
  out.number(static_cast<uint32_t>(outcome.prompts.size()));
  for (const StoredPrompt& prompt : outcome.prompts) {
    out.text(prompt.ids_digest);
    if (!prompt.ids_digest.empty()) continue;
    out.numbers(std::span(prompt.ids));
    write(out, prompt.error.value_or(Error{}));
  }
  for (const StoredControl& one : outcome.controls) {
    out.number(static_cast<uint8_t>(one.control.kind));
    out.number(static_cast<int32_t>(one.control.number));
    out.flag(one.control.has_begin);
    out.text(outcome_record(one.outcome));
  }
  return seal_record(RecordKind::outcome, out.take());
}

Result<StoredOutcome> read_outcome_record(std::string_view bytes, const std::string& source) {
  LSTAR_ASSIGN(const OpenedRecord record, open_record(RecordKind::outcome, bytes, source));
  ByteReader in(record.payload, source);
  StoredOutcome outcome;
  outcome.error = in.optional([&] { return read_error(in); });
  if (outcome.error) {
    LSTAR_TRY(in.end());
    return outcome;
  }
  outcome.key = read_key(in);
  outcome.identity = read_identity(in);
  outcome.numerics.dtype = read_dtype(in);
  outcome.numerics.head_layout = read_head_layout(in);
  outcome.warnings = in.texts();
  outcome.prompts_read = in.optional([&] { return read_prompts_read(in); });
  outcome.prompts.resize(in.count(sizeof(uint32_t)));
  for (StoredPrompt& prompt : outcome.prompts) {
    prompt.ids_digest = in.text();
    if (prompt.ids_digest.size() == kDigest) continue;
    if (!prompt.ids_digest.empty()) in.refuse("a prompt's digest of another length");
    prompt.ids = in.numbers<int32_t>();
    prompt.error = read_error(in);
  }
  while (in.has_more()) {
    StoredControl one;
    one.control.kind = in.choice(ControlKind::mca);
    one.control.number = in.number<int32_t>();
    one.control.has_begin = in.flag();
    const std::string within = in.text();
    if (in.failed()) break;
    LSTAR_ASSIGN(one.outcome, read_outcome_record(within, source));
    if (!one.outcome.controls.empty()) in.refuse("controls of a control");
    outcome.controls.push_back(std::move(one));
  }
  LSTAR_TRY(in.end());
  return outcome;
}

}  // namespace lstar
