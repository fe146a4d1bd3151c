#include "lstar/tokenizer/models/bpe.h"

#include <algorithm>
#include <bit>

#include <fmt/core.h>

#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

// Words of up to this many characters are merged by looking through all pairs each time, longer ones with a heap. Both
// give the same tokens; short words are nearly all there are, and the heap costs more than it saves on them.
constexpr size_t kFewSymbols = 48;

// Puts the pair's token in the place of its left symbol and takes the right one out of the chain.
void join(std::vector<Bpe::Symbol>& symbols, int32_t position, int32_t merged) {
  Bpe::Symbol& left = symbols[static_cast<size_t>(position)];
  Bpe::Symbol& right = symbols[static_cast<size_t>(left.next)];
  left.id = merged;
  left.next = right.next;
  if (right.next >= 0) symbols[static_cast<size_t>(right.next)].previous = position;
  right.id = -1;
}

}  // namespace

Result<Bpe> Bpe::make(Vocabulary vocabulary, std::span<const BpeMerge> merges, BpeOptions options) {
  Bpe bpe;
  bpe.vocabulary_ = std::move(vocabulary);
  bpe.options_ = std::move(options);
  const Vocabulary& pieces = bpe.vocabulary_;
  LSTAR_TRY(check_piece_mark(bpe.options_.continuing_prefix, "continuing_subword_prefix"));
  LSTAR_TRY(check_piece_mark(bpe.options_.end_suffix, "end_of_word_suffix"));
  if (bpe.options_.unknown) {
    bpe.unknown_ = pieces.find(*bpe.options_.unknown);
    if (bpe.unknown_ < 0) return fail({.what = "unk_token is not in the vocabulary", .found = *bpe.options_.unknown});
  }
  bpe.merges_.assign(std::bit_ceil(merges.size() + merges.size() / 2 + 1), Merge{});
  bpe.merge_mask_ = bpe.merges_.size() - 1;
  constexpr size_t kAtOnce = 16;  // merges whose parts, and then whose places, are on their way from memory
  std::array<std::array<Vocabulary::Wanted, 2>, kAtOnce> parts;
  std::array<Merge, kAtOnce> made;
  std::string merged;
  int32_t next = -1;
  for (size_t begin = 0; begin < merges.size(); begin += kAtOnce) {
    const size_t end = std::min(merges.size(), begin + kAtOnce);
    for (size_t rank = begin; rank < end; ++rank)
      parts[rank - begin] = {pieces.prefetch(merges[rank].left), pieces.prefetch(merges[rank].right)};
    for (size_t rank = begin; rank < end; ++rank) {
      const auto& [left, right] = merges[rank];
      // The right part of a merge carries the prefix of continuing characters; the merged piece has it only at its
      // start.
      const std::string& prefix = bpe.options_.continuing_prefix;
      const std::string_view tail = right.starts_with(prefix) ? right.substr(prefix.size()) : right;
      merged.assign(left).append(tail);
      // Merged pieces mostly have their ids in the order of the merges, so the next id is worth a look.
      ++next;
      if (merged.empty() || pieces.piece(next) != merged) next = pieces.find(merged);
      const int32_t ids[] = {pieces.find(parts[rank - begin][0]), pieces.find(parts[rank - begin][1]), next};
      for (int i = 0; i < 3; ++i)
        if (ids[i] < 0)
          return fail(Error{.what = "merge of a token that is not in the vocabulary",
                            .at = fmt::format("merge {}", rank),
                            .found = std::string(i == 0   ? left
                                                 : i == 1 ? right
                                                          : std::string_view(merged))});
      made[rank - begin] = {key(ids[0], ids[1]), static_cast<uint32_t>(rank), ids[2]};
      __builtin_prefetch(&bpe.merges_[hash(made[rank - begin].pair) & bpe.merge_mask_], 1);
    }
    for (size_t rank = begin; rank < end; ++rank) bpe.insert(made[rank - begin]);
  }
  std::string text;
  for (uint32_t c = 0; c < bpe.short_characters_.size(); ++c) {
    text.clear();
    append_utf8(c, text);
    bpe.short_characters_[c] = pieces.find(text);
  }
  for (unsigned byte = 0; byte < 256; ++byte) bpe.byte_tokens_[byte] = pieces.find(fmt::format("<0x{:02X}>", byte));
  bpe.cuts_at_markers_ = !bpe.options_.ignore_merges && bpe.options_.continuing_prefix.empty() &&
                         bpe.options_.end_suffix.empty() && pieces.find(kMarker) >= 0 && pieces.cuts_at_markers();
  return bpe;
}

void Bpe::insert(const Merge& merge) {
  size_t i = hash(merge.pair) & merge_mask_;
  while (merges_[i].pair != kNoPair && merges_[i].pair != merge.pair) i = (i + 1) & merge_mask_;
  merges_[i] = merge;
}

