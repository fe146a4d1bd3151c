// Byte-pair encoding of one word: its characters become tokens, then the neighbouring pair of lowest rank is merged
// until none is left. Immutable once made; encoding is safe from several threads, each with a Scratch of its own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/huge_pages.h"
#include "lstar/base/result.h"
#include "lstar/tokenizer/models/vocabulary.h"

namespace lstar {

struct BpeMerge {
  std::string_view left, right;
};

struct BpeOptions {
  std::optional<std::string> unknown;  // the piece for a character that the vocabulary lacks; none: it is dropped
  bool fuse_unknown = false;           // neighbouring unknown characters become one token
  bool byte_fallback = false;     // a lacking character becomes its bytes, "<0xE2>", where all are in the vocabulary
  bool ignore_merges = false;     // a word that is a piece is that piece, whatever the merges make of it
  std::string continuing_prefix;  // in front of each character but the word's first
  std::string end_suffix;         // behind the word's last character
};

class Bpe {
 public:
  // Merge i has rank i; a pair listed twice has its last rank. Errors name the merge.
  static Result<Bpe> make(Vocabulary vocabulary, std::span<const BpeMerge> merges, BpeOptions options);

  struct Symbol {
    int32_t id;
    int32_t previous, next;  // positions, -1 at the ends; a merged-away symbol has id -1
  };
  struct Candidate {
    uint32_t rank;
    int32_t position;
    int32_t left, right, merged;  // ids
  };
  struct Scratch {
    std::vector<Symbol> symbols;
    std::vector<Candidate> queue;
    std::string text;
  };

  // Appends the ids of a word (valid UTF-8, not empty).
  void encode(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  bool cuts_at_markers() const { return cuts_at_markers_; }

 private:
  struct Merge {
    uint64_t pair = kNoPair;  // left << 32 | right
    uint32_t rank = 0;
    int32_t merged = 0;
  };
  static constexpr uint64_t kNoPair = ~uint64_t{0};
  static uint64_t key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  static size_t hash(uint64_t pair) { return seeded_hash(pair); }

  const Merge* find(int32_t left, int32_t right) const {
    const uint64_t pair = key(left, right);
    for (size_t i = hash(pair) & merge_mask_;; i = (i + 1) & merge_mask_) {
      if (merges_[i].pair == pair) return &merges_[i];
      if (merges_[i].pair == kNoPair) return nullptr;
    }
  }
  void insert(const Merge& merge);
  int32_t character(std::string_view word, size_t begin, size_t end, std::string& text) const;
  void split(std::string_view word, Scratch& scratch) const;
  void merge_few(std::vector<Symbol>& symbols, std::vector<Candidate>& pairs) const;
  void merge_many(std::vector<Symbol>& symbols, std::vector<Candidate>& queue) const;

  Vocabulary vocabulary_;
  HugeVector<Merge> merges_ = HugeVector<Merge>(1);  // a power of two, at most two thirds full
  size_t merge_mask_ = 0;
  std::array<int32_t, 0x800> short_characters_{};  // ids of characters of one or two bytes, -1 for none
  std::array<int32_t, 256> byte_tokens_{};         // ids of "<0x00>" to "<0xFF>", -1 for none
  int32_t unknown_ = -1;
  bool cuts_at_markers_ = false;
  BpeOptions options_;
};

}  // namespace lstar
