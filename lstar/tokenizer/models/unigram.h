// SentencePiece's unigram model: of all ways to write a word as pieces, the one whose scores sum to most. Immutable
// once made; encoding is safe from several threads, each with a Scratch of its own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/tokenizer/models/vocabulary.h"
#include "lstar/tokenizer/pipeline/text_budget.h"

namespace lstar {

class Unigram {
 public:
  // `scores` has an entry an id. A character that is no piece scores ten less than the worst piece; neighbouring ones
  // become one unknown token, or with `byte_fallback` the tokens of their bytes, where all are in the vocabulary.
  static Result<Unigram> make(Vocabulary vocabulary, std::vector<double> scores, int64_t unknown, bool byte_fallback);

  struct Node {  // the best way to write the word up to a place
    double score;
    int32_t id;      // of the last piece
    uint32_t begin;  // of the last piece
    bool reached;
  };
  struct Scratch {
    std::vector<Node> nodes;
    std::vector<int32_t> reversed;
  };

  // Appends the ids of a word (valid UTF-8, not empty); none once the budget is spent, from which every byte of a piece
  // is paid that the word agrees with.
  void encode(std::string_view word, Scratch& scratch, TextBudget& budget, std::vector<int32_t>& ids) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  static constexpr bool cuts_at_markers() { return false; }

 private:
  void add_unknown(std::string_view text, std::vector<int32_t>& reversed) const;

  Vocabulary vocabulary_;
  std::vector<double> scores_;
  std::vector<int32_t> sorted_;             // ids in the order of their pieces' bytes
  std::array<size_t, 257> first_{};         // where in it those that begin with a byte stand
  std::array<int32_t, 256> byte_tokens_{};  // ids of "<0x00>" to "<0xFF>", -1 for none
  double unknown_score_ = 0;
  int32_t unknown_ = -1;
  bool byte_fallback_ = false;
};

}  // namespace lstar
