// Reads tokenizer.json. A component that we do not compute is refused by its name, never skipped. Decoder, truncation
// and padding do not change ids and are not read.
#include <fmt/format.h>

#include "lstar/base/json.h"
#include "lstar/tokenizer/gpt2_pattern.h"
#include "lstar/tokenizer/pipeline.h"

namespace lstar {
namespace {

namespace dom = simdjson::dom;

std::string type_of(Json component) { return json_string(component, "type").value_or("no type"); }

tl::unexpected<Error> unsupported(std::string_view component, std::string_view known, std::string found) {
  return fail({.what = "not supported",
               .at = std::string(component),
               .expected = std::string(known),
               .found = std::move(found)});
}

// The members of a Sequence, or an error that names the component.
Result<dom::array> members(Json sequence, std::string_view component, std::string_view key) {
  dom::array items;
  const auto list = json_find(sequence, key);
  if (!list || list->get_array().get(items))
    return fail(Error{.what = "missing list", .at = fmt::format("{}, key {}", component, key)});
  return items;
}

// The value of a flag; an absent flag has its default.
bool flag(Json object, std::string_view key, bool otherwise) { return json_bool(object, key).value_or(otherwise); }

Result<void> read_normalizer(Json normalizer, TokenizerPipeline& pipeline) {
  const std::string type = type_of(normalizer);
  if (type == "NFC") {
    pipeline.normalizer.steps.emplace_back(UnicodeForm::nfc);
    return {};
  }
  if (type != "Sequence") return unsupported("normalizer", "NFC, or a Sequence of it", type);
  LSTAR_ASSIGN(const dom::array items, members(normalizer, "normalizer", "normalizers"));
  for (Json item : items) LSTAR_TRY(read_normalizer(item, pipeline));
  return {};
}

Result<SplitBehavior> read_behavior(Json split) {
  const std::string name = json_string(split, "behavior").value_or("none");
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  return unsupported("pre_tokenizer Split, behavior",
                     "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", name);
}

Result<PreTokenizerStep> read_split(Json split) {
  PatternSplit step{.pattern = std::string(), .invert = flag(split, "invert", false)};
  LSTAR_ASSIGN(step.behavior, read_behavior(split));
  const auto pattern = json_find(split, "pattern");
  const auto regex = pattern ? json_string(*pattern, "Regex") : std::nullopt;
  const auto text = pattern ? json_string(*pattern, "String") : std::nullopt;
  if (regex) {
    if (*regex == kGpt2Pattern && step.behavior == SplitBehavior::isolated && !step.invert) return Gpt2Split{};
    auto compiled = Regex::compile(*regex);
    if (!compiled) {
      Error error = std::move(compiled).error();
      error.at = "pre_tokenizer Split";
      return fail(std::move(error));
    }
    step.pattern = *std::move(compiled);
  } else if (text) {
    step.pattern = *text;
  } else {
    return fail({.what = "missing pattern", .at = "pre_tokenizer Split", .expected = "Regex or String"});
  }
  return step;
}

Result<void> read_pre_tokenizer(Json component, TokenizerPipeline& pipeline) {
  std::vector<PreTokenizerStep>& steps = pipeline.pre_tokenizer.steps;
  const std::string type = type_of(component);
  if (type == "Sequence") {
    LSTAR_ASSIGN(const dom::array items, members(component, "pre_tokenizer", "pretokenizers"));
    for (Json item : items) LSTAR_TRY(read_pre_tokenizer(item, pipeline));
  } else if (type == "ByteLevel") {
    if (flag(component, "add_prefix_space", true)) steps.push_back(PrefixSpace{});
    if (flag(component, "use_regex", true)) steps.push_back(Gpt2Split{});
    steps.push_back(ByteSpelling{});
    pipeline.byte_level = true;
  } else if (type == "Digits") {
    steps.push_back(DigitSplit{.individual = flag(component, "individual_digits", false)});
  } else if (type == "Split") {
    LSTAR_ASSIGN(PreTokenizerStep step, read_split(component));
    steps.push_back(std::move(step));
  } else {
    return unsupported("pre_tokenizer", "ByteLevel, Split, Digits or a Sequence of them", type);
  }
  return {};
}

Result<std::vector<VocabularyEntry>> read_vocabulary(Json model) {
  const auto vocabulary = json_find(model, "vocab");
  dom::object fields;
  if (!vocabulary || vocabulary->get_object().get(fields))
    return fail(Error{.what = "missing or not an object", .at = "model, key vocab"});
  std::vector<VocabularyEntry> entries;
  entries.reserve(fields.size());
  for (dom::key_value_pair field : fields) {
    int64_t id = 0;
    if (field.value.get_int64().get(id))
      return fail(Error{.what = "token id is not an integer", .at = fmt::format("token {}", field.key)});
    entries.push_back({field.key, id});
  }
  return entries;
}

Result<BpeMerge> read_merge(Json merge) {
  std::string_view text, left, right;
  dom::array pair;
  if (!merge.get_string().get(text)) {
    const size_t space = text.find(' ');
    if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos)
      return BpeMerge{text.substr(0, space), text.substr(space + 1)};
  } else if (!merge.get_array().get(pair) && pair.size() == 2 && !pair.at(0).get_string().get(left) &&
             !pair.at(1).get_string().get(right)) {
    return BpeMerge{left, right};
  }
  return fail({.what = "not a merge", .expected = "two tokens", .found = simdjson::minify(merge)});
}

Result<void> read_model(Json model, TokenizerPipeline& pipeline) {
  // Early files have no type; what they hold tells it.
  const std::string type = json_string(model, "type").value_or(json_find(model, "merges") ? "BPE" : "no type");
  if (type != "BPE") return unsupported("model", "BPE", type);
  if (json_number(model, "dropout").value_or(0) != 0)
    return fail(
        {.what = "not supported", .at = "model", .expected = "no dropout", .found = "dropout: ids would be random"});
  LSTAR_ASSIGN(const auto entries, read_vocabulary(model));
  LSTAR_ASSIGN(const dom::array items, members(model, "model", "merges"));
  std::vector<BpeMerge> merges;
  merges.reserve(items.size());
  for (Json item : items) {
    LSTAR_ASSIGN(const BpeMerge merge, read_merge(item));
    merges.push_back(merge);
  }
  LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(entries));
  BpeOptions options{.unknown = json_string(model, "unk_token"),
                     .fuse_unknown = flag(model, "fuse_unk", false),
                     .byte_fallback = flag(model, "byte_fallback", false),
                     .ignore_merges = flag(model, "ignore_merges", false),
                     .continuing_prefix = json_string(model, "continuing_subword_prefix").value_or(""),
                     .end_suffix = json_string(model, "end_of_word_suffix").value_or("")};
  LSTAR_ASSIGN(pipeline.model, Bpe::make(std::move(vocabulary), merges, std::move(options)));
  return {};
}