void Bpe::encode(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const {
  if (options_.ignore_merges) {
    if (const int32_t id = vocabulary_.find(word); id >= 0) {
      ids.push_back(id);
      return;
    }
  }
  split(word, scratch);
  if (scratch.symbols.size() <= kFewSymbols)
    merge_few(scratch.symbols, scratch.queue);
  else
    merge_many(scratch.symbols, scratch.queue);
  for (const Symbol& symbol : scratch.symbols)
    if (symbol.id >= 0) ids.push_back(symbol.id);
}

// The id of one character of a word, or -1.
int32_t Bpe::character(std::string_view word, size_t begin, size_t end, std::string& text) const {
  const bool prefixed = begin > 0 && !options_.continuing_prefix.empty();
  const bool suffixed = end == word.size() && !options_.end_suffix.empty();
  const std::string_view plain = word.substr(begin, end - begin);
  if (!prefixed && !suffixed)
    return plain.size() <= 2 ? short_characters_[decode_utf8(plain, 0).value] : vocabulary_.find(plain);
  text.assign(prefixed ? options_.continuing_prefix : "").append(plain).append(suffixed ? options_.end_suffix : "");
  return vocabulary_.find(text);
}

void Bpe::split(std::string_view word, Scratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  symbols.clear();
  const auto add = [&](int32_t id) { symbols.push_back({id, 0, 0}); };
  bool unknown = false;  // an unknown token waits to be added: more characters may fuse with it
  for (size_t begin = 0; begin < word.size();) {
    const size_t end = begin + utf8_length(word[begin]);
    const std::string_view bytes = word.substr(begin, end - begin);
    if (const int32_t id = character(word, begin, end, scratch.text); id >= 0) {
      if (unknown) add(unknown_);
      unknown = false;
      add(id);
    } else if (options_.byte_fallback && std::all_of(bytes.begin(), bytes.end(), [&](char c) {
                 return byte_tokens_[static_cast<unsigned char>(c)] >= 0;
               })) {
      // An unknown token that waits goes on waiting, as in `tokenizers`: it is added behind these bytes.
      for (const char c : bytes) add(byte_tokens_[static_cast<unsigned char>(c)]);
    } else if (unknown_ >= 0) {
      if (unknown && !options_.fuse_unknown) add(unknown_);
      unknown = true;
    }
    begin = end;
  }
  if (unknown) add(unknown_);
  for (size_t i = 0; i < symbols.size(); ++i) {
    symbols[i].previous = static_cast<int32_t>(i) - 1;
    symbols[i].next = i + 1 < symbols.size() ? static_cast<int32_t>(i) + 1 : -1;
  }
}

void Bpe::merge_few(std::vector<Symbol>& symbols, std::vector<Candidate>& pairs) const {
  constexpr uint32_t kNone = ~uint32_t{0};
  // pairs[i] is the merge of symbol i with its next one; rank kNone where there is none.
  const auto look = [&](int32_t position) {
    const Symbol& left = symbols[static_cast<size_t>(position)];
    const Merge* merge = left.next < 0 ? nullptr : find(left.id, symbols[static_cast<size_t>(left.next)].id);
    Candidate& pair = pairs[static_cast<size_t>(position)];
    pair.rank = merge ? merge->rank : kNone;
    pair.merged = merge ? merge->merged : -1;
  };
  pairs.resize(symbols.size());
  for (size_t i = 0; i < symbols.size(); ++i) look(static_cast<int32_t>(i));
  while (!symbols.empty()) {
    int32_t best = 0;
    for (int32_t i = symbols[0].next; i >= 0; i = symbols[static_cast<size_t>(i)].next)
      if (pairs[static_cast<size_t>(i)].rank < pairs[static_cast<size_t>(best)].rank) best = i;
    if (pairs[static_cast<size_t>(best)].rank == kNone) return;
    join(symbols, best, pairs[static_cast<size_t>(best)].merged);
    look(best);
    if (const int32_t previous = symbols[static_cast<size_t>(best)].previous; previous >= 0) look(previous);
  }
}

void Bpe::merge_many(std::vector<Symbol>& symbols, std::vector<Candidate>& queue) const {
  // Lowest rank on top, and of equal ranks the leftmost.
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
  };
  const auto offer = [&](int32_t position) {
    const Symbol& left = symbols[static_cast<size_t>(position)];
    if (left.next < 0) return;
    const int32_t right = symbols[static_cast<size_t>(left.next)].id;
    if (const Merge* merge = find(left.id, right)) {
      queue.push_back({merge->rank, position, left.id, right, merge->merged});
      std::push_heap(queue.begin(), queue.end(), later);
    }
  };
  queue.clear();
  for (size_t i = 0; i < symbols.size(); ++i) offer(static_cast<int32_t>(i));
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), later);
    const Candidate top = queue.back();
    queue.pop_back();
    const Symbol& left = symbols[static_cast<size_t>(top.position)];
    // The pair may have been taken apart by merges since it was offered.
    if (left.id != top.left || left.next < 0 || symbols[static_cast<size_t>(left.next)].id != top.right) continue;
    join(symbols, top.position, top.merged);
    offer(top.position);
    if (left.previous >= 0) offer(left.previous);
  }
}

}  // namespace lstar
