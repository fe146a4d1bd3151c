// The pieces of a model and their ids. All text lies in one block; lookups go through one flat hash table. Immutable
// once made.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lstar/base/huge_pages.h"
#include "lstar/base/result.h"
#include "lstar/base/seeded_hash.h"

namespace lstar {

inline constexpr std::string_view kMarker = "\xe2\x96\x81";  // "▁", U+2581: a space, as SentencePiece writes it

struct VocabularyEntry {
  std::string_view piece;
  int64_t id = 0;
};

// A list in which a piece's place is its id; of one that is listed twice the later place counts.
class ListedPieces {
 public:
  void add(std::string_view piece) {
    const auto [place, is_new] = places_.emplace(piece, entries_.size());
    if (is_new)
      entries_.push_back({piece, listed_});
    else
      entries_[place->second].id = listed_;
    ++listed_;
  }
  const std::vector<VocabularyEntry>& entries() const { return entries_; }
  int64_t listed() const { return listed_; }

 private:
  std::vector<VocabularyEntry> entries_;
  std::unordered_map<std::string_view, size_t, SeededHash> places_;
  int64_t listed_ = 0;
};

class Vocabulary {
 public:
  // Fails where an id or a piece appears twice, or where an id lies outside [0, limit): the limit leaves room for gaps
  // and keeps a wild id from sizing the tables.
  static Result<Vocabulary> make(std::span<const VocabularyEntry> entries);
  static Result<Vocabulary> make_in_order(std::span<const std::string_view> pieces);  // ids from 0 on

  // The id, or -1.
  int32_t find(std::string_view piece) const { return find(Wanted{piece, hash_of(piece)}); }

  // The same in two steps, for those who look up many: the first asks memory for what the second reads.
  struct Wanted {
    std::string_view piece;
    size_t hash = 0;
  };
  Wanted prefetch(std::string_view piece) const {
    const size_t hash = hash_of(piece);
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & mask_]);
    return {piece, hash};
  }
  int32_t find(const Wanted& wanted) const {
    if (slots_.empty()) return -1;
    for (size_t i = wanted.hash & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.id < 0) return -1;
      if (slot.tag == tag(wanted.hash) && piece(slot.id) == wanted.piece) return slot.id;
    }
  }

  // Empty for an id that is not in use.
  std::string_view piece(int32_t id) const {
    if (id < 0 || id >= size()) return {};
    return text(places_[static_cast<size_t>(id)]);
  }

  int32_t size() const { return static_cast<int32_t>(places_.size()); }  // one more than the largest id
  int32_t count() const { return count_; }                               // pieces

  size_t longest() const;  // piece, in bytes

  std::optional<int32_t> not_utf8() const;  // a piece that is not, where there is one

  // Whether in no piece a "▁" follows anything but a "▁".
  bool cuts_at_markers() const;

 private:
  struct Place {
    uint32_t offset = 0;
    uint32_t length = 0;
  };
  struct Slot {
    int32_t id = -1;  // -1: free
    uint32_t tag = 0;
  };
  template <class EntryAt>
  static Result<Vocabulary> make(size_t count, EntryAt entry_at);
  static size_t hash_of(std::string_view piece) { return seeded_hash(piece); }
  static uint32_t tag(size_t hash) { return static_cast<uint32_t>(hash >> 32); }
  std::string_view text(const Place& place) const { return std::string_view(text_).substr(place.offset, place.length); }

  std::string text_;
  std::vector<Place> places_;  // (size)
  HugeVector<Slot> slots_;     // a power of two, at most two thirds full
  size_t mask_ = 0;
  int32_t count_ = 0;
};

// Refuses a prefix or suffix of pieces that is long beyond sense: it is written again for every character of a text.
Result<void> check_piece_mark(std::string_view mark, std::string_view key);

}  // namespace lstar