Result<void> read_added_tokens(Json list, TokenizerPipeline& pipeline) {
  dom::array tokens;
  if (list.get_array().get(tokens)) return fail(Error{.what = "not a list", .at = "key added_tokens"});
  for (Json token : tokens) {
    auto content = json_string(token, "content");
    if (!content) return fail({.what = "missing content", .at = "key added_tokens", .found = simdjson::minify(token)});
    const bool special = flag(token, "special", false);
    pipeline.added.add({.content = *std::move(content),
                        .special = special,
                        .normalized = flag(token, "normalized", !special),
                        .left_strip = flag(token, "lstrip", false),
                        .right_strip = flag(token, "rstrip", false),
                        .single_word = flag(token, "single_word", false)},
                       pipeline.model.vocabulary());
  }
  return {};
}

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
    return fail(Error{.what = "more than one processor that adds tokens is not supported", .at = "post_processor"});
  pipeline.prefix = std::move(before);
  pipeline.suffix = std::move(after);
  return {};
}

// A template's list for a single text: special tokens, the text ("Sequence" A) exactly once, special tokens.
Result<void> read_template(Json processor, TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const dom::array items, members(processor, "post_processor TemplateProcessing", "single"));
  const auto specials = json_find(processor, "special_tokens");
  std::vector<int32_t> before, after;
  int texts = 0;
  for (Json item : items) {
    if (const auto sequence = json_find(item, "Sequence")) {
      if (json_string(*sequence, "id") != "A")
        return unsupported("post_processor TemplateProcessing", "Sequence A in single", simdjson::minify(item));
      ++texts;
      continue;
    }
    const auto token = json_find(item, "SpecialToken");
    const std::string name = token ? json_string(*token, "id").value_or("") : "";
    const auto entry = specials ? json_find(*specials, name) : std::nullopt;
    if (!token || !entry)
      return fail({.what = "unknown special token",
                   .at = "post_processor TemplateProcessing",
                   .found = simdjson::minify(item)});
    LSTAR_ASSIGN(const dom::array ids, members(*entry, "post_processor TemplateProcessing", "ids"));
    for (Json value : ids) {
      int64_t id = -1;
      if (value.get_int64().get(id)) id = -1;
      LSTAR_ASSIGN(const int32_t used, used_id(id, pipeline));
      (texts ? after : before).push_back(used);
    }
  }
  if (texts != 1)
    return unsupported("post_processor TemplateProcessing", "Sequence A once in single",
                       fmt::format("{} times", texts));
  return surround(std::move(before), std::move(after), pipeline);
}

