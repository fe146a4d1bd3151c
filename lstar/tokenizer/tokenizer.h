// Text to token ids, equal to Hugging Face's `tokenizers` with special tokens added, nothing truncated and nothing
// padded. One pipeline for all: find added tokens, normalise, cut into words, let the model turn words into pieces (BPE
// with merges, SentencePiece's BPE with scores, Unigram, WordPiece, WordLevel), add special tokens. It is read from a
// tokenizer.json; from vocab.json + merges.txt, vocab.txt or SentencePiece's tokenizer.model where one of these is all
// there is; or from a GGUF's own vocabulary.
// Includes base/ and checkpoint/. A Tokenizer shares immutable state, is cheap to copy and to move, keeps nothing of
// its source, and all its calls may be made from several threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

struct TokenizerPipeline;

class Tokenizer {
 public:
  explicit Tokenizer(std::shared_ptr<const TokenizerPipeline> pipeline) : pipeline_(std::move(pipeline)) {}

  // Ids of a UTF-8 text. Each maximal ill-formed sequence of bytes counts as one U+FFFD, as Python's
  // bytes.decode(errors="replace") has it. Without special tokens nothing is added in front or behind; special tokens
  // written out in the text are found either way. Fails only where a pattern of the tokenizer gives up on the text.
  Result<std::vector<int32_t>> encode(std::string_view text, bool add_special_tokens = true) const;

  // The token as the vocabulary writes it ("Ġthe"); empty for an id that is not in use.
  std::string piece(int32_t id) const;

  // The bytes that the tokens stand for, byte-level spelling undone ("Ġthe" is " the"). A sequence that ends in the
  // middle of a character is not UTF-8.
  std::string decode(std::span<const int32_t> ids) const;

  // One more than the largest id.
  size_t size() const;

  // Where ids may be others than its makers expect; one line each.
  const std::vector<std::string>& warnings() const;

 private:
  std::shared_ptr<const TokenizerPipeline> pipeline_;
};

// From a folder, by the rules of AutoTokenizer in `transformers` 5.24: tokenizer.json where it exists, else the older
// files, and over it what tokenizer_config.json and special_tokens_map.json say. Where the folder means a class that
// builds its own way of changing and cutting a text, that is followed, as the ids are Hugging Face's then, and of
// tokenizer.json no more is read than the class takes (docs/tokenizers.md).
// From a GGUF the rule is the lab's: the split that tokenizer.ggml.pre names is the one of its tokenizer.json, and
// pieces with scores are merged as SentencePiece merges them.
Result<Tokenizer> open_tokenizer(const TokenizerSource& source);

}  // namespace lstar
