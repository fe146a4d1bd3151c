// Reads vocab.txt, BERT's own release: a piece a line, its id the line's number.
#include <string_view>

#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/text.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {
namespace {

constexpr size_t kLargestFile = size_t{1} << 26;  // bytes; a vocabulary of 250,000 has 3 MB

ListedPieces parse_lines(std::string_view text) {
  ListedPieces pieces;
  for (size_t begin = 0; begin < text.size();) {
    const size_t newline = text.find('\n', begin);
    std::string_view line = text.substr(begin, newline - begin);
    begin = newline == std::string_view::npos ? text.size() : newline + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    pieces.add(line);
  }
  return pieces;
}

}  // namespace

Result<WordModel> read_vocab_txt(const std::string& path, const std::string& unknown) {
  LSTAR_ASSIGN(const std::string text, read_file(path, kLargestFile));
  if (!is_utf8(text)) return fail({.what = "not UTF-8", .file = path});
  const auto make = [&]() -> Result<WordPiece> {
    LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(parse_lines(text).entries()));
    return WordPiece::make(std::move(vocabulary), {.unknown = unknown});
  };
  auto model = make();
  if (!model) return fail(std::move(model).error().in(path));
  return *std::move(model);
}

void add_bert_pre_tokenizer(PreTokenizer& pre_tokenizer) {
  using Set = CharacterSplit::Set;
  pre_tokenizer.steps.emplace_back(CharacterSplit{.set = Set::space, .behavior = SplitBehavior::removed});
  pre_tokenizer.steps.emplace_back(CharacterSplit{.set = Set::punctuation, .behavior = SplitBehavior::isolated});
}

}  // namespace lstar
