#include "lstar/tokenizer/models/word_model.h"

namespace lstar {
namespace {

using Scratch = WordModel::Scratch;

void encode_with(const Bpe& model, std::string_view word, Scratch& scratch, TextBudget&, std::vector<int32_t>& ids) {
  model.encode(word, scratch.bpe, ids);
}
void encode_with(const SentencePieceBpe& model, std::string_view word, Scratch& scratch, TextBudget&,
                 std::vector<int32_t>& ids) {
  model.encode(word, scratch.sentencepiece, ids);
}
void encode_with(const WordPiece& model, std::string_view word, Scratch& scratch, TextBudget& budget,
                 std::vector<int32_t>& ids) {
  model.encode(word, scratch.text, budget, ids);
}
void encode_with(const WordLevel& model, std::string_view word, Scratch&, TextBudget&, std::vector<int32_t>& ids) {
  model.encode(word, ids);
}
void encode_with(const Unigram& model, std::string_view word, Scratch& scratch, TextBudget& budget,
                 std::vector<int32_t>& ids) {
  model.encode(word, scratch.unigram, budget, ids);
}

}  // namespace

void WordModel::encode(std::string_view word, Scratch& scratch, TextBudget& budget, std::vector<int32_t>& ids) const {
  std::visit([&](const auto& model) { encode_with(model, word, scratch, budget, ids); }, kind_);
}

const Vocabulary& WordModel::vocabulary() const {
  return std::visit([](const auto& model) -> const Vocabulary& { return model.vocabulary(); }, kind_);
}

bool WordModel::cuts_at_markers() const {
  return std::visit([](const auto& model) { return model.cuts_at_markers(); }, kind_);
}

}  // namespace lstar
