#include "lstar/tokenizer/models/vocabulary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include <fmt/core.h>

#include "lstar/base/limits.h"
#include "lstar/base/text.h"

namespace lstar {

template <class EntryAt>
Result<Vocabulary> Vocabulary::make(size_t count, EntryAt entry_at) {
  constexpr size_t kMostEntries = size_t{1} << 28;
  constexpr size_t kAtOnce = 32;  // entries whose slots are on their way from memory
  if (count > kMostEntries)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "vocabulary too large",
                 .expected = fmt::format("at most {} tokens", kMostEntries),
                 .found = fmt::format("{}", count)});
  const int64_t limit = static_cast<int64_t>(count) * 4 + 65536;
  Vocabulary vocabulary;
  size_t bytes = 0;
  int64_t largest = -1;
  for (size_t i = 0; i < count; ++i) {
    const VocabularyEntry entry = entry_at(i);
    if (entry.id < 0 || entry.id >= limit)
      return fail(Error{.what = "token id out of range",
                        .at = fmt::format("token {}", entry.piece),
                        .expected = fmt::format("0 to {}", limit - 1),
                        .found = fmt::format("{}", entry.id)});
    bytes += entry.piece.size();
    largest = std::max(largest, entry.id);
  }
  if (bytes > std::numeric_limits<uint32_t>::max())
    return fail({.kind = ErrorKind::unsupported,
                 .what = "vocabulary too large",
                 .expected = "at most 4 GiB of text",
                 .found = fmt::format("{} bytes", bytes)});
  vocabulary.text_.reserve(bytes);
  vocabulary.places_.resize(static_cast<size_t>(largest + 1));
  vocabulary.slots_.resize(std::bit_ceil(count + count / 2 + 1));
  vocabulary.mask_ = vocabulary.slots_.size() - 1;
  vocabulary.count_ = static_cast<int32_t>(count);
  std::vector<bool> used(vocabulary.places_.size());
  std::array<Wanted, kAtOnce> wanted;
  for (size_t begin = 0; begin < count; begin += kAtOnce) {
    const size_t end = std::min(count, begin + kAtOnce);
    for (size_t i = begin; i < end; ++i) wanted[i - begin] = vocabulary.prefetch(entry_at(i).piece);
    for (size_t i = begin; i < end; ++i) {
      const auto& [piece, hash] = wanted[i - begin];
      const auto id = static_cast<size_t>(entry_at(i).id);
      if (used[id])
        return fail(
            {.what = "token id appears twice", .at = fmt::format("token {}", piece), .found = fmt::format("{}", id)});
      used[id] = true;
      vocabulary.places_[id] = {static_cast<uint32_t>(vocabulary.text_.size()), static_cast<uint32_t>(piece.size())};
      vocabulary.text_.append(piece);
      size_t slot = hash & vocabulary.mask_;
      for (; vocabulary.slots_[slot].id >= 0; slot = (slot + 1) & vocabulary.mask_) {
        const Slot& other = vocabulary.slots_[slot];
        if (other.tag == tag(hash) && vocabulary.piece(other.id) == piece)
          return fail(Error{.what = "token appears twice", .at = fmt::format("token {}", piece)});
      }
      vocabulary.slots_[slot] = {static_cast<int32_t>(id), tag(hash)};
    }
  }
  return vocabulary;
}

Result<Vocabulary> Vocabulary::make(std::span<const VocabularyEntry> entries) {
  return make(entries.size(), [&](size_t i) { return entries[i]; });
}

Result<Vocabulary> Vocabulary::make_in_order(std::span<const std::string_view> pieces) {
  return make(pieces.size(), [&](size_t i) { return VocabularyEntry{pieces[i], static_cast<int64_t>(i)}; });
}

std::optional<int32_t> Vocabulary::not_utf8() const {
  // All the text at once is UTF-8 where every piece is; the other way round it takes that none begins inside a
  // character.
  const auto begins_inside = [&](const Place& place) {
    return place.length > 0 && (static_cast<unsigned char>(text_[place.offset]) & 0xc0) == 0x80;
  };
  if (is_utf8(text_) && std::none_of(places_.begin(), places_.end(), begins_inside)) return std::nullopt;
  for (int32_t id = 0; id < size(); ++id)
    if (!is_utf8(piece(id))) return id;
  return std::nullopt;
}

size_t Vocabulary::longest() const {
  uint32_t bytes = 0;
  for (const Place& place : places_) bytes = std::max(bytes, place.length);
  return bytes;
}

Result<void> check_piece_mark(std::string_view mark, std::string_view key) {
  if (mark.size() <= limits::kPieceMark) return {};
  return fail({.kind = ErrorKind::unsupported,
               .what = "too long",
               .at = fmt::format("model, key {}", key),
               .expected = fmt::format("at most {} bytes", limits::kPieceMark),
               .found = fmt::format("{}", mark.size())});
}

bool Vocabulary::cuts_at_markers() const {
  return std::all_of(places_.begin(), places_.end(), [&](const Place& place) {
    const std::string_view piece = text(place);
    for (size_t at = piece.find(kMarker, 1); at != std::string_view::npos;
         at = piece.find(kMarker, at + kMarker.size()))
      if (!piece.substr(0, at).ends_with(kMarker)) return false;
    return true;
  });
}

}  // namespace lstar
