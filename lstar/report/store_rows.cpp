#include "lstar/report/store_rows.h"

#include <fmt/core.h>

#include <functional>
#include <numeric>

#include "lstar/report/csv.h"
#include "lstar/report/text/prompts_line.h"
#include "lstar/study/store/record.h"

namespace lstar {
namespace {

using Number = std::optional<double>;

std::string prompt_name(const PromptObservation& seen) { return hex_of(digest_of_ids(seen.ids)); }

// One layer, or one head of it, of a prompt.
struct Place {
  const StoredModel& model;
  const PromptObservation& seen;
  size_t layer = 0, head = 0;

  size_t heads() const { return static_cast<size_t>(seen.heads); }
  Number at(const std::vector<double>& values, size_t index) const {
    return index < values.size() ? Number(values[index]) : Number();
  }
  Number of_head(const std::vector<double>& values) const { return at(values, layer * heads() + head); }
  Number mean_over_heads(const std::vector<double>& values) const {
    if (values.empty()) return {};
    const auto begin = values.begin() + static_cast<ptrdiff_t>(layer * heads());
    return std::accumulate(begin, begin + static_cast<ptrdiff_t>(heads()), 0.0) / static_cast<double>(heads());
  }
  Number a_row(Number sum) const {  // of attention, of which a prompt has one a token
    return sum && !seen.ids.empty() ? Number(*sum / static_cast<double>(seen.ids.size())) : Number();
  }
};

struct Column {
  const char* name;
  Number (*value)(const Place&);
};

constexpr Column kLayerColumns[] = {
    {"attention_sum", [](const Place& p) { return p.at(p.seen.rounded_sum, p.layer); }},
    {"diagonal_sum", [](const Place& p) { return p.mean_over_heads(p.seen.diagonal); }},
    {"off_diagonal_sum", [](const Place& p) { return p.mean_over_heads(p.seen.off_diagonal); }},
    {"attention_entropy", [](const Place& p) { return p.a_row(p.mean_over_heads(p.seen.entropy)); }},
    {"residual_norm", [](const Place& p) { return p.at(p.seen.residual_norm, p.layer); }},
    {"w_v_frobenius_sq", [](const Place& p) { return p.at(p.model.measurement.weights.w_v_sq, p.layer); }},
    {"w_o_frobenius_sq", [](const Place& p) { return p.at(p.model.measurement.weights.w_o_sq, p.layer); }},
};

constexpr Column kHeadColumns[] = {
    {"diagonal_sum", [](const Place& p) { return p.of_head(p.seen.diagonal); }},
    {"off_diagonal_sum", [](const Place& p) { return p.of_head(p.seen.off_diagonal); }},
    {"attention_entropy", [](const Place& p) { return p.a_row(p.of_head(p.seen.entropy)); }},
    {"w_v_frobenius_sq",
     [](const Place& p) {
       const auto& norms = p.model.measurement.weights.w_v_head_sq;
       return p.layer < norms.dim0() ? Number(norms(p.layer, p.head * norms.dim1() / p.heads())) : Number();
     }},
    {"ov_frobenius_sq",
     [](const Place& p) {
       const auto& norms = p.model.measurement.weights.ov_sq;
       return p.layer < norms.dim0() && p.head < norms.dim1() ? Number(norms(p.layer, p.head)) : Number();
     }},
};

std::span<const Column> columns(ExportRows rows) {
  return rows == ExportRows::layers ? std::span<const Column>(kLayerColumns) : std::span<const Column>(kHeadColumns);
}

constexpr const char* kNames[] = {"model",  "content", "dtype",  "backend", "numerics",
                                  "prompt", "text",    "tokens", "layer"};

std::vector<std::string> names_of(const Place& place) {
  const StoreKey& key = place.model.key;
  return {place.model.measurement.identity.model,
          key.content,
          std::string(name(key.dtype)),
          key.backend,
          std::to_string(key.numerics),
          prompt_name(place.seen),
          place.seen.text.value_or(""),
          std::to_string(place.seen.ids.size()),
          std::to_string(place.layer)};
}

std::string csv_of(const Place& place, ExportRows rows) {
  std::vector<std::string> cells = names_of(place);
  if (rows == ExportRows::heads) cells.push_back(std::to_string(place.head));
  for (const Column& column : columns(rows)) cells.push_back(csv_number(column.value(place)));
  return csv_row(cells);
}

std::string json_of(const Place& place, ExportRows rows) {
  const StoreKey& key = place.model.key;
  JsonValue row{{"model", place.model.measurement.identity.model},
                {"content", key.content},
                {"dtype", name(key.dtype)},
                {"backend", key.backend},
                {"numerics", key.numerics},
                {"prompt", prompt_name(place.seen)},
                {"text", json_value(place.seen.text)},
                {"tokens", place.seen.ids.size()},
                {"layer", place.layer}};
  if (rows == ExportRows::heads) row["head"] = place.head;
  for (const Column& column : columns(rows)) row[column.name] = json_value(column.value(place));
  return json_line(row);
}

JsonValue provenance_json(const Provenance& from) {
  return {{"time", from.time},
          {"command", from.command},
          {"manifest", json_or_null(from.manifest)},
          {"threads", from.threads},
          {"seconds", json_value(Number(from.seconds))},
          {"version", from.version}};
}

JsonValue outcome_json(const ModelEntry& entry, const StoredOutcome& outcome) {
  JsonValue out{{"model", entry.name}, {"path", entry.path}, {"lab", entry.lab}};
  if (outcome.error) {
    out["error"] = outcome.error->message();
    return out;
  }
  out["content"] = outcome.key.content;
  out["dtype"] = name(outcome.key.dtype);
  out["backend"] = outcome.key.backend;
  out["numerics"] = outcome.key.numerics;
  out["head_layout"] = name(outcome.numerics.head_layout);
  out["revision"] = json_value(outcome.identity.revision);
  out["warnings"] = outcome.warnings;
  auto prompts = JsonValue::array();
  for (const StoredPrompt& prompt : outcome.prompts)
    prompts.push_back(prompt.error ? JsonValue{{"error", prompt.error->message()}}
                                   : JsonValue{{"prompt", hex_of(prompt.ids_digest)}});
  out["prompts"] = std::move(prompts);
  return out;
}

}  // namespace

PromptLine line_of(const PromptObservation& seen) {
  PromptLine line{.name = prompt_name(seen), .text = seen.text, .ids = seen.ids};
  const auto add = [&](bool is_there, std::string_view name) {
    if (is_there) line.seen.push_back(name);
  };
  add(!seen.diagonal.empty() && !seen.off_diagonal.empty(), "diagonal");
  add(!seen.entropy.empty(), "entropy");
  add(!seen.rounded_sum.empty(), "rounded_sum");
  add(!seen.residual_norm.empty(), "residual_norm");
  add(seen.next_tokens.has_value(), "next_tokens");
  return line;
}

std::string export_head(ExportFormat format, ExportRows rows) {
  if (format == ExportFormat::json_lines) return {};
  std::vector<std::string> cells(std::begin(kNames), std::end(kNames));
  if (rows == ExportRows::heads) cells.emplace_back("head");
  for (const Column& column : columns(rows)) cells.emplace_back(column.name);
  return csv_row(cells);
}

std::string export_rows(const StoredModel& model, const PromptObservation& seen, ExportFormat format, ExportRows rows) {
  std::string out;
  const size_t heads = rows == ExportRows::heads ? static_cast<size_t>(seen.heads) : 1;
  for (size_t layer = 0; layer < static_cast<size_t>(seen.layers); ++layer)
    for (size_t head = 0; head < heads; ++head) {
      const Place place{model, seen, layer, head};
      out += format == ExportFormat::csv ? csv_of(place, rows) : json_of(place, rows);
    }
  return out;
}

JsonValue stored_model_json(const StoredModel& model) {
  const Measurement& m = model.measurement;
  return {{"model", m.identity.model},
          {"content", model.key.content},
          {"dtype", name(model.key.dtype)},
          {"backend", model.key.backend},
          {"numerics", model.key.numerics},
          {"is_outdated", model.key.numerics != kNumericsVersion},
          {"head_layout", name(m.numerics.head_layout)},
          {"family", m.shape.family},
          {"layers", m.shape.layers},
          {"heads", m.shape.heads},
          {"kv_heads", m.shape.kv_heads},
          {"hidden_size", m.shape.hidden},
          {"checkpoint", json_value(m.identity)},
          {"warnings", m.warnings},
          {"prompts", model.prompts},
          {"bytes", model.bytes},
          {"provenance", provenance_json(model.provenance)}};
}

JsonValue stored_model_json(const StoredModel& model, std::span<const PromptLine> prompts) {
  JsonValue out = stored_model_json(model);
  auto list = JsonValue::array();
  for (const PromptLine& prompt : prompts)
    list.push_back(
        {{"prompt", prompt.name}, {"text", json_value(prompt.text)}, {"token_ids", prompt.ids}, {"seen", prompt.seen}});
  out["prompts"] = std::move(list);
  return out;
}

JsonValue stored_run_json(const StoredRun& run) {
  const Study& study = run.study;
  auto prompts = JsonValue::array();
  for (const Prompt& prompt : study.prompts)
    prompts.push_back({{"text", json_value(prompt.text)}, {"id", json_value(prompt.id)}, {"token_ids", prompt.ids}});
  auto models = JsonValue::array();
  for (size_t i = 0; i < run.outcomes.size(); ++i) models.push_back(outcome_json(study.models[i], run.outcomes[i]));
  return {{"run", run.digest},
          {"provenance", provenance_json(run.provenance)},
          {"estimators", study.estimators},
          {"detector", study.detector},
          {"formula", study.formula},
          {"in_sample", study.in_sample},
          {"dtype", name(study.dtype)},
          {"head_layout", name(study.head_layout)},
          {"seed", study.seed},
          {"note", json_or_null(study.note)},
          {"prompts", std::move(prompts)},
          {"models", std::move(models)}};
}

JsonValue store_json(std::span<const StoredModel> models, std::span<const StoredRun> runs) {
  auto of_models = JsonValue::array(), of_runs = JsonValue::array();
  for (const StoredModel& model : models) of_models.push_back(stored_model_json(model));
  for (const StoredRun& run : runs) {
    size_t failed = 0;
    for (const StoredOutcome& outcome : run.outcomes) failed += outcome.error.has_value();
    of_runs.push_back({{"run", run.digest},
                       {"models", run.outcomes.size()},
                       {"failed", failed},
                       {"prompts", run.study.prompts.size()},
                       {"provenance", provenance_json(run.provenance)}});
  }
  return {{"models", std::move(of_models)}, {"runs", std::move(of_runs)}};
}

JsonValue pruned_json(const Pruned& pruned, bool really) {
  return {{"removed", really},
          {"models", pruned.models},
          {"prompts", pruned.prompts},
          {"runs", pruned.runs},
          {"bytes", pruned.bytes}};
}

JsonValue merged_json(const Merged& merged) {
  return {{"models", merged.models}, {"prompts", merged.prompts}, {"runs", merged.runs},
          {"known", merged.known},   {"differ", merged.differ},   {"damaged", merged.damaged}};
}

}  // namespace lstar
