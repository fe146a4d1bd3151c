#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/core.h>

#include "lstar/base/delimited.h"
#include "lstar/base/text.h"
#include "lstar/base/text_file.h"
#include "lstar/study/prompt_readers.h"

namespace lstar {
namespace {

std::string plain(std::string_view cell) {
  while (!cell.empty() && std::isspace(static_cast<unsigned char>(cell.front()))) cell.remove_prefix(1);
  while (!cell.empty() && std::isspace(static_cast<unsigned char>(cell.back()))) cell.remove_suffix(1);
  return lower_ascii(cell);
}

bool is_ids_column(std::string_view name) { return name == "token_ids" || name == "input_ids"; }
bool is_prompt_column(std::string_view name) { return name == "text" || name == "prompt" || is_ids_column(name); }

struct Columns {
  std::optional<size_t> prompt, id;
  std::string fault;
};

Columns columns_of(const std::vector<std::string>& header) {
  Columns columns;
  std::string found;
  for (size_t i = 0; i < header.size(); ++i) {
    const std::string name = plain(header[i]);
    if (found.size() < 80) found += (found.empty() ? "" : ", ") + (name.empty() ? "(no name)" : name);
    if (is_prompt_column(name)) {
      if (columns.prompt)
        columns.fault = fmt::format("columns {} and {}, of which one is wanted", plain(header[*columns.prompt]), name);
      columns.prompt = i;
    }
    if (name == "id" && !columns.id) columns.id = i;
    if (name == "messages" || name == "conversations")
      columns.fault = fmt::format("column {}: chat turns; apply the chat template and pass its text", name);
  }
  if (columns.prompt && columns.fault.starts_with("column ")) columns.fault.clear();  // that is what is asked for
  if (!columns.prompt && columns.fault.empty())
    columns.fault = fmt::format("no column text, prompt or token_ids; found {}", found);
  return columns;
}

// The first line's cells, or none where it is no well-formed row.
std::vector<std::string> header_of(std::string_view content, char delimiter) {
  std::string_view rest = content;
  std::string_view line;
  while (!rest.empty() && is_blank(line)) line = next_line(rest);
  auto rows = read_delimited(line, delimiter, "");
  return rows && !rows->empty() ? std::move(rows->front().cells) : std::vector<std::string>();
}

// The delimiter whose header has a prompt's column; spreadsheets of many countries write semicolons.
std::optional<char> delimiter_of(std::string_view content, std::string_view candidates) {
  for (const char delimiter : candidates) {
    const auto header = header_of(content, delimiter);
    if (std::any_of(header.begin(), header.end(), [](const std::string& c) { return is_prompt_column(plain(c)); }))
      return delimiter;
  }
  return std::nullopt;
}

Result<PromptFile> read_cells(std::string_view content, char delimiter, const std::string& source, int first_line = 1) {
  LSTAR_ASSIGN(const std::vector<DelimitedRow> rows, read_delimited(content, delimiter, source, first_line));
  if (rows.empty()) return fail({.what = "no prompts", .file = source});
  const std::vector<std::string>& header = rows[0].cells;
  const Columns columns = columns_of(header);
  if (!columns.fault.empty())
    return fail({.kind = columns.fault.starts_with("column ") ? ErrorKind::unsupported : ErrorKind::malformed,
                 .what = columns.fault,
                 .file = source,
                 .at = fmt::format("line {}", rows[0].line)});
  PromptFile file{
      .prompts = {},
      .format = fmt::format("{}, column {}", delimiter == '\t' ? "TSV" : "CSV", plain(header[*columns.prompt]))};
  const bool is_ids = is_ids_column(plain(header[*columns.prompt]));
  for (size_t r = 1; r < rows.size(); ++r) {
    const std::vector<std::string>& cells = rows[r].cells;
    if (std::all_of(cells.begin(), cells.end(), [](const std::string& cell) { return is_blank(cell); })) continue;
    const bool more = std::any_of(cells.begin() + static_cast<std::ptrdiff_t>(std::min(header.size(), cells.size())),
                                  cells.end(), [](const std::string& cell) { return !cell.empty(); });
    if (more || cells.size() < header.size())  // a comma that is not quoted cuts a text in two
      return fail({.what = "cells",
                   .file = source,
                   .at = fmt::format("line {}", rows[r].line),
                   .expected = fmt::format("{}, as in the header", header.size()),
                   .found = fmt::format("{}{}", cells.size(),
                                        more ? "; a text with the delimiter in it stands in quotes" : "")});
    Prompt prompt;
    if (!is_ids) {
      prompt.text = cells[*columns.prompt];
    } else {
      LSTAR_ASSIGN(prompt.ids, parse_token_ids(cells[*columns.prompt], source, fmt::format("line {}", rows[r].line)));
    }
    if (columns.id && !cells[*columns.id].empty()) prompt.id = PromptId{cells[*columns.id]};
    file.prompts.push_back(std::move(prompt));
  }
  return file;
}

}  // namespace

Result<PromptFile> read_csv_prompts(std::string_view content, const std::string& source) {
  for (const char delimiter : {',', ';', '\t'})  // a spreadsheet's own first line
    if (content.starts_with(fmt::format("sep={}", delimiter)) ||
        content.starts_with(fmt::format("\"sep={}\"", delimiter))) {
      next_line(content);
      return read_cells(content, delimiter, source, 2);
    }
  return read_cells(content, delimiter_of(content, ",;\t").value_or(','), source);
}

Result<PromptFile> read_tsv_prompts(std::string_view content, const std::string& source) {
  return read_cells(content, '\t', source);
}

bool looks_like_table(std::string_view content) {
  const auto delimiter = delimiter_of(content, ",\t;");
  if (!delimiter) return false;
  const auto header = header_of(content, *delimiter);
  return header.size() > 1 && std::all_of(header.begin(), header.end(), [](const std::string& cell) {
           return cell.size() <= 40 && std::all_of(cell.begin(), cell.end(), [](unsigned char c) {
                    return std::isalnum(c) || c == '_' || c == '-';
                  });
         });
}

Result<PromptFile> read_table_prompts(std::string_view content, const std::string& source) {
  return read_cells(content, delimiter_of(content, ",\t;").value_or(','), source);
}

}  // namespace lstar
