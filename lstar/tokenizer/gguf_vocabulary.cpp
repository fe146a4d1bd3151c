// Reads the vocabulary that a GGUF file carries in its metadata.
#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include "lstar/checkpoint/gguf_metadata.h"
#include "lstar/tokenizer/pipeline.h"

namespace lstar {
namespace {

// tokenizer.ggml.token_type
constexpr int64_t kControl = 3, kUserDefined = 4;

constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

tl::unexpected<Error> missing(std::string_view key) {
  return fail(Error{.what = "missing, or of another type", .at = fmt::format("key {}", key)});
}

// tokenizer.ggml.pre names the split into words by the model that first used it.
Result<void> read_pre_tokenizer(const GgufMetadata& metadata, TokenizerPipeline& pipeline, BpeOptions& options) {
  const std::string_view name = metadata.string("tokenizer.ggml.pre").value_or("default");
  std::vector<PreTokenizerStep>& steps = pipeline.pre_tokenizer.steps;
  if (name == "gpt-2" || name == "default") {
    steps.push_back(Gpt2Split{});
  } else if (name == "smollm") {
    steps.push_back(DigitSplit{.individual = true});
    steps.push_back(Gpt2Split{});
  } else if (name == "llama-bpe") {
    LSTAR_ASSIGN(Regex regex, Regex::compile(kLlama3Pattern));
    steps.push_back(PatternSplit{.pattern = std::move(regex), .behavior = SplitBehavior::isolated});
    options.ignore_merges = true;
  } else {
    return fail({.what = "unknown pre-tokenizer",
                 .at = "key tokenizer.ggml.pre",
                 .expected = "gpt-2, default, smollm or llama-bpe",
                 .found = std::string(name)});
  }
  steps.push_back(ByteSpelling{});
  pipeline.byte_level = true;
  return {};
}

Result<void> read_model(const GgufMetadata& metadata, TokenizerPipeline& pipeline, BpeOptions options) {
  const auto tokens = metadata.strings("tokenizer.ggml.tokens");
  if (!tokens) return missing("tokenizer.ggml.tokens");
  std::vector<VocabularyEntry> entries;
  entries.reserve(tokens->size());
  for (const std::string_view token : *tokens) {
    if (!simdjson::validate_utf8(token.data(), token.size()))
      return fail(Error{.what = "not UTF-8", .at = fmt::format("key tokenizer.ggml.tokens, token {}", entries.size())});
    entries.push_back({token, static_cast<int64_t>(entries.size())});
  }
  const auto lines = metadata.strings("tokenizer.ggml.merges");
  if (!lines) return missing("tokenizer.ggml.merges");
  std::vector<BpeMerge> merges;
  merges.reserve(lines->size());
  for (const std::string_view line : *lines) {
    const size_t space = line.find(' ', 1);  // no token is empty
    if (line.empty() || space == std::string_view::npos)
      return fail({.what = "not a merge",
                   .at = fmt::format("key tokenizer.ggml.merges, merge {}", merges.size()),
                   .expected = "two tokens and a space between them"});
    merges.push_back({line.substr(0, space), line.substr(space + 1)});
  }
  LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(entries));
  LSTAR_ASSIGN(pipeline.model, Bpe::make(std::move(vocabulary), merges, std::move(options)));
  return {};
}

Result<void> read_added_tokens(const GgufMetadata& metadata, TokenizerPipeline& pipeline) {
  const auto types = metadata.integers("tokenizer.ggml.token_type");
  if (!types) return {};
  const Vocabulary& vocabulary = pipeline.model.vocabulary();
  if (types->size() != static_cast<size_t>(vocabulary.size()))
    return fail({.what = "length",
                 .at = "key tokenizer.ggml.token_type",
                 .expected = fmt::format("{}", vocabulary.size()),
                 .found = fmt::format("{}", types->size())});
  for (size_t id = 0; id < types->size(); ++id) {
    const int64_t type = (*types)[id];
    if (type != kControl && type != kUserDefined) continue;
    pipeline.added.add({.content = std::string(vocabulary.piece(static_cast<int32_t>(id))),
                        .special = type == kControl,
                        .normalized = false},
                       vocabulary);
  }
  return {};
}

// Appends the token that `id_key` names to `ids`, where `flag_key` (or the default) says so.
Result<void> read_ending(const GgufMetadata& metadata, std::string_view flag_key, bool otherwise,
                         std::string_view id_key, int32_t size, std::vector<int32_t>& ids) {
  if (!metadata.boolean(flag_key).value_or(otherwise)) return {};
  const auto id = metadata.integer(id_key);
  if (!id) return missing(id_key);
  if (*id < 0 || *id >= size)
    return fail(Error{.what = "token id out of range",
                      .at = fmt::format("key {}", id_key),
                      .expected = fmt::format("0 to {}", size - 1),
                      .found = fmt::format("{}", *id)});
  ids.push_back(static_cast<int32_t>(*id));
  return {};
}

Result<void> read_all(const GgufMetadata& metadata, TokenizerPipeline& pipeline) {
  const auto model = metadata.string("tokenizer.ggml.model");
  if (!model) return missing("tokenizer.ggml.model");
  if (*model != "gpt2")
    return fail({.what = "tokenizer model not supported",
                 .at = "key tokenizer.ggml.model",
                 .expected = "gpt2 (byte-level BPE)",
                 .found = std::string(*model)});
  BpeOptions options;
  LSTAR_TRY(read_pre_tokenizer(metadata, pipeline, options));
  const bool is_llama3 = options.ignore_merges;
  LSTAR_TRY(read_model(metadata, pipeline, std::move(options)));
  LSTAR_TRY(read_added_tokens(metadata, pipeline));
  const int32_t size = pipeline.size();
  LSTAR_TRY(read_ending(metadata, "tokenizer.ggml.add_bos_token", is_llama3, "tokenizer.ggml.bos_token_id", size,
                        pipeline.prefix));
  LSTAR_TRY(read_ending(metadata, "tokenizer.ggml.add_eos_token", false, "tokenizer.ggml.eos_token_id", size,
                        pipeline.suffix));
  return {};
}

}  // namespace

Result<PipelinePointer> read_gguf_vocabulary(const GgufMetadata& metadata) {
  auto pipeline = std::make_shared<TokenizerPipeline>();
  pipeline->source = metadata.path();
  if (auto done = read_all(metadata, *pipeline); !done) return fail(std::move(done).error().in(metadata.path()));
  pipeline->finish();
  return pipeline;
}

}  // namespace lstar
