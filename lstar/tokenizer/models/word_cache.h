// Remembers the tokens of words, because most words of a text have been seen before. Bounded: when it is full it is
// emptied. One cache serves one call at a time; a pool lends them out.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lstar {

class WordCache {
 public:
  static constexpr size_t kLongestWord = 64;  // bytes; longer words are seldom seen twice

  // The ids of a word, or nothing. REQUIRES: word.size() <= kLongestWord. `hash` is handed to insert() after a miss.
  const int32_t* find(std::string_view word, uint64_t& hash, size_t& count) const;
  void insert(std::string_view word, uint64_t hash, std::span<const int32_t> ids);

 private:
  static constexpr size_t kFewestSlots = 1 << 10, kMostSlots = 1 << 16;  // powers of two
  struct Slot {
    uint64_t hash = 0;
    uint32_t text = 0, ids = 0;  // offsets
    uint16_t bytes = 0;          // 0: free
    uint16_t count = 0;
  };
  void place(const Slot& slot);
  void make_room();

  std::vector<Slot> slots_;  // at most half full
  size_t used_ = 0;
  std::string text_;
  std::vector<int32_t> ids_;
};

// The caches that no call is using. As many exist as there were calls at once.
class WordCachePool {
 public:
  std::unique_ptr<WordCache> take();
  void give_back(std::unique_ptr<WordCache> cache);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> idle_;
};

}  // namespace lstar
