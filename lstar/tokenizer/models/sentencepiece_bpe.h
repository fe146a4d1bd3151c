// Byte-pair encoding as SentencePiece does it: there are no merges, but every piece has a score; of all neighbouring
// symbols whose joined text is a piece, those of the best score are joined first, and of equal scores the leftmost.
// Immutable once made; encoding is safe from several threads, each with a Scratch of its own.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/tokenizer/models/vocabulary.h"

namespace lstar {

class SentencePieceBpe {
 public:
  // SentencePiece's piece types, and a GGUF's token types.
  enum class Type : uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

  // `scores` and `types` have an entry an id. Control, unknown and byte pieces are no part of any text. A character
  // that is no piece becomes its bytes, where there are byte pieces ("<0x00>" to "<0xFF>"), else the unknown piece.
  // With `whole_words` a word that is a piece, of whatever type, is that piece.
  static Result<SentencePieceBpe> make(Vocabulary vocabulary, std::vector<float> scores, std::vector<Type> types,
                                       bool whole_words = false);

  struct Symbol {
    uint32_t begin, size;    // in the word; a symbol that was joined to the one before it has size 0
    int32_t previous, next;  // positions, -1 at the ends
    int32_t id;              // -1: no piece
  };
  struct Candidate {
    float score;
    int32_t left;
    uint32_t size;  // of both symbols
    int32_t id;
  };
  struct Scratch {
    std::vector<Symbol> symbols;
    std::vector<Candidate> queue;
    std::map<std::string_view, uint32_t> joins;  // of unused pieces, by their text: the size of the left part
  };

  // Appends the ids of a word (valid UTF-8, not empty).
  void encode(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  bool cuts_at_markers() const { return cuts_at_markers_; }

 private:
  int32_t find(std::string_view text) const;
  void add(std::string_view word, uint32_t begin, uint32_t size, int32_t id, const Scratch& scratch,
           std::vector<int32_t>& ids) const;

  Vocabulary vocabulary_;
  std::vector<float> scores_;
  std::vector<Type> types_;
  std::array<int32_t, 256> byte_pieces_{};
  size_t longest_ = 0;  // piece, in bytes
  int32_t unknown_ = -1;
  bool has_bytes_ = false, cuts_at_markers_ = false, whole_words_ = false;
};

}  // namespace lstar
