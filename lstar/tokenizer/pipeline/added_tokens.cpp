#include "lstar/tokenizer/pipeline/added_tokens.h"

#include <algorithm>

#include "lstar/tokenizer/pipeline/unicode.h"
#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

bool ends_with_word(std::string_view text) {
  return !text.empty() && is_word_character(decode_utf8(text, last_character(text)).value);
}

bool begins_with_word(std::string_view text) { return !text.empty() && is_word_character(decode_utf8(text, 0).value); }

bool is_space_at(std::string_view text, size_t position) { return is_space(decode_utf8(text, position).value); }

// Where the white space at the end of a text begins.
size_t space_at_end(std::string_view text) {
  size_t begin = text.size();
  while (begin > 0) {
    const size_t character = last_character(text.substr(0, begin));
    if (!is_space_at(text, character)) break;
    begin = character;
  }
  return begin;
}

size_t space_at_start(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && is_space_at(text, end)) end += utf8_length(text[end]);
  return end;
}

}  // namespace

void AddedTokens::add(AddedToken token, const Vocabulary& vocabulary) {
  if (token.content.empty()) return;
  if (const auto known = by_content_.find(token.content); known != by_content_.end()) {
    token.id = tokens_[known->second].id;
    token.special |= tokens_[known->second].special;
    tokens_[known->second] = std::move(token);
    return;
  }
  token.id = vocabulary.find(token.content);
  if (token.id < 0) token.id = std::max(size_, vocabulary.count());
  size_ = std::max(size_, token.id + 1);
  by_content_.emplace(token.content, tokens_.size());
  by_id_.insert_or_assign(token.id, tokens_.size());
  tokens_.push_back(std::move(token));
}

Result<void> AddedTokens::finish(const Normalizer& normalizer) {
  std::vector<Pattern> raw, normalized;
  std::string buffer;
  size_t bytes = 0;
  for (const AddedToken& token : tokens_) bytes += token.content.size();
  TextBudget budget(bytes);
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (!tokens_[i].normalized) {
      raw.push_back({tokens_[i].content, i});
      continue;
    }
    LSTAR_ASSIGN(const Normalizer::Normalized text, normalizer.apply(tokens_[i].content, false, buffer, budget));
    if (!text.text.empty()) normalized.push_back({std::string(text.text), i});
  }
  in_raw_.build(std::move(raw));
  in_normalized_.build(std::move(normalized));
  return {};
}

int32_t AddedTokens::find(std::string_view content) const {
  const auto at = by_content_.find(content);
  return at == by_content_.end() ? -1 : tokens_[at->second].id;
}

const AddedToken* AddedTokens::token(int32_t id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &tokens_[at->second];
}

void AddedTokens::Finder::build(std::vector<Pattern> all) {
  // Of two tokens with one spelling (normalisation may make them alike) the first counts.
  std::stable_sort(all.begin(), all.end(), [](const Pattern& a, const Pattern& b) { return a.text < b.text; });
  const auto alike = [](const Pattern& a, const Pattern& b) { return a.text == b.text; };
  all.erase(std::unique(all.begin(), all.end(), alike), all.end());
  patterns = std::move(all);
  for (const Pattern& pattern : patterns) begins[static_cast<unsigned char>(pattern.text.front())] = true;
}

const AddedTokens::Pattern* AddedTokens::Finder::longest_at(std::string_view text, size_t position,
                                                            TextBudget& budget) const {
  // The patterns that agree with the text in their first `depth` bytes stand side by side; one byte more narrows them.
  auto begin = patterns.begin(), end = patterns.end();
  const Pattern* longest = nullptr;
  size_t depth = 0;
  for (; begin != end; ++depth) {
    if (begin->text.size() == depth) {  // the shortest of them stands first
      longest = &*begin;
      ++begin;
    }
    if (position + depth == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[position + depth]);
    begin = std::partition_point(
        begin, end, [&](const Pattern& pattern) { return static_cast<unsigned char>(pattern.text[depth]) < byte; });
    end = std::partition_point(
        begin, end, [&](const Pattern& pattern) { return static_cast<unsigned char>(pattern.text[depth]) == byte; });
  }
  budget.spend(depth);
  return longest;
}

Result<void> AddedTokens::split(std::string_view text, bool normalized, std::vector<Part>& parts,
                                TextBudget& budget) const {
  const Finder& finder = normalized ? in_normalized_ : in_raw_;
  size_t done = 0;  // up to here the text is in `parts`
  for (size_t i = 0; i < text.size();) {
    const bool begins = finder.begins[static_cast<unsigned char>(text[i])];
    const Pattern* pattern = begins ? finder.longest_at(text, i, budget) : nullptr;
    if (budget.is_spent()) return fail(budget.error());
    if (!pattern) {
      ++i;
      continue;
    }
    const AddedToken& token = tokens_[pattern->token];
    size_t begin = i, end = i + pattern->text.size();
    i = end;
    if (token.special && splits_special_) continue;
    if (token.single_word && (ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end)))) continue;
    if (token.left_strip && done < begin) begin = done + space_at_end(text.substr(done, begin - done));
    if (token.right_strip) {
      const size_t space = space_at_start(text.substr(end));
      budget.spend(space);  // of which the next token may take the rest again
      end += space;
    }
    if (done < begin) parts.push_back({text.substr(done, begin - done)});
    parts.push_back({text.substr(begin, end - begin), token.id});
    done = end;
  }
  if (done < text.size()) parts.push_back({text.substr(done)});
  return {};
}

}  // namespace lstar
