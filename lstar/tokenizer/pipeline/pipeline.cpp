#include "lstar/tokenizer/pipeline/pipeline.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include <fmt/core.h>

#include "lstar/base/catch_memory.h"
#include "lstar/checkpoint/handed_over.h"
#include "lstar/tokenizer/pipeline/byte_level.h"
#include "lstar/tokenizer/pipeline/unicode.h"
#include "lstar/tokenizer/pipeline/utf8.h"
#include "lstar/tokenizer/tokenizer.h"

namespace lstar {
namespace {

// Turns words into ids, through the cache where they are short.
class WordEncoder final : public WordSink {
 public:
  WordEncoder(const TokenizerPipeline& pipeline, WordCache& cache, TextBudget& budget, std::vector<int32_t>& ids)
      : pipeline_(pipeline), cache_(cache), budget_(budget), ids_(ids), cut_(pipeline.model.cuts_at_markers()) {}

  void word(std::string_view word) override {
    // A long word of a model without words is cut where that changes nothing: short ones are merged faster, and many
    // of them have been seen before.
    for (size_t end = cut_ ? cut(word) : word.size(); end < word.size(); end = cut(word)) {
      short_word(word.substr(0, end));
      word.remove_prefix(end);
    }
    short_word(word);
  }

 private:
  // Where the first "▁" stands that follows another character.
  static size_t cut(std::string_view word) {
    size_t at = 0;
    while (word.substr(at).starts_with(kMarker)) at += kMarker.size();
    return std::min(word.find(kMarker, at), word.size());
  }

  void short_word(std::string_view word) {
    if (word.size() > WordCache::kLongestWord) return encode(word);
    uint64_t hash = 0;
    size_t count = 0;
    if (const int32_t* known = cache_.find(word, hash, count)) {
      ids_.insert(ids_.end(), known, known + count);
      return;
    }
    const size_t before = ids_.size();
    encode(word);
    if (budget_.is_spent()) return;  // not all of the ids
    cache_.insert(word, hash, std::span(ids_).subspan(before));
  }

  void encode(std::string_view word) {
    if (!pipeline_.spell_words) return pipeline_.model.encode(word, scratch_, budget_, ids_);
    spell_bytes(word, spelled_);
    pipeline_.model.encode(spelled_, scratch_, budget_, ids_);
  }

  const TokenizerPipeline& pipeline_;
  WordCache& cache_;
  TextBudget& budget_;
  std::vector<int32_t>& ids_;
  bool cut_;
  WordModel::Scratch scratch_;
  std::string spelled_;
};

// The parts of a text between and at the added tokens: those of raw text first, then, in what is left and after
// normalisation, those of normalised text.
Result<void> encode_text(const TokenizerPipeline& pipeline, std::string_view text, WordEncoder& words,
                         TextBudget& budget, std::vector<int32_t>& ids) {
  std::vector<AddedTokens::Part> raw, normalized;
  std::string changed;
  LSTAR_TRY(pipeline.added.split(text, false, raw, budget));
  for (const AddedTokens::Part& part : raw) {
    if (part.id >= 0) {
      ids.push_back(part.id);
      continue;
    }
    const bool first = part.text.data() == text.data();
    LSTAR_ASSIGN(const Normalizer::Normalized stretch, pipeline.normalizer.apply(part.text, first, changed, budget));
    const bool at_start = first && stretch.begins_first;
    normalized.clear();
    LSTAR_TRY(pipeline.added.split(stretch.text, true, normalized, budget));
    for (const AddedTokens::Part& inner : normalized) {
      if (inner.id >= 0)
        ids.push_back(inner.id);
      else
        LSTAR_TRY(pipeline.pre_tokenizer.split(inner.text, at_start && inner.text.data() == stretch.text.data(), words,
                                               budget));
    }
  }
  if (budget.is_spent()) return fail(budget.error());
  return {};
}

// The byte that "<0x0A>" stands for.
std::optional<char> byte_of(std::string_view piece) {
  unsigned value = 0;
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return std::nullopt;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, value, 16);
  if (error != std::errc() || end != piece.data() + 5) return std::nullopt;
  return static_cast<char>(value);
}

}  // namespace

