// Reads tokenizer.json. Decoder, truncation and padding do not change the ids that a text is given by default and are
// not read.
#include <cmath>

#include <fmt/core.h>

#include "lstar/base/json.h"
#include "lstar/tokenizer/files/json_component.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {
namespace {

Result<void> read_all(Json root, TokenizerPipeline& pipeline) {
  const auto model = root.find("model");
  if (!model) return fail(Error{.what = "missing", .at = "key model"});
  LSTAR_TRY(read_json_model(*model, pipeline));
  if (const auto normalizer = root.find("normalizer")) LSTAR_TRY(read_json_normalizer(*normalizer, pipeline));
  if (const auto pre = root.find("pre_tokenizer")) LSTAR_TRY(read_json_pre_tokenizer(*pre, pipeline));
  LSTAR_ASSIGN(std::vector<JsonAddedToken> added, read_json_added_tokens(root));
  for (JsonAddedToken& entry : added) pipeline.added.add(std::move(entry.token), pipeline.model.vocabulary());
  if (const auto post = root.find("post_processor")) LSTAR_TRY(read_json_post_processor(*post, pipeline));
  return {};
}

}  // namespace

Result<std::vector<JsonAddedToken>> read_json_added_tokens(Json root) {
  std::vector<JsonAddedToken> added;
  const auto list = root.find("added_tokens");
  if (!list) return added;
  if (!list->is_array()) return fail(Error{.what = "not a list", .at = "key added_tokens"});
  for (Json token : list->items()) {
    auto content = token.string("content");
    if (!content)
      return fail({.what = token.find("content") ? "content is no text" : "missing content",
                   .at = "key added_tokens",
                   .found = token.shown()});
    const bool special = json_flag(token, "special", false);
    const double id = token.number("id").value_or(-1);
    if (std::isnan(id)) return fail({.what = "id is not a number", .at = "key added_tokens", .found = token.shown()});
    added.push_back({.id = id,
                     .token = {.content = *std::move(content),
                               .special = special,
                               .normalized = json_flag(token, "normalized", !special),
                               .left_strip = json_flag(token, "lstrip", false),
                               .right_strip = json_flag(token, "rstrip", false),
                               .single_word = json_flag(token, "single_word", false)}});
  }
  return added;
}

Result<PipelinePointer> read_tokenizer_json(const JsonDocument& document) {
  auto pipeline = std::make_shared<TokenizerPipeline>();
  pipeline->source = document.source();
  if (auto done = read_all(document.root(), *pipeline); !done)
    return fail(std::move(done).error().in(pipeline->source));
  return pipeline;
}

Result<PipelinePointer> parse_tokenizer_json(std::string_view text, const std::string& source) {
  LSTAR_ASSIGN(const JsonDocument document, JsonDocument::parse(text, source));
  return read_tokenizer_json(document);
}

}  // namespace lstar
