#include "lstar/tokenizer/models/sentencepiece_bpe.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {

Result<SentencePieceBpe> SentencePieceBpe::make(Vocabulary vocabulary, std::vector<float> scores,
                                                std::vector<Type> types, bool whole_words) {
  SentencePieceBpe bpe;
  bpe.whole_words_ = whole_words;
  bpe.vocabulary_ = std::move(vocabulary);
  bpe.scores_ = std::move(scores);
  bpe.types_ = std::move(types);
  const Vocabulary& pieces = bpe.vocabulary_;
  const auto size = static_cast<size_t>(pieces.size());
  if (bpe.scores_.size() != size || bpe.types_.size() != size)
    return fail({.what = "scores and types of tokens",
                 .expected = fmt::format("{} of each", size),
                 .found = fmt::format("{} scores and {} types", bpe.scores_.size(), bpe.types_.size())});
  for (size_t id = 0; id < size; ++id) {
    if (std::isnan(bpe.scores_[id]))
      return fail(Error{.what = "score is not a number", .at = fmt::format("token {}", id)});
    if (bpe.types_[id] == Type::unknown) bpe.unknown_ = static_cast<int32_t>(id);
  }
  bpe.longest_ = pieces.longest();
  bpe.has_bytes_ = true;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const int32_t id = pieces.find(fmt::format("<0x{:02X}>", byte));
    bpe.byte_pieces_[byte] = id;
    bpe.has_bytes_ &= id >= 0 && bpe.types_[static_cast<size_t>(id)] == Type::byte;
  }
  if (!bpe.has_bytes_ && bpe.unknown_ < 0)
    return fail(
        Error{.what = "no token for unknown characters", .expected = "256 byte tokens, or one of type unknown"});
  bpe.cuts_at_markers_ = !whole_words && bpe.find(kMarker) >= 0 && pieces.cuts_at_markers();
  return bpe;
}

int32_t SentencePieceBpe::find(std::string_view text) const {
  if (text.size() > longest_) return -1;
  const int32_t id = vocabulary_.find(text);
  if (id < 0) return -1;
  const Type type = types_[static_cast<size_t>(id)];
  return type == Type::normal || type == Type::user_defined || type == Type::unused ? id : -1;
}

void SentencePieceBpe::encode(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const {
  if (whole_words_) {
    if (const int32_t id = vocabulary_.find(word); id >= 0) {
      ids.push_back(id);
      return;
    }
  }
  std::vector<Symbol>& symbols = scratch.symbols;
  std::vector<Candidate>& queue = scratch.queue;
  symbols.clear();
  queue.clear();
  scratch.joins.clear();
  for (size_t begin = 0; begin < word.size();) {
    const size_t size = utf8_length(word[begin]);
    const auto here = static_cast<int32_t>(symbols.size());
    symbols.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(size), here - 1, here + 1,
                       find(word.substr(begin, size))});
    begin += size;
  }
  symbols.back().next = -1;

  const auto at = [&](int32_t position) -> Symbol& { return symbols[static_cast<size_t>(position)]; };
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score < b.score : a.left > b.left;
  };
  const auto offer = [&](int32_t left) {
    const Symbol& symbol = at(left);
    if (symbol.next < 0) return;
    const uint32_t size = symbol.size + at(symbol.next).size;
    const int32_t id = find(word.substr(symbol.begin, size));
    if (id < 0) return;
    queue.push_back({scores_[static_cast<size_t>(id)], left, size, id});
    std::push_heap(queue.begin(), queue.end(), later);
    if (types_[static_cast<size_t>(id)] == Type::unused)
      scratch.joins.insert_or_assign(word.substr(symbol.begin, size), symbol.size);
  };
  for (size_t i = 0; i + 1 < symbols.size(); ++i) offer(static_cast<int32_t>(i));
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), later);
    const Candidate top = queue.back();
    queue.pop_back();
    Symbol& left = at(top.left);
    // One of the two may have been joined to something else since.
    if (left.size == 0 || left.next < 0 || left.size + at(left.next).size != top.size) continue;
    Symbol& right = at(left.next);
    left.size = top.size;
    left.id = top.id;
    right.size = 0;
    left.next = right.next;
    if (left.next >= 0) at(left.next).previous = top.left;
    offer(top.left);
    if (left.previous >= 0) offer(left.previous);
  }
  const size_t before = ids.size();
  for (int32_t i = 0; i >= 0; i = at(i).next) add(word, at(i).begin, at(i).size, at(i).id, scratch, ids);
  if (unknown_ < 0 || has_bytes_) return;
  // Neighbouring unknown characters are one token.
  const auto again = [&](int32_t a, int32_t b) { return a == unknown_ && b == unknown_; };
  ids.erase(std::unique(ids.begin() + static_cast<ptrdiff_t>(before), ids.end(), again), ids.end());
}

// Appends a symbol's ids. An unused piece is taken apart again, into the parts it was last offered as.
void SentencePieceBpe::add(std::string_view word, uint32_t begin, uint32_t size, int32_t id, const Scratch& scratch,
                           std::vector<int32_t>& ids) const {
  if (id >= 0 && types_[static_cast<size_t>(id)] == Type::unused) {
    const std::string_view text = word.substr(begin, size);
    if (const auto join = scratch.joins.find(text); join != scratch.joins.end()) {
      const uint32_t left = join->second;
      add(word, begin, left, find(text.substr(0, left)), scratch, ids);
      add(word, begin + left, size - left, find(text.substr(left)), scratch, ids);
      return;
    }
  }
  if (id >= 0) {
    ids.push_back(id);
  } else if (has_bytes_) {
    for (const char c : word.substr(begin, size)) ids.push_back(byte_pieces_[static_cast<unsigned char>(c)]);
  } else {
    ids.push_back(unknown_);
  }
}

}  // namespace lstar
