// The readers behind prompt_formats(). Each takes UTF-8 text without a byte order mark.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lstar/base/json.h"
#include "lstar/study/prompts.h"

namespace lstar {

// A whole JSON document, or a JSON value on each line.
Result<PromptFile> read_json_prompts(std::string_view content, const std::string& source);

// One prompt of a JSON value: a text, a list of token ids, or an object with one of them; `at` says where it lies.
Result<Prompt> json_prompt(Json value, const std::string& source, const std::string& at);

// A document that holds prompts: a list of them, an object with such a list, or one prompt.
Result<std::vector<Prompt>> json_prompts(Json root, const std::string& source);

// Cells under a header.
Result<PromptFile> read_csv_prompts(std::string_view content, const std::string& source);
Result<PromptFile> read_tsv_prompts(std::string_view content, const std::string& source);

// Whether the first line is a header of at least two plain names, one of them a prompt's.
bool looks_like_table(std::string_view content);
// Such a table of whatever delimiter.
Result<PromptFile> read_table_prompts(std::string_view content, const std::string& source);

// A prompt a line; what is plainly JSON or a table is read as that.
Result<PromptFile> read_text_prompts(std::string_view content, const std::string& source);

}  // namespace lstar
