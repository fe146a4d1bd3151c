#include "lstar/tokenizer/models/word_cache.h"

#include <limits>

#include "lstar/base/seeded_hash.h"

namespace lstar {

const int32_t* WordCache::find(std::string_view word, uint64_t& hash, size_t& count) const {
  hash = seeded_hash(word);
  if (slots_.empty()) return nullptr;
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i].bytes != 0; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.hash != hash || std::string_view(text_).substr(slot.text, slot.bytes) != word) continue;
    count = slot.count;
    return ids_.data() + slot.ids;
  }
  return nullptr;
}

void WordCache::insert(std::string_view word, uint64_t hash, std::span<const int32_t> ids) {
  if (ids.size() > std::numeric_limits<uint16_t>::max()) return;
  if (used_ * 2 >= slots_.size()) make_room();
  place({hash, static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(ids_.size()),
         static_cast<uint16_t>(word.size()), static_cast<uint16_t>(ids.size())});
  text_.append(word);
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  ++used_;
}

void WordCache::place(const Slot& slot) {
  const size_t mask = slots_.size() - 1;
  size_t i = slot.hash & mask;
  while (slots_[i].bytes != 0) i = (i + 1) & mask;
  slots_[i] = slot;
}

// Twice the slots, or, where there are enough of them, empty ones.
void WordCache::make_room() {
  if (slots_.size() == kMostSlots) {
    slots_.assign(kMostSlots, Slot{});
    used_ = 0;
    text_.clear();
    ids_.clear();
    return;
  }
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? kFewestSlots : old.size() * 2, Slot{});
  for (const Slot& slot : old)
    if (slot.bytes != 0) place(slot);
}

std::unique_ptr<WordCache> WordCachePool::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<WordCache>();
  std::unique_ptr<WordCache> cache = std::move(idle_.back());
  idle_.pop_back();
  return cache;
}

void WordCachePool::give_back(std::unique_ptr<WordCache> cache) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(cache));
}

}  // namespace lstar
