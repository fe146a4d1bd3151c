// Post-processors of a tokenizer.json: the special tokens around a text.
#include <fmt/core.h>

#include "lstar/base/limits.h"
#include "lstar/tokenizer/files/json_component.h"

namespace lstar {
namespace {

Result<int32_t> used_id(int64_t id, const TokenizerPipeline& pipeline) {
  if (id < 0 || id >= pipeline.size())
    return fail({.what = "special token out of range",
                 .at = "post_processor",
                 .expected = fmt::format("an id below {}", pipeline.size()),
                 .found = fmt::format("{}", id)});
  return static_cast<int32_t>(id);
}

// Sets the tokens around a text. A second processor that does so would see the pieces of the first as several texts.
Result<void> surround(std::vector<int32_t> before, std::vector<int32_t> after, TokenizerPipeline& pipeline) {
  if (!pipeline.prefix.empty() || !pipeline.suffix.empty())
    return fail(Error{.kind = ErrorKind::unsupported,
                      .what = "more than one processor that adds tokens is not supported",
                      .at = "post_processor"});
  pipeline.prefix = std::move(before);
  pipeline.suffix = std::move(after);
  return {};
}

// A template's list for a single text: special tokens, the text ("Sequence" A) exactly once, special tokens.
Result<void> read_template(Json processor, TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const Json single, json_members(processor, "post_processor TemplateProcessing", "single"));
  const auto specials = processor.find("special_tokens");
  std::vector<int32_t> before, after;
  int texts = 0;
  // Each entry may name a long list, and is looked up among all special tokens.
  const auto too_many = [] {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "too many special tokens around a text",
                 .at = "post_processor TemplateProcessing",
                 .expected = fmt::format("at most {}", limits::kTokensAround)});
  };
  if (single.size() > limits::kTokensAround) return too_many();
  for (Json item : single.items()) {
    if (const auto sequence = item.find("Sequence")) {
      if (sequence->string("id") != "A")
        return unsupported_component("post_processor TemplateProcessing", "Sequence A in single", item.shown());
      ++texts;
      continue;
    }
    const auto token = item.find("SpecialToken");
    const std::string name = token ? token->string("id").value_or("") : "";
    const auto entry = specials ? specials->find(name) : std::nullopt;
    if (!token || !entry)
      return fail({.what = "unknown special token", .at = "post_processor TemplateProcessing", .found = item.shown()});
    LSTAR_ASSIGN(const Json ids, json_members(*entry, "post_processor TemplateProcessing", "ids"));
    for (Json value : ids.items()) {
      LSTAR_ASSIGN(const int32_t used, used_id(value.integer().value_or(-1), pipeline));
      if (before.size() + after.size() == limits::kTokensAround) return too_many();
      (texts ? after : before).push_back(used);
    }
  }
  if (texts != 1)
    return unsupported_component("post_processor TemplateProcessing", "Sequence A once in single",
                                 fmt::format("{} times", texts));
  return surround(std::move(before), std::move(after), pipeline);
}

// ["<s>", 0], as RobertaProcessing and BertProcessing write their two tokens.
Result<int32_t> read_token_pair(Json processor, std::string_view key, const TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const Json pair, json_members(processor, "post_processor", key));
  return used_id(pair.size() == 2 ? pair.at(1)->integer().value_or(-1) : -1, pipeline);
}

Result<void> read_processor(Json processor, TokenizerPipeline& pipeline) {
  const std::string type = json_component_type(processor);
  if (type == "ByteLevel") return {};  // trims offsets, which we do not report
  if (type == "TemplateProcessing") return read_template(processor, pipeline);
  if (type == "RobertaProcessing" || type == "BertProcessing") {
    LSTAR_ASSIGN(const int32_t first, read_token_pair(processor, "cls", pipeline));
    LSTAR_ASSIGN(const int32_t last, read_token_pair(processor, "sep", pipeline));
    return surround({first}, {last}, pipeline);
  }
  return unsupported_component(
      "post_processor", "ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing or a Sequence of them", type);
}

}  // namespace

Result<void> read_json_post_processor(Json processor, TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const std::vector<Json> parts, json_steps(processor, "post_processor", "processors"));
  for (const Json& part : parts) LSTAR_TRY(read_processor(part, pipeline));
  return {};
}

}  // namespace lstar
