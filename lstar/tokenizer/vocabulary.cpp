#include "lstar/tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>
#include <limits>

#include <fmt/format.h>

namespace lstar {

Result<Vocabulary> Vocabulary::make(std::span<const VocabularyEntry> entries) {
  constexpr size_t kMostEntries = size_t{1} << 28;
  if (entries.size() > kMostEntries)
    return fail({.what = "vocabulary too large",
                 .expected = fmt::format("at most {} tokens", kMostEntries),
                 .found = fmt::format("{}", entries.size())});
  const int64_t limit = static_cast<int64_t>(entries.size()) * 4 + 65536;
  Vocabulary vocabulary;
  size_t bytes = 0;
  int64_t largest = -1;
  for (const VocabularyEntry& entry : entries) {
    if (entry.id < 0 || entry.id >= limit)
      return fail(Error{.what = "token id out of range",
                        .at = fmt::format("token {}", entry.piece),
                        .expected = fmt::format("0 to {}", limit - 1),
                        .found = fmt::format("{}", entry.id)});
    bytes += entry.piece.size();
    largest = std::max(largest, entry.id);
  }
  if (bytes > std::numeric_limits<uint32_t>::max())
    return fail(
        {.what = "vocabulary too large", .expected = "at most 4 GiB of text", .found = fmt::format("{} bytes", bytes)});
  vocabulary.text_.reserve(bytes);
  vocabulary.places_.resize(static_cast<size_t>(largest + 1));
  vocabulary.slots_.resize(std::bit_ceil(std::max<size_t>(entries.size() * 2, 2)));
  vocabulary.mask_ = vocabulary.slots_.size() - 1;
  vocabulary.count_ = static_cast<int32_t>(entries.size());
  std::vector<bool> used(vocabulary.places_.size());
  for (const VocabularyEntry& entry : entries) {
    const auto id = static_cast<size_t>(entry.id);
    if (used[id])
      return fail({.what = "token id appears twice",
                   .at = fmt::format("token {}", entry.piece),
                   .found = fmt::format("{}", entry.id)});
    used[id] = true;
    const Place place{static_cast<uint32_t>(vocabulary.text_.size()), static_cast<uint32_t>(entry.piece.size())};
    vocabulary.places_[id] = place;
    vocabulary.text_.append(entry.piece);
    const size_t hash = std::hash<std::string_view>()(entry.piece);
    size_t i = hash & vocabulary.mask_;
    for (; vocabulary.slots_[i].id >= 0; i = (i + 1) & vocabulary.mask_) {
      const Slot& other = vocabulary.slots_[i];
      if (other.tag == tag(hash) && vocabulary.text(other.place) == entry.piece)
        return fail(Error{.what = "token appears twice", .at = fmt::format("token {}", entry.piece)});
    }
    vocabulary.slots_[i] = {static_cast<int32_t>(entry.id), tag(hash), place};
  }
  return vocabulary;
}

size_t Vocabulary::longest() const {
  uint32_t bytes = 0;
  for (const Place& place : places_) bytes = std::max(bytes, place.length);
  return bytes;
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
