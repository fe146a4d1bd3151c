#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "lstar/base/text_file.h"
#include "lstar/study/prompt_readers.h"

namespace lstar {
namespace {

constexpr std::array<std::string_view, 2> kTextKeys{"text", "prompt"}, kIdKeys{"token_ids", "input_ids"};
// What a list of prompts is called in a document that holds one.
constexpr std::array<std::string_view, 6> kListKeys{"prompts", "texts", "data", "examples", "rows", "inputs"};
constexpr std::array<std::string_view, 6> kChatKeys{"messages", "conversations", "conversation",
                                                    "turns",    "dialog",        "dialogue"};
constexpr const char* kExpected = "\"text\" or \"token_ids\"";
constexpr const char* kPrompt = "a text, a list of token ids, or an object";
constexpr const char* kChat = "chat turns; apply the chat template and pass its text";

constexpr const char* kPadding = "attention_mask leaves tokens out; give the ids without their padding";

constexpr const char* kHalfPair = "holds half of a surrogate pair, which no UTF-8 text does";

std::string shortened(Json value) { return value.shown(40); }

// An id as it stands; none for what is neither a text nor a number.
std::optional<PromptId> id_of(Json value) {
  if (const auto text = value.string()) return PromptId{std::string(*text)};
  if (const auto literal = value.literal())  // JSON can write its digits, but not NaN and Infinity
    return PromptId{std::string(*literal), literal->find_first_of("NI") == std::string_view::npos};
  if (value.is_number()) return PromptId{value.minified(), true};
  return std::nullopt;
}

std::string keys_of(Json object) {
  std::string keys;
  for (const auto& [key, value] : object.fields()) {
    if (keys.size() > 80) return keys + ", ...";
    keys += fmt::format("{}{}", keys.empty() ? "" : ", ", key);
  }
  return keys.empty() ? "an empty object" : keys;
}

template <class Keys>
std::vector<std::string_view> present(Json object, const Keys& keys) {
  std::vector<std::string_view> found;
  for (std::string_view key : keys)
    if (object.find(key)) found.push_back(key);
  return found;
}

// [{"role": .., "content": ..}], or the same by other names.
bool is_chat(Json value) {
  const Json first = value.at(0).value_or(Json());
  return (first.find("role") && first.find("content")) || (first.find("from") && first.find("value"));
}

bool is_list_of_lists(Json value) { return value.at(0).value_or(Json()).is_array(); }

// Whether a mask, of one prompt or of several, has a zero in it.
bool leaves_out(Json mask) {
  if (!mask.is_array()) return mask.is_number() && mask.number() == 0.0;
  return std::any_of(mask.items().begin(), mask.items().end(), [](Json item) { return leaves_out(item); });
}

// Token ids, and what can be meant as such: numbers that are too large for one are refused where the ids are read.
bool is_list_of_integers(Json value) {
  return value.is_array() && value.size() > 0 && std::all_of(value.items().begin(), value.items().end(), [](Json item) {
           return item.is_integer() || item.literal();
         });
}

class Record {
 public:
  Record(const std::string& source, const std::string& at) : source_(source), at_(at) {}

  Result<Prompt> read(Json value) const {
    if (value.literal()) return refuse("not a prompt", kPrompt, shortened(value));
    if (const auto text = value.string()) return Prompt{.text = std::string(*text), .ids = {}};
    if (value.is_string()) return refuse(kHalfPair);
    if (is_chat(value)) return not_run(kChat);
    if (value.is_array()) return ids(value);
    if (!value.is_object())
      return refuse("not a prompt", "a text, a list of token ids, or an object", shortened(value));
    LSTAR_ASSIGN(Prompt prompt, object(value));
    LSTAR_ASSIGN(prompt.id, id(value));
    return prompt;
  }

