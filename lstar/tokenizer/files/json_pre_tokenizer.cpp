// Pre-tokenizers of a tokenizer.json.
#include <fmt/core.h>

#include "lstar/tokenizer/files/json_component.h"
#include "lstar/tokenizer/pipeline/gpt2_pattern.h"
#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

constexpr std::string_view kKnown =
    "ByteLevel, Split, Digits, Metaspace, Whitespace, WhitespaceSplit, Punctuation, BertPreTokenizer, "
    "CharDelimiterSplit, FixedLength or a Sequence of them";

Result<SplitBehavior> read_behavior(Json split, std::string_view name) {
  const std::string text = split.string("behavior").value_or("none");
  if (text == "Removed") return SplitBehavior::removed;
  if (text == "Isolated") return SplitBehavior::isolated;
  if (text == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (text == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (text == "Contiguous") return SplitBehavior::contiguous;
  return unsupported_component(fmt::format("pre_tokenizer {}, behavior", name),
                               "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", text);
}

Result<PreTokenizerStep> read_split(Json split) {
  LSTAR_ASSIGN(const SplitBehavior behavior, read_behavior(split, "Split"));
  const bool invert = json_flag(split, "invert", false);
  const auto pattern = split.find("pattern");
  if (pattern && pattern->string("Regex") == kGpt2Pattern && behavior == SplitBehavior::isolated && !invert)
    return Gpt2Split{};
  LSTAR_ASSIGN(Pattern compiled, read_json_pattern(split, "pre_tokenizer Split"));
  return PatternSplit{.pattern = std::move(compiled), .behavior = behavior, .invert = invert};
}

// The one character that a component's key holds.
Result<std::string> read_character(Json component, std::string_view name, std::string_view key) {
  const std::string text = component.string(key).value_or("");
  if (text.empty() || utf8_length(text[0]) != text.size())
    return fail(
        Error{.what = "not one character", .at = fmt::format("pre_tokenizer {}, key {}", name, key), .found = text});
  return text;
}

Result<MarkSpaces> read_metaspace(Json component) {
  MarkSpaces mark;
  LSTAR_ASSIGN(mark.marker, read_character(component, "Metaspace", "replacement"));
  const bool adds = json_flag(component, "add_prefix_space", true);  // how older files say "never"
  const std::string scheme = component.string("prepend_scheme").value_or(adds ? "always" : "never");
  if (scheme == "always")
    mark.prepend = MarkSpaces::Prepend::always;
  else if (scheme == "first")
    mark.prepend = MarkSpaces::Prepend::first;
  else if (scheme == "never")
    mark.prepend = MarkSpaces::Prepend::never;
  else
    return unsupported_component("pre_tokenizer Metaspace, prepend_scheme", "always, first or never", scheme);
  if (!adds && mark.prepend != MarkSpaces::Prepend::never)
    return fail(Error{.what = "add_prefix_space contradicts prepend_scheme", .at = "pre_tokenizer Metaspace"});
  return mark;
}

Result<void> read_step(Json component, TokenizerPipeline& pipeline) {
  using Set = CharacterSplit::Set;
  std::vector<PreTokenizerStep>& steps = pipeline.pre_tokenizer.steps;
  const std::string type = json_component_type(component);
  if (type == "ByteLevel") {
    if (json_flag(component, "add_prefix_space", true)) steps.emplace_back(PrefixSpace{});
    if (json_flag(component, "use_regex", true)) steps.emplace_back(Gpt2Split{});
    steps.emplace_back(ByteSpelling{});
    pipeline.byte_level = true;
  } else if (type == "Digits") {
    steps.emplace_back(DigitSplit{.individual = json_flag(component, "individual_digits", false)});
  } else if (type == "Split") {
    LSTAR_ASSIGN(PreTokenizerStep step, read_split(component));
    steps.push_back(std::move(step));
  } else if (type == "Metaspace") {
    LSTAR_ASSIGN(MarkSpaces mark, read_metaspace(component));
    const std::string marker = mark.marker;
    pipeline.marks_spaces |= marker == kMarker;
    steps.emplace_back(std::move(mark));
    if (json_flag(component, "split", true))
      steps.emplace_back(PatternSplit{.pattern = marker, .behavior = SplitBehavior::merged_with_next});
  } else if (type == "Whitespace") {
    steps.emplace_back(WordSplit{});
  } else if (type == "WhitespaceSplit") {
    steps.emplace_back(CharacterSplit{.set = Set::space, .behavior = SplitBehavior::removed});
  } else if (type == "BertPreTokenizer") {
    add_bert_pre_tokenizer(pipeline.pre_tokenizer);
  } else if (type == "Punctuation") {
    SplitBehavior behavior = SplitBehavior::isolated;
    if (component.find("behavior")) {
      LSTAR_ASSIGN(behavior, read_behavior(component, "Punctuation"));
    }
    steps.emplace_back(CharacterSplit{.set = Set::punctuation, .behavior = behavior});
  } else if (type == "CharDelimiterSplit") {
    LSTAR_ASSIGN(const std::string character, read_character(component, type, "delimiter"));
    steps.emplace_back(CharacterSplit{
        .set = Set::one, .character = decode_utf8(character, 0).value, .behavior = SplitBehavior::removed});
  } else if (type == "FixedLength") {
    const int64_t length = component.integer("length").value_or(5);
    if (length < 1)
      return fail({.what = "length",
                   .at = "pre_tokenizer FixedLength",
                   .expected = "at least 1",
                   .found = fmt::format("{}", length)});
    steps.emplace_back(LengthSplit{static_cast<size_t>(length)});
  } else {
    return unsupported_component("pre_tokenizer", kKnown, type);
  }
  return {};
}

}  // namespace

Result<void> read_json_pre_tokenizer(Json component, TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const std::vector<Json> steps, json_steps(component, "pre_tokenizer", "pretokenizers"));
  for (const Json& step : steps) LSTAR_TRY(read_step(step, pipeline));
  return {};
}

}  // namespace lstar
