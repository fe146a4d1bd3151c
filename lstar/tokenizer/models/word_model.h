// The model of a tokenizer, whichever it is: what turns one word into ids. Immutable once made; encoding is safe from
// several threads, each with a Scratch of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lstar/tokenizer/models/bpe.h"
#include "lstar/tokenizer/models/sentencepiece_bpe.h"
#include "lstar/tokenizer/models/unigram.h"
#include "lstar/tokenizer/models/vocabulary.h"
#include "lstar/tokenizer/models/wordpiece.h"
#include "lstar/tokenizer/pipeline/text_budget.h"

namespace lstar {

class WordModel {
 public:
  using Kind = std::variant<Bpe, SentencePieceBpe, WordPiece, WordLevel, Unigram>;
  struct Scratch {
    Bpe::Scratch bpe;
    SentencePieceBpe::Scratch sentencepiece;
    Unigram::Scratch unigram;
    std::string text;
  };

  WordModel() = default;
  template <class T>
  WordModel(T kind) : kind_(std::move(kind)) {}

  // Appends the ids of a word (valid UTF-8, not empty); some of them or none once the budget is spent.
  void encode(std::string_view word, Scratch& scratch, TextBudget& budget, std::vector<int32_t>& ids) const;

  const Vocabulary& vocabulary() const;

  // Whether no piece reaches across the place in front of a "▁" that follows another character: a long text without
  // words of its own may then be cut there, and the ids are the same.
  bool cuts_at_markers() const;

 private:
  Kind kind_;
};

}  // namespace lstar