// ["<s>", 0], as RobertaProcessing and BertProcessing write their two tokens.
Result<int32_t> read_token_pair(Json processor, std::string_view key, const TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const dom::array pair, members(processor, "post_processor", key));
  int64_t id = -1;
  if (pair.size() != 2 || pair.at(1).get_int64().get(id)) id = -1;
  return used_id(id, pipeline);
}

Result<void> read_post_processor(Json processor, TokenizerPipeline& pipeline) {
  const std::string type = type_of(processor);
  if (type == "ByteLevel") return {};  // trims offsets, which we do not report
  if (type == "TemplateProcessing") return read_template(processor, pipeline);
  if (type == "RobertaProcessing" || type == "BertProcessing") {
    LSTAR_ASSIGN(const int32_t first, read_token_pair(processor, "cls", pipeline));
    LSTAR_ASSIGN(const int32_t last, read_token_pair(processor, "sep", pipeline));
    return surround({first}, {last}, pipeline);
  }
  if (type != "Sequence")
    return unsupported("post_processor",
                       "ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing or a Sequence of them", type);
  LSTAR_ASSIGN(const dom::array items, members(processor, "post_processor", "processors"));
  for (Json item : items) LSTAR_TRY(read_post_processor(item, pipeline));
  return {};
}

Result<void> read_all(Json root, TokenizerPipeline& pipeline) {
  const auto model = json_find(root, "model");
  if (!model) return fail(Error{.what = "missing", .at = "key model"});
  LSTAR_TRY(read_model(*model, pipeline));
  if (const auto normalizer = json_find(root, "normalizer")) LSTAR_TRY(read_normalizer(*normalizer, pipeline));
  if (const auto pre = json_find(root, "pre_tokenizer")) LSTAR_TRY(read_pre_tokenizer(*pre, pipeline));
  if (const auto added = json_find(root, "added_tokens")) LSTAR_TRY(read_added_tokens(*added, pipeline));
  if (const auto post = json_find(root, "post_processor")) LSTAR_TRY(read_post_processor(*post, pipeline));
  return {};
}

Result<PipelinePointer> read_document(const JsonDocument& document) {
  auto pipeline = std::make_shared<TokenizerPipeline>();
  pipeline->source = document.source();
  if (auto done = read_all(document.root(), *pipeline); !done)
    return fail(std::move(done).error().in(pipeline->source));
  return pipeline;
}

}  // namespace

Result<PipelinePointer> read_tokenizer_json(const std::string& path) {
  LSTAR_ASSIGN(const JsonDocument document, JsonDocument::read(path));
  return read_document(document);
}

Result<PipelinePointer> parse_tokenizer_json(std::string_view text, const std::string& source) {
  LSTAR_ASSIGN(const JsonDocument document, JsonDocument::parse(text, source));
  return read_document(document);
}

}  // namespace lstar
