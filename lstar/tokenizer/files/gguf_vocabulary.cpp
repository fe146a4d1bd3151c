// Reads the vocabulary that a GGUF file carries in its metadata.
#include <algorithm>

#include <fmt/core.h>

#include "lstar/checkpoint/gguf_metadata.h"
#include "lstar/tokenizer/files/gguf_pre_tokenizer.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {
namespace {

// tokenizer.ggml.token_type
constexpr int64_t kNormal = 1, kControl = 3, kUserDefined = 4, kByte = 6;

tl::unexpected<Error> missing(std::string_view key) {
  return fail(Error{.what = "missing, or of another type", .at = fmt::format("key {}", key)});
}

// The list of a number a token; absent where the file has none.
template <class T>
Result<void> check_length(const std::optional<std::vector<T>>& list, std::string_view key, size_t tokens) {
  if (!list || list->size() == tokens) return {};
  return fail({.what = "length",
               .at = fmt::format("key {}", key),
               .expected = fmt::format("{}", tokens),
               .found = fmt::format("{}", list->size())});
}

Result<Vocabulary> make_vocabulary(std::span<const std::string_view> pieces) {
  LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make_in_order(pieces));
  if (const auto id = vocabulary.not_utf8())
    return fail(Error{.what = "not UTF-8", .at = fmt::format("key tokenizer.ggml.tokens, token {}", *id)});
  return vocabulary;
}

Result<void> read_byte_level(const GgufMetadata& metadata, std::span<const std::string_view> tokens,
                             TokenizerPipeline& pipeline, BpeOptions options) {
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
  LSTAR_ASSIGN(Vocabulary vocabulary, make_vocabulary(tokens));
  LSTAR_ASSIGN(pipeline.model, Bpe::make(std::move(vocabulary), merges, std::move(options)));
  return {};
}

// SentencePiece's BPE. User-defined tokens are written with plain spaces in a GGUF; they are pieces of the text in
// which spaces are marked, and are found in it before all else, the longest first.
Result<void> read_sentencepiece(const GgufMetadata& metadata, std::span<const std::string_view> tokens,
                                std::span<const int64_t> types, TokenizerPipeline& pipeline) {
  constexpr std::string_view kScores = "tokenizer.ggml.scores";
  const auto scores = metadata.numbers(kScores);
  if (!scores) return missing(kScores);
  LSTAR_TRY(check_length(scores, kScores, tokens.size()));
  if (types.empty() && !tokens.empty()) return missing("tokenizer.ggml.token_type");
  std::vector<SentencePieceBpe::Type> kinds;
  kinds.reserve(types.size());
  for (const int64_t type : types) {
    if (type < kNormal || type > kByte)
      return fail(Error{.what = "unknown token type",
                        .at = fmt::format("key tokenizer.ggml.token_type, token {}", kinds.size()),
                        .expected = "1 to 6",
                        .found = fmt::format("{}", type)});
    kinds.push_back(static_cast<SentencePieceBpe::Type>(type));
  }
  LSTAR_ASSIGN(Vocabulary vocabulary, make_vocabulary(tokens));
  LSTAR_ASSIGN(pipeline.model,
               SentencePieceBpe::make(std::move(vocabulary), {scores->begin(), scores->end()}, std::move(kinds)));
  pipeline.marks_spaces = true;
  if (metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(true))
    pipeline.normalizer.steps.emplace_back(PrependText{.text = " ", .at_start_only = true});
  pipeline.normalizer.steps.emplace_back(ReplaceText{.pattern = " ", .content = std::string(kMarker)});
  return {};
}

