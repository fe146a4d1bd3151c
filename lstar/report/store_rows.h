// What is in a store, as tidy rows and as JSON: for tables and notebooks. Pure; one prompt at a time, so that a store
// of any size can be written out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/report/json/json_writer.h"
#include "lstar/study/store/store.h"

namespace lstar {

// A prompt of a model without its numbers.
struct PromptLine {
  std::string name;  // the digest of its ids, in hexadecimal digits
  std::optional<std::string> text;
  std::vector<int32_t> ids;
  std::vector<std::string_view> seen;  // "diagonal", "entropy", ...
};
PromptLine line_of(const PromptObservation&);

enum class ExportFormat { csv, json_lines };

// A row for each layer, or for each head of each layer.
enum class ExportRows { layers, heads };

// The names of the columns, for CSV; nothing for JSON Lines.
std::string export_head(ExportFormat, ExportRows);

// The rows of one prompt. Sums over a layer's heads are those of the mean over heads, as in `lstar trace --json`; a
// number that was not seen is empty, or null.
std::string export_rows(const StoredModel&, const PromptObservation&, ExportFormat, ExportRows);

JsonValue store_json(std::span<const StoredModel>, std::span<const StoredRun>);
JsonValue stored_model_json(const StoredModel&);
JsonValue stored_model_json(const StoredModel&, std::span<const PromptLine>);
JsonValue stored_run_json(const StoredRun&);
JsonValue pruned_json(const Pruned&, bool really);
JsonValue merged_json(const Merged&);

}  // namespace lstar
