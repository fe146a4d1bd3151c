#include "lstar/tokenizer/models/unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/core.h>

#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

constexpr double kUnknownPenalty = 10;

unsigned byte_at(std::string_view text, size_t i) { return static_cast<unsigned char>(text[i]); }

}  // namespace

Result<Unigram> Unigram::make(Vocabulary vocabulary, std::vector<double> scores, int64_t unknown, bool byte_fallback) {
  Unigram model;
  model.vocabulary_ = std::move(vocabulary);
  model.scores_ = std::move(scores);
  const Vocabulary& pieces = model.vocabulary_;
  if (unknown < 0 || unknown >= pieces.size())
    return fail({.what = "token id out of range",
                 .at = "unk_id",
                 .expected = fmt::format("0 to {}", pieces.size() - 1),
                 .found = fmt::format("{}", unknown)});
  model.unknown_ = static_cast<int32_t>(unknown);
  model.byte_fallback_ = byte_fallback;
  double worst = std::numeric_limits<double>::infinity();
  for (const double score : model.scores_) {
    if (!std::isfinite(score)) return fail("score is not a finite number");
    worst = std::min(worst, score);
  }
  model.unknown_score_ = worst - kUnknownPenalty;
  for (unsigned byte = 0; byte < 256; ++byte) model.byte_tokens_[byte] = pieces.find(fmt::format("<0x{:02X}>", byte));

  for (int32_t id = 0; id < pieces.size(); ++id)
    if (!pieces.piece(id).empty()) model.sorted_.push_back(id);
  std::sort(model.sorted_.begin(), model.sorted_.end(),
            [&](int32_t a, int32_t b) { return pieces.piece(a) < pieces.piece(b); });
  size_t i = 0;
  for (size_t byte = 0; byte < 256; ++byte) {
    model.first_[byte] = i;
    while (i < model.sorted_.size() && byte_at(pieces.piece(model.sorted_[i]), 0) == byte) ++i;
  }
  model.first_[256] = i;
  return model;
}

void Unigram::encode(std::string_view word, Scratch& scratch, TextBudget& budget, std::vector<int32_t>& ids) const {
  std::vector<Node>& nodes = scratch.nodes;
  nodes.assign(word.size() + 1, Node{});
  const auto offer = [&](size_t begin, size_t end, double score, int32_t id) {
    Node& node = nodes[end];
    score += nodes[begin].score;
    if (!node.reached || score > node.score) node = {score, id, static_cast<uint32_t>(begin), true};
  };
  for (size_t begin = 0; begin < word.size();) {
    const size_t character = utf8_length(word[begin]);
    bool has_character = false;
    // The pieces that agree with the word in their first `depth` bytes stand side by side; one byte more narrows them.
    const auto piece = [&](size_t i) { return vocabulary_.piece(sorted_[i]); };
    size_t low = first_[byte_at(word, begin)], high = first_[byte_at(word, begin) + 1];
    size_t depth = 1;
    for (; low < high; ++depth) {
      if (piece(low).size() == depth) {  // the shortest of them stands first
        const int32_t id = sorted_[low++];
        offer(begin, begin + depth, scores_[static_cast<size_t>(id)], id);
        has_character |= depth == character;
      }
      if (begin + depth == word.size()) break;
      const unsigned byte = byte_at(word, begin + depth);
      const auto bound = [&](size_t from, auto before) {
        const auto end = sorted_.begin() + static_cast<ptrdiff_t>(high);
        return static_cast<size_t>(
            std::partition_point(sorted_.begin() + static_cast<ptrdiff_t>(from), end,
                                 [&](int32_t id) { return before(byte_at(vocabulary_.piece(id), depth)); }) -
            sorted_.begin());
      };
      low = bound(low, [&](unsigned b) { return b < byte; });
      high = bound(low, [&](unsigned b) { return b == byte; });
    }
    if (!budget.spend(depth)) return;
    if (!has_character) offer(begin, begin + character, unknown_score_, unknown_);
    begin += character;
  }

  std::vector<int32_t>& reversed = scratch.reversed;
  reversed.clear();
  size_t unknown_end = 0;  // > 0: an unknown stretch ends there, and begins at `end`
  for (size_t end = word.size();;) {
    const bool unknown = end > 0 && nodes[end].id == unknown_;
    if (unknown && unknown_end == 0) unknown_end = end;
    if (!unknown && unknown_end > 0) {
      add_unknown(word.substr(end, unknown_end - end), reversed);
      unknown_end = 0;
    }
    if (end == 0) break;
    if (!unknown) reversed.push_back(nodes[end].id);
    end = nodes[end].begin;
  }
  ids.insert(ids.end(), reversed.rbegin(), reversed.rend());
}

void Unigram::add_unknown(std::string_view text, std::vector<int32_t>& reversed) const {
  if (const int32_t id = vocabulary_.find(text); id >= 0) {  // the unknown token, written out
    reversed.push_back(id);
    return;
  }
  const auto token = [&](char c) { return byte_tokens_[static_cast<unsigned char>(c)]; };
  if (byte_fallback_ && std::all_of(text.begin(), text.end(), [&](char c) { return token(c) >= 0; }))
    std::transform(text.rbegin(), text.rend(), std::back_inserter(reversed), token);
  else
    reversed.push_back(unknown_);
}

}  // namespace lstar
