// Reads vocab.txt, BERT's own release: a piece a line, its id the line's number.
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>
#include <simdjson.h>

#include "lstar/base/atomic_file.h"
#include "lstar/tokenizer/pipeline.h"

namespace lstar {
namespace {

constexpr size_t kLargestFile = size_t{1} << 26;  // bytes; a vocabulary of 250,000 has 3 MB

// Of a piece that is listed twice the later line counts.
std::vector<VocabularyEntry> parse_lines(std::string_view text) {
  std::vector<VocabularyEntry> entries;
  std::unordered_map<std::string_view, size_t> places;
  int64_t id = 0;
  for (size_t begin = 0; begin < text.size(); ++id) {
    const size_t newline = text.find('\n', begin);
    std::string_view line = text.substr(begin, newline - begin);
    begin = newline == std::string_view::npos ? text.size() : newline + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto [place, is_new] = places.emplace(line, entries.size());
    if (is_new)
      entries.push_back({line, id});
    else
      entries[place->second].id = id;
  }
  return entries;
}

}  // namespace

Result<PipelinePointer> read_vocab_txt(const std::string& path, const BertText& normalization,
                                       const BertTokens& tokens) {
  LSTAR_ASSIGN(const std::string text, read_file(path, kLargestFile));
  if (!simdjson::validate_utf8(text.data(), text.size())) return fail({.what = "not UTF-8", .file = path});
  const auto model = [&]() -> Result<WordPiece> {
    LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(parse_lines(text)));
    return WordPiece::make(std::move(vocabulary), {.unknown = tokens.unknown});
  };
  auto made = model();
  if (!made) return fail(std::move(made).error().in(path));
  auto pipeline = std::make_shared<TokenizerPipeline>();
  pipeline->source = path;
  for (const auto& [token, side] : {std::pair(&tokens.first, &pipeline->prefix), {&tokens.last, &pipeline->suffix}}) {
    const int32_t id = made->vocabulary().find(*token);
    if (id < 0) return fail(Error{.what = "special token is not in the vocabulary", .file = path, .found = *token});
    side->push_back(id);
  }
  pipeline->model = *std::move(made);
  pipeline->normalizer.steps.emplace_back(normalization);
  add_bert_pre_tokenizer(pipeline->pre_tokenizer);
  return pipeline;
}

void add_bert_pre_tokenizer(PreTokenizer& pre_tokenizer) {
  using Set = CharacterSplit::Set;
  pre_tokenizer.steps.emplace_back(CharacterSplit{.set = Set::space, .behavior = SplitBehavior::removed});
  pre_tokenizer.steps.emplace_back(CharacterSplit{.set = Set::punctuation, .behavior = SplitBehavior::isolated});
}

}  // namespace lstar
