// WordPiece, BERT's model: a word is its longest piece from the left, then the longest continuing piece, and so on; a
// word that cannot be made of pieces, or is too long, is the unknown token. And WordLevel, where a word is a piece or
// unknown. Immutable once made; encoding is safe from several threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/tokenizer/models/vocabulary.h"
#include "lstar/tokenizer/pipeline/text_budget.h"

namespace lstar {

struct WordPieceOptions {
  std::string unknown = "[UNK]";
  std::string continuing_prefix = "##";  // in front of each piece but the word's first
  size_t longest_word = 100;             // characters
};

class WordPiece {
 public:
  static Result<WordPiece> make(Vocabulary vocabulary, WordPieceOptions options);

  // Appends the ids of a word (valid UTF-8, not empty); none once the budget is spent, from which every piece that is
  // looked up is paid. `text` is scratch.
  void encode(std::string_view word, std::string& text, TextBudget& budget, std::vector<int32_t>& ids) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  static constexpr bool cuts_at_markers() { return false; }

 private:
  Vocabulary vocabulary_;
  WordPieceOptions options_;
  size_t longest_ = 0;  // piece, in bytes
  int32_t unknown_ = -1;
};

class WordLevel {
 public:
  static Result<WordLevel> make(Vocabulary vocabulary, const std::string& unknown);

  void encode(std::string_view word, std::vector<int32_t>& ids) const {
    const int32_t id = vocabulary_.find(word);
    ids.push_back(id < 0 ? unknown_ : id);
  }

  const Vocabulary& vocabulary() const { return vocabulary_; }
  static constexpr bool cuts_at_markers() { return false; }

 private:
  Vocabulary vocabulary_;
  int32_t unknown_ = -1;
};

}  // namespace lstar
