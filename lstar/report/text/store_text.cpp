#include "lstar/report/text/store_text.h"

#include <fmt/format.h>

#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr int kShortDigits = 12;  // of what is named by a hash
constexpr int kPromptWidth = 40;

std::string short_digits(const std::string& hexadecimal) { return one_line(hexadecimal).substr(0, kShortDigits); }

std::string size_text(int64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (bytes < 10'000'000) return fmt::format("{} kB", bytes / 1000);
  return fmt::format("{} MB", bytes / 1'000'000);
}

std::string line(std::string_view head, const std::string& value) {
  if (value.empty()) return {};
  return wrap(one_line(value), kColumns, fmt::format("  {:<12} ", fmt::format("{}:", head)), 15);
}

std::string provenance_text(const Provenance& from) {
  std::string text = line("time", from.time) + line("command", from.command) + line("manifest", from.manifest);
  text += line("lstar", from.version);
  return text + line("took", fmt::format("{:.1f} s, {}", from.seconds, counted(from.threads, "thread")));
}

std::string outcome_text(const StoredOutcome& outcome) {
  if (outcome.error) return "failed: " + outcome.error->message();
  size_t failed = 0;
  for (const StoredPrompt& prompt : outcome.prompts) failed += prompt.error.has_value();
  const auto ran = static_cast<int64_t>(outcome.prompts.size() - failed);
  return counted(ran, "prompt") + (failed ? fmt::format(", {} failed", failed) : "");
}

}  // namespace

std::string store_text(std::span<const StoredModel> models, std::span<const StoredRun> runs, bool colour) {
  const Paint paint{colour};
  std::string text = paint.bold(counted(static_cast<int64_t>(models.size()), "model")) + "\n";
  if (!models.empty()) {
    TextTable table;
    table.column("model", TextTable::Align::left);
    table.column("content", TextTable::Align::left);
    for (const char* head : {"L", "H"}) table.column(head);
    for (const char* head : {"dtype", "heads", "computed by"}) table.column(head, TextTable::Align::left);
    for (const char* head : {"prompts", "size"}) table.column(head);
    for (const StoredModel& model : models) {
      const Measurement& m = model.measurement;
      const bool is_outdated = model.key.numerics != kNumericsVersion;
      table.row({one_line(m.identity.model), short_digits(model.key.content), std::to_string(m.shape.layers),
                 std::to_string(m.shape.heads), std::string(name(model.key.dtype)),
                 std::string(name(m.numerics.head_layout)),
                 one_line(model.key.backend) + (is_outdated ? ", outdated" : ""), std::to_string(model.prompts),
                 size_text(model.bytes)});
    }
    text += table.str(kColumns, "  ", paint);
  }
  text += paint.bold(counted(static_cast<int64_t>(runs.size()), "run")) + "\n";
  if (!runs.empty()) {
    TextTable table;
    table.column("command", TextTable::Align::left);
    for (const char* head : {"run", "time"}) table.column(head, TextTable::Align::left);
    for (const char* head : {"models", "failed", "prompts"}) table.column(head);
    for (const StoredRun& run : runs) {
      size_t failed = 0;
      for (const StoredOutcome& outcome : run.outcomes) failed += outcome.error.has_value();
      table.row({one_line(run.provenance.command), short_digits(run.digest), one_line(run.provenance.time),
                 std::to_string(run.outcomes.size()), std::to_string(failed),
                 std::to_string(run.study.prompts.size())});
    }
    text += table.str(kColumns, "  ", paint);
  }
  return text;
}

std::string stored_model_text(const StoredModel& model, std::span<const PromptLine> prompts, bool colour) {
  const Paint paint{colour};
  const Measurement& m = model.measurement;
  std::string text = paint.bold(one_line(m.identity.model)) + "\n";
  text += line("content", model.key.content);
  text += line("family", m.shape.family);
  text += line("shape", fmt::format("{} layers, {} heads ({} for keys and values), head {}, hidden {}", m.shape.layers,
                                    m.shape.heads, m.shape.kv_heads, m.shape.head_dim, m.shape.hidden));
  text += line("dtype", fmt::format("{}; stored as {}", name(model.key.dtype), m.identity.stored_dtype));
  text += line("computed by", fmt::format("{}, numerics {}", model.key.backend, model.key.numerics));
  text += line("revision", m.identity.revision.value_or(""));
  for (const FileIdentity& file : m.identity.files)
    text += line("file", fmt::format("{}, {} bytes, sha256 {}", file.file, file.bytes, file.sha256));
  for (const std::string& warning : m.warnings) text += line("warning", warning);
  text += provenance_text(model.provenance);
  if (prompts.empty()) return text;
  TextTable table;
  table.column("text", TextTable::Align::left);
  table.column("ids", TextTable::Align::left);
  table.column("tokens");
  table.column("seen", TextTable::Align::left);
  for (const PromptLine& prompt : prompts)
    table.row({shorten(one_line(prompt.text.value_or("")), kPromptWidth), short_digits(prompt.name),
               std::to_string(prompt.ids.size()), fmt::format("{}", fmt::join(prompt.seen, ", "))});
  return text + table.str(kColumns, "  ", paint);
}

std::string stored_run_text(const StoredRun& run, bool colour) {
  const Paint paint{colour};
  std::string text = paint.bold("run " + short_digits(run.digest)) + "\n" + provenance_text(run.provenance);
  const Study& study = run.study;
  text += line("estimators", fmt::format("{}", fmt::join(study.estimators, ", ")));
  text += line("detector", study.detector);
  text += line("formula", study.formula);
  text += line("dtype", std::string(name(study.dtype)));
  text += line("prompts", counted(static_cast<int64_t>(study.prompts.size()), "prompt") +
                              (study.prompts_read.file.empty() ? "" : " from " + study.prompts_read.file));
  text += line("note", study.note);
  TextTable table;
  table.column("model", TextTable::Align::left);
  for (const char* head : {"lab", "content", "outcome"}) table.column(head, TextTable::Align::left);
  for (size_t i = 0; i < run.outcomes.size(); ++i)
    table.row({one_line(study.models[i].name), one_line(study.models[i].lab), short_digits(run.outcomes[i].key.content),
               shorten(one_line(outcome_text(run.outcomes[i])), 60)});
  return text + table.str(kColumns, "  ", paint);
}

std::string pruned_text(const Pruned& pruned, bool really) {
  return fmt::format("{} {}, {} and {}: {}{}\n", really ? "removed" : "would remove", counted(pruned.models, "model"),
                     counted(pruned.prompts, "prompt"), counted(pruned.runs, "run"), size_text(pruned.bytes),
                     really ? "" : "; --yes does it");
}

std::string merged_text(const Merged& merged) {
  std::string text = fmt::format("new {}, {} and {}; {} known", counted(merged.models, "model"),
                                 counted(merged.prompts, "prompt"), counted(merged.runs, "run"), merged.known);
  if (merged.differ) text += fmt::format("; {} with other numbers were left there", merged.differ);
  if (merged.damaged) text += fmt::format("; {} damaged were passed over", merged.damaged);
  return text + "\n";
}

}  // namespace lstar
