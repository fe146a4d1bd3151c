#include "lstar/tokenizer/models/wordpiece.h"

#include <algorithm>

#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

constexpr size_t kBytesAUnit = 64;  // that are hashed in the time of a unit of TextBudget

Result<int32_t> find_unknown(const Vocabulary& vocabulary, const std::string& unknown) {
  const int32_t id = vocabulary.find(unknown);
  if (id < 0) return fail(Error{.what = "unk_token is not in the vocabulary", .found = unknown});
  return id;
}

}  // namespace

Result<WordPiece> WordPiece::make(Vocabulary vocabulary, WordPieceOptions options) {
  WordPiece model;
  LSTAR_TRY(check_piece_mark(options.continuing_prefix, "continuing_subword_prefix"));
  LSTAR_ASSIGN(model.unknown_, find_unknown(vocabulary, options.unknown));
  model.vocabulary_ = std::move(vocabulary);
  model.options_ = std::move(options);
  model.longest_ = model.vocabulary_.longest();
  return model;
}

void WordPiece::encode(std::string_view word, std::string& text, TextBudget& budget, std::vector<int32_t>& ids) const {
  size_t characters = 0;
  for (size_t i = 0; i < word.size(); i += utf8_length(word[i])) ++characters;
  const size_t before = ids.size();
  bool known = characters <= options_.longest_word;
  for (size_t begin = 0; known && begin < word.size();) {
    // Prefix and all, so that no piece is missed: what is longer than every piece needs no look.
    size_t end = std::min(word.size(), begin + longest_);
    while (end < word.size() && (static_cast<unsigned char>(word[end]) & 0xc0) == 0x80) --end;
    int32_t id = -1;
    for (; end > begin; end = begin + last_character(word.substr(begin, end - begin))) {
      text.assign(begin > 0 ? options_.continuing_prefix : "").append(word, begin, end - begin);
      if ((id = vocabulary_.find(text)) >= 0) break;
      if (!budget.spend(1 + text.size() / kBytesAUnit)) return;
    }
    known = id >= 0;
    if (known) ids.push_back(id);
    begin = end;
  }
  if (known) return;
  ids.resize(before);
  ids.push_back(unknown_);
}

Result<WordLevel> WordLevel::make(Vocabulary vocabulary, const std::string& unknown) {
  WordLevel model;
  LSTAR_ASSIGN(model.unknown_, find_unknown(vocabulary, unknown));
  model.vocabulary_ = std::move(vocabulary);
  return model;
}

}  // namespace lstar