// WordPiece. A GGUF marks the pieces that begin a word with "▁" in place of BERT's "##" on those that do not; control
// tokens are written as they are. The lower-case normalisation is that of the models that llama.cpp knows.
Result<void> read_wordpiece(const GgufMetadata& metadata, std::span<const std::string_view> tokens,
                            std::span<const int64_t> types, TokenizerPipeline& pipeline) {
  std::vector<std::string> pieces;
  pieces.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    const bool begins = tokens[id].starts_with(kMarker);
    const bool as_it_is = id < types.size() && types[id] == kControl;
    pieces.push_back(as_it_is ? std::string(tokens[id])
                     : begins ? std::string(tokens[id].substr(kMarker.size()))
                              : fmt::format("##{}", tokens[id]));
  }
  const std::vector<std::string_view> views(pieces.begin(), pieces.end());
  LSTAR_ASSIGN(Vocabulary vocabulary, make_vocabulary(views));
  const auto unknown = metadata.integer("tokenizer.ggml.unknown_token_id");
  const std::string_view text = unknown && *unknown >= 0 && *unknown < vocabulary.size()
                                    ? vocabulary.piece(static_cast<int32_t>(*unknown))
                                    : "[UNK]";
  LSTAR_ASSIGN(pipeline.model, WordPiece::make(std::move(vocabulary), {.unknown = std::string(text)}));
  pipeline.normalizer.steps.emplace_back(BertText{});
  add_bert_pre_tokenizer(pipeline.pre_tokenizer);
  return {};
}

void add_special_tokens(std::span<const int64_t> types, bool marks_spaces, TokenizerPipeline& pipeline) {
  const Vocabulary& vocabulary = pipeline.model.vocabulary();
  for (size_t id = 0; id < types.size(); ++id) {
    const int64_t type = types[id];
    if (type != kControl && type != kUserDefined) continue;
    pipeline.added.add({.content = std::string(vocabulary.piece(static_cast<int32_t>(id))),
                        .special = type == kControl,
                        .normalized = marks_spaces && type == kUserDefined},
                       vocabulary);
  }
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
  const auto listed = metadata.strings("tokenizer.ggml.tokens");
  if (!listed) return missing("tokenizer.ggml.tokens");
  const std::span<const std::string_view> tokens(*listed);
  const auto types = metadata.integers("tokenizer.ggml.token_type");
  LSTAR_TRY(check_length(types, "tokenizer.ggml.token_type", tokens.size()));
  const std::span<const int64_t> kinds = types ? std::span<const int64_t>(*types) : std::span<const int64_t>();
  const bool is_bert = *model == "bert";
  bool adds_bos = is_bert;
  if (*model == "gpt2") {
    BpeOptions options;
    LSTAR_TRY(read_gguf_pre_tokenizer(metadata, pipeline, options, adds_bos));
    LSTAR_TRY(read_byte_level(metadata, tokens, pipeline, std::move(options)));
  } else if (*model == "llama") {
    adds_bos = true;
    LSTAR_TRY(read_sentencepiece(metadata, tokens, kinds, pipeline));
  } else if (is_bert) {
    LSTAR_TRY(read_wordpiece(metadata, tokens, kinds, pipeline));
  } else {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "tokenizer model not supported",
                 .at = "key tokenizer.ggml.model",
                 .expected = "gpt2 (byte-level BPE), llama (SentencePiece's BPE) or bert (WordPiece)",
                 .found = std::string(*model)});
  }
  add_special_tokens(kinds, *model == "llama", pipeline);
  const int32_t size = pipeline.size();
  // BERT's tokens around a text have keys of their own in older files; one of them is misspelt for good.
  const auto key_of = [&](std::string_view own, std::string_view other) {
    return is_bert && metadata.integer(own) ? own : other;
  };
  LSTAR_TRY(read_ending(metadata, "tokenizer.ggml.add_bos_token", adds_bos,
                        key_of("tokenizer.ggml.cls_token_id", "tokenizer.ggml.bos_token_id"), size, pipeline.prefix));
  LSTAR_TRY(read_ending(metadata, is_bert ? "tokenizer.ggml.add_sep_token" : "tokenizer.ggml.add_eos_token", is_bert,
                        key_of("tokenizer.ggml.seperator_token_id", "tokenizer.ggml.eos_token_id"), size,
                        pipeline.suffix));
  return {};
}

}  // namespace

Result<PipelinePointer> read_gguf_vocabulary(const GgufMetadata& metadata) {
  auto pipeline = std::make_shared<TokenizerPipeline>();
  pipeline->source = metadata.path();
  if (auto done = read_all(metadata, *pipeline); !done) return fail(std::move(done).error().in(metadata.path()));
  LSTAR_TRY(pipeline->finish());
  return pipeline;
}

}  // namespace lstar