Result<void> TokenizerPipeline::finish() {
  if (auto done = added.finish(normalizer); !done) return fail(std::move(done).error().in(source));
  // Where nothing looks at the spelling but the model, words are spelled after the cache has been asked for them.
  std::vector<PreTokenizerStep>& steps = pre_tokenizer.steps;
  if (!steps.empty() && std::holds_alternative<ByteSpelling>(steps.back())) {
    steps.pop_back();
    spell_words = true;
  }
  return {};
}

Result<std::vector<int32_t>> TokenizerPipeline::encode(std::string_view text, bool add_special_tokens) const {
  constexpr size_t kLongestText =
      std::numeric_limits<int32_t>::max() / 4;  // normalising may make it three times longer
  if (text.size() > kLongestText)
    return fail({.kind = ErrorKind::argument,
                 .what = "text too long",
                 .expected = fmt::format("at most {} bytes", kLongestText),
                 .found = fmt::format("{}", text.size())});
  const std::optional<std::string> repaired = repair_utf8(text);
  if (repaired) text = *repaired;

  std::vector<int32_t> ids;
  if (add_special_tokens) ids = prefix;
  std::unique_ptr<WordCache> cache = caches_.take();
  TextBudget budget(text.size());
  WordEncoder words(*this, *cache, budget, ids);
  Result<void> done = encode_text(*this, text, words, budget, ids);
  caches_.give_back(std::move(cache));
  if (!done) return fail(std::move(done).error().in(source));
  if (add_special_tokens) ids.insert(ids.end(), suffix.begin(), suffix.end());
  return ids;
}

std::string_view TokenizerPipeline::piece(int32_t id) const {
  if (const AddedToken* token = added.token(id)) return token->content;
  return model.vocabulary().piece(id);
}

std::string TokenizerPipeline::decode(int32_t id) const {
  const std::string_view text = piece(id);
  if (byte_level && !added.token(id)) return unspell_bytes(text);
  if (!marks_spaces) return std::string(text);
  if (const std::optional<char> byte = byte_of(text)) return std::string(1, *byte);
  std::string spaced;
  for (size_t i = 0; i < text.size();) {
    const bool marker = text.substr(i).starts_with(kMarker);
    spaced += marker ? ' ' : text[i];
    i += marker ? kMarker.size() : 1;
  }
  return spaced;
}

int32_t TokenizerPipeline::size() const { return std::max(added.size(), model.vocabulary().size()); }

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  return catch_memory("tokenizing a text: shorter ones take less",
                      [&] { return pipeline_->encode(text, add_special_tokens); });
}

std::string Tokenizer::piece(int32_t id) const { return std::string(pipeline_->piece(id)); }

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) text += pipeline_->decode(id);
  return text;
}

const std::vector<std::string>& Tokenizer::warnings() const { return pipeline_->warnings; }

size_t Tokenizer::size() const { return static_cast<size_t>(pipeline_->size()); }

namespace {

Result<Tokenizer> opened(const TokenizerSource& source) {
  if (source.gguf) {
    LSTAR_ASSIGN(auto pipeline, read_gguf_vocabulary(*source.gguf));
    return Tokenizer(std::move(pipeline));
  }
  if (source.folder.empty()) return fail(ErrorKind::missing, "the checkpoint has no tokenizer");
  LSTAR_ASSIGN(auto pipeline, explained(read_tokenizer_folder(source.folder), ""));
  return Tokenizer(std::move(pipeline));
}

}  // namespace

Result<Tokenizer> open_tokenizer(const TokenizerSource& source) {
  return catch_memory("opening the tokenizer: token ids in place of texts need none", source.folder,
                      [&] { return opened(source); });
}

}  // namespace lstar