 private:
  tl::unexpected<Error> refuse(std::string what, std::string expected = "", std::string found = "") const {
    return fail({.what = std::move(what),
                 .file = source_,
                 .at = at_,
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

  tl::unexpected<Error> not_run(std::string what) const {
    return fail({.kind = ErrorKind::unsupported, .what = std::move(what), .file = source_, .at = at_});
  }

  Result<Prompt> object(Json value) const {
    const auto texts = present(value, kTextKeys), listed = present(value, kIdKeys);
    if (const auto chat = present(value, kChatKeys); texts.empty() && listed.empty() && !chat.empty())
      return not_run(fmt::format("{}: {}", chat[0], kChat));
    if (value.find("role") && value.find("content")) return not_run(kChat);
    if (const auto row = value.find("row"); texts.empty() && listed.empty() && row && row->is_object())
      return object(*row);  // as the hub's viewer of datasets answers
    if (texts.size() > 1) return refuse("both text and prompt", "one of them");
    if (listed.size() > 1) return refuse("both token_ids and input_ids", "one of them");
    std::optional<std::vector<int32_t>> numbers;
    if (!listed.empty()) {
      Json list = *value.find(listed[0]);
      if (const auto mask = value.find("attention_mask"); mask && leaves_out(*mask)) return not_run(kPadding);
      if (is_list_of_lists(list) && list.size() == 1) list = *list.at(0);
      const bool is_empty = list.is_array() && list.size() == 0;
      if (texts.empty() || !is_empty) {  // beside a text an empty list is none, as in our own results
        LSTAR_ASSIGN(Prompt read, ids(list));
        numbers = std::move(read.ids);
      }
    }
    if (!texts.empty() && numbers) return refuse(fmt::format("both {} and {}", texts[0], listed[0]), "one of them");
    if (numbers) return Prompt{.text = {}, .ids = *std::move(numbers)};
    if (texts.empty()) return refuse("no prompt in this object", kExpected);
    const Json text = *value.find(texts[0]);
    if (is_chat(text)) return not_run(fmt::format("{}: {}", texts[0], kChat));
    if (is_list_of_integers(text)) return ids(text);
    if (!text.is_string() || text.literal())
      return refuse(fmt::format("{} is not a text", texts[0]), "", shortened(text));
    const auto words = text.string();
    if (!words) return refuse(fmt::format("{} {}", texts[0], kHalfPair));
    return Prompt{.text = std::string(*words), .ids = {}};
  }

  Result<Prompt> ids(Json list) const {
    Prompt prompt;
    if (!list.is_array()) return refuse("not a list of token ids", "", shortened(list));
    for (Json item : list.items()) {
      const int64_t number = item.integer().value_or(-1);
      if (number < 0 || number > INT32_MAX) return refuse("not a token id", "", shortened(item));
      prompt.ids.push_back(static_cast<int32_t>(number));
    }
    if (prompt.ids.empty()) return refuse("no token ids");
    return prompt;
  }

  Result<std::optional<PromptId>> id(Json value) const {
    const auto found = value.find("id");
    if (!found) return std::optional<PromptId>();
    if (auto id = id_of(*found)) return id;
    if (found->is_string()) return refuse(fmt::format("id {}", kHalfPair));
    return refuse("id is neither a text nor a number", "", shortened(*found));
  }

  const std::string& source_;
  const std::string& at_;
};

Result<std::vector<Prompt>> items_of(Json list, const std::string& source) {
  std::vector<Prompt> prompts;
  for (Json item : list.items()) {
    LSTAR_ASSIGN(Prompt prompt, json_prompt(item, source, fmt::format("item {}", prompts.size() + 1)));
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

// The values of a column, which pandas writes as a list or as an object with a number for each row.
std::vector<Json> values_of(Json column) {
  std::vector<Json> values;
  for (Json item : column.items()) values.push_back(item);
  for (const auto& [row, value] : column.fields()) values.push_back(value);
  return values;
}

// Prompts and, unless there are none, an id for each.
Result<std::vector<Prompt>> with_ids(const std::vector<Json>& values, const std::vector<Json>& ids,
                                     const std::string& source) {
  std::vector<Prompt> prompts;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string at = fmt::format("item {}", i + 1);
    if (!values[i].is_string() && !values[i].is_array() && !values[i].is_object())
      return fail({.what = "not a prompt", .file = source, .at = at, .found = shortened(values[i])});
    LSTAR_ASSIGN(Prompt prompt, json_prompt(values[i], source, at));
    if (!ids.empty() && !ids[i].is_null()) {
      prompt.id = id_of(ids[i]);
      if (!prompt.id)
        return fail(
            {.what = "id is neither a text nor a number", .file = source, .at = at, .found = shortened(ids[i])});
    }
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

// {"text": [..], "id": [..]} or {"text": {"0": ..}, "id": {"0": ..}}: a table by columns, as pandas writes one. So are
// the "input_ids" of several texts, as a tokenizer answers them.
Result<std::vector<Prompt>> columns(Json root, std::string_view key, const std::string& source) {
  if (const auto mask = root.find("attention_mask"); mask && leaves_out(*mask))
    return fail({.kind = ErrorKind::unsupported, .what = kPadding, .file = source});
  const std::vector<Json> values = values_of(*root.find(key));
  std::vector<Json> ids;
  if (const auto column = root.find("id")) ids = values_of(*column);
  if (!ids.empty() && ids.size() != values.size())
    return fail({.what = "columns of different lengths",
                 .file = source,
                 .at = "key id",
                 .expected = fmt::format("{}, as in {}", values.size(), key),
                 .found = std::to_string(ids.size())});
  return with_ids(values, ids, source);
}

// {"columns": ["id", "text"], "data": [[7, ".."], ..]}: pandas' orient="split".
Result<std::vector<Prompt>> split_table(Json names, Json rows, const std::string& source) {
  const std::vector<Json> header = values_of(names);
  const auto place_of = [&](const auto& keys) {
    return std::find_if(header.begin(), header.end(), [&](Json name) {
      const auto text = name.string();
      return text && std::find(keys.begin(), keys.end(), *text) != keys.end();
    });
  };
  auto prompt = place_of(kTextKeys);
  if (prompt == header.end()) prompt = place_of(kIdKeys);
  const auto id = place_of(std::array<std::string_view, 1>{"id"});
  if (prompt == header.end())
    return fail({.what = "no prompts in this table", .file = source, .expected = kExpected, .found = shortened(names)});
  std::vector<Json> values, ids;
  for (const Json row : values_of(rows)) {
    const std::vector<Json> cells = values_of(row);
    if (cells.size() != header.size())
      return fail({.what = "cells",
                   .file = source,
                   .at = fmt::format("item {}", values.size() + 1),
                   .expected = fmt::format("{}, as in columns", header.size()),
                   .found = std::to_string(cells.size())});
    values.push_back(cells[static_cast<size_t>(prompt - header.begin())]);
    if (id != header.end()) ids.push_back(cells[static_cast<size_t>(id - header.begin())]);
  }
  return with_ids(values, ids, source);
}

// {"0": {"text": ..}, "1": ..}: pandas' orient="index".
bool is_table_by_rows(Json root) {
  const std::vector<Json> rows = values_of(root);
  return !rows.empty() && std::all_of(rows.begin(), rows.end(), [](Json row) {
    return !present(row, kTextKeys).empty() || !present(row, kIdKeys).empty();
  });
}

}  // namespace

Result<Prompt> json_prompt(Json value, const std::string& source, const std::string& at) {
  return Record(source, at).read(value);
}

Result<std::vector<Prompt>> json_prompts(Json root, const std::string& source) {
  const auto one = [&]() -> Result<std::vector<Prompt>> {
    LSTAR_ASSIGN(Prompt prompt, json_prompt(root, source, ""));
    return std::vector<Prompt>{std::move(prompt)};
  };
  if (root.is_array()) return is_chat(root) || is_list_of_integers(root) ? one() : items_of(root, source);
  if (!root.is_object()) return one();
  for (std::string_view key : kTextKeys) {
    const auto column = root.find(key);
    if (column && (column->is_object() || (column->is_array() && !is_chat(*column) && !is_list_of_integers(*column))))
      return columns(root, key, source);
  }
  for (std::string_view key : kIdKeys) {
    const auto column = root.find(key);
    if (column && is_list_of_lists(*column)) return columns(root, key, source);
  }
  if (!present(root, kTextKeys).empty() || !present(root, kIdKeys).empty() || !present(root, kChatKeys).empty())
    return one();
  if (const auto names = root.find("columns"), rows = root.find("data"); names && rows)
    return split_table(*names, *rows, source);
  if (is_table_by_rows(root)) return with_ids(values_of(root), {}, source);
  for (std::string_view key : kListKeys) {
    const auto list = root.find(key);
    if (!list || !list->is_array()) continue;
    if (is_chat(*list))
      return fail({.kind = ErrorKind::unsupported, .what = kChat, .file = source, .at = fmt::format("key {}", key)});
    return items_of(*list, source);
  }
  return fail({.what = "no prompts in this object",
               .file = source,
               .expected = fmt::format("{}, or a list of prompts under \"prompts\"", kExpected),
               .found = keys_of(root)});
}

Result<PromptFile> read_json_prompts(std::string_view content, const std::string& source) {
  auto whole = JsonDocument::parse(content, source);
  if (whole) {
    LSTAR_ASSIGN(std::vector<Prompt> prompts, json_prompts(whole->root(), source));
    return PromptFile{std::move(prompts), "JSON"};
  }
  PromptFile file{.prompts = {}, .format = "JSON Lines"};
  int number = 0;
  for (std::string_view rest = content; !rest.empty();) {
    const std::string_view line = next_line(rest);
    ++number;
    if (is_blank(line)) continue;
    const auto document = JsonDocument::parse(line, source);
    if (!document && file.prompts.empty()) {  // no JSON Lines either
      Error error = std::move(whole).error();
      error.expected = "a JSON document, or a JSON value on each line";
      return fail(std::move(error));
    }
    const std::string at = fmt::format("line {}", number);
    if (!document) {
      Error error = document.error();
      error.at = at;
      return fail(std::move(error));
    }
    LSTAR_ASSIGN(Prompt prompt, json_prompt(document->root(), source, at));
    file.prompts.push_back(std::move(prompt));
  }
  return file;
}

}  // namespace lstar
