// Reads vocab.json and merges.txt, the two files of GPT-2's own release.
#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {
namespace {

constexpr size_t kLargestMerges = size_t{1} << 28;  // bytes; a vocabulary of 250,000 has 4 MB

// A line is two tokens with a space between; "#version" lines are skipped.
Result<std::vector<BpeMerge>> parse_merges(std::string_view text) {
  std::vector<BpeMerge> merges;
  for (size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const size_t newline = text.find('\n', begin);
    std::string_view line = text.substr(begin, newline - begin);
    begin = newline == std::string_view::npos ? text.size() : newline + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
      return fail(Error{.what = "not a merge",
                        .at = fmt::format("line {}", number),
                        .expected = "two tokens and a space between them",
                        .found = std::string(line.substr(0, 80))});
    merges.push_back({line.substr(0, space), line.substr(space + 1)});
  }
  return merges;
}

Result<Vocabulary> parse_vocabulary(Json root) {
  if (!root.is_object()) return fail("not an object of tokens and ids");
  std::vector<VocabularyEntry> entries;
  for (const auto& [piece, value] : root.fields()) {
    const auto id = value.integer();
    if (!id) return fail(Error{.what = "token id is not an integer", .at = fmt::format("token {}", piece)});
    entries.push_back({piece, *id});
  }
  return Vocabulary::make(entries);
}

}  // namespace

Result<WordModel> read_vocab_and_merges(const std::string& vocab_path, const std::string& merges_path) {
  LSTAR_ASSIGN(const JsonDocument document, JsonDocument::read(vocab_path));
  auto vocabulary = parse_vocabulary(document.root());
  if (!vocabulary) return fail(std::move(vocabulary).error().in(vocab_path));
  LSTAR_ASSIGN(const std::string merges_text, read_file(merges_path, kLargestMerges));
  const auto merges = parse_merges(merges_text);
  if (!merges) return fail(Error(merges.error()).in(merges_path));
  auto model = Bpe::make(*std::move(vocabulary), *merges, {});
  if (!model) return fail(std::move(model).error().in(merges_path));
  return *std::move(model);
}

}  // namespace lstar
