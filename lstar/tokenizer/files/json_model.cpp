// Models of a tokenizer.json.
#include <algorithm>
#include <string_view>

#include <fmt/core.h>

#include "lstar/base/limits.h"
#include "lstar/tokenizer/files/json_component.h"

namespace lstar {
namespace {

// The pieces of a list, with or without scores.
Result<std::vector<VocabularyEntry>> read_listed(Json list) {
  ListedPieces pieces;
  for (Json item : list.items()) {
    const auto piece = item.is_array() ? item.at(0).value_or(Json()).raw_string() : item.raw_string();
    if (!piece)
      return fail(Error{.what = "not a piece", .at = fmt::format("model, key vocab, token {}", pieces.listed())});
    pieces.add(*piece);
  }
  return pieces.entries();
}

Result<std::vector<VocabularyEntry>> read_entries(Json model, bool of_class) {
  const auto vocabulary = model.find("vocab");
  if (of_class && vocabulary && vocabulary->is_array()) return read_listed(*vocabulary);
  if (!vocabulary || !vocabulary->is_object())
    return fail(Error{.what = "missing or not an object", .at = "model, key vocab"});
  std::vector<VocabularyEntry> entries;
  entries.reserve(vocabulary->size());
  for (const auto& [piece, value] : vocabulary->fields()) {
    const auto id = value.integer();
    if (!id) return fail(Error{.what = "token id is not an integer", .at = fmt::format("token {}", piece)});
    entries.push_back({piece, *id});
  }
  return entries;
}

Result<BpeMerge> read_merge(Json merge) {
  if (const auto text = merge.raw_string()) {
    const size_t space = text->find(' ');
    if (space != text->npos && text->find(' ', space + 1) == text->npos)
      return BpeMerge{text->substr(0, space), text->substr(space + 1)};
  } else if (merge.is_array() && merge.size() == 2) {
    const auto left = merge.at(0)->raw_string(), right = merge.at(1)->raw_string();
    if (left && right) return BpeMerge{*left, *right};
  }
  return fail({.what = "not a merge", .expected = "two tokens", .found = merge.shown()});
}

Result<Bpe> read_bpe(Json model) {
  if (model.number("dropout").value_or(0) != 0)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "not supported",
                 .at = "model",
                 .expected = "no dropout",
                 .found = "dropout: ids would be random"});
  return read_json_merges(model,
                          {.unknown = model.string("unk_token"),
                           .fuse_unknown = json_flag(model, "fuse_unk", false),
                           .byte_fallback = json_flag(model, "byte_fallback", false),
                           .ignore_merges = json_flag(model, "ignore_merges", false),
                           .continuing_prefix = model.string("continuing_subword_prefix").value_or(""),
                           .end_suffix = model.string("end_of_word_suffix").value_or("")},
                          false);
}

Result<WordPiece> read_wordpiece(Json model) {
  LSTAR_ASSIGN(Vocabulary vocabulary, read_json_vocabulary(model, false));
  const auto written = model.find("max_input_chars_per_word");
  const int64_t longest = written ? written->integer().value_or(-1) : 100;
  if (longest < 0)
    return fail({.what = "length",
                 .at = "model, key max_input_chars_per_word",
                 .expected = "at least 0",
                 .found = written->shown()});
  return WordPiece::make(std::move(vocabulary),
                         {.unknown = model.string("unk_token").value_or("[UNK]"),
                          .continuing_prefix = model.string("continuing_subword_prefix").value_or("##"),
                          .longest_word = static_cast<size_t>(longest)});
}

Result<WordLevel> read_word_level(Json model) {
  LSTAR_ASSIGN(Vocabulary vocabulary, read_json_vocabulary(model, false));
  return WordLevel::make(std::move(vocabulary), model.string("unk_token").value_or("<unk>"));
}

}  // namespace

Result<Vocabulary> read_json_vocabulary(Json model, bool of_class) {
  LSTAR_ASSIGN(const auto entries, read_entries(model, of_class));
  return Vocabulary::make(entries);
}

Result<Bpe> read_json_merges(Json model, BpeOptions options, bool of_class) {
  LSTAR_ASSIGN(const auto entries, read_entries(model, of_class));
  std::vector<BpeMerge> merges;
  if (!of_class || model.find("merges")) {
    LSTAR_ASSIGN(const Json list, json_members(model, "model", "merges"));
    merges.reserve(list.size());
    for (Json item : list.items()) {
      LSTAR_ASSIGN(const BpeMerge merge, read_merge(item));
      merges.push_back(merge);
    }
  }
  LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(entries));
  return Bpe::make(std::move(vocabulary), merges, std::move(options));
}

// A list of pieces and scores. The unknown piece has an id, or is found by its text; where that is not there it is the
// first.
Result<Unigram> read_json_unigrams(Json model, std::optional<int64_t> unknown, std::string_view unknown_piece,
                                   bool byte_fallback) {
  LSTAR_ASSIGN(const Json list, json_members(model, "model", "vocab"));
  ListedPieces pieces;
  std::vector<double> scores;
  for (Json item : list.items()) {
    const bool is_pair = item.is_array() && item.size() == 2;
    const auto piece = is_pair ? item.at(0)->raw_string() : std::nullopt;
    const Json score = is_pair ? *item.at(1) : Json();
    if (!piece || !score.is_number())
      return fail(
          Error{.what = "not a piece and its score", .at = fmt::format("model, key vocab, token {}", scores.size())});
    scores.push_back(*score.number());
    pieces.add(*piece);
  }
  LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(pieces.entries()));
  if (!unknown) unknown = std::max(vocabulary.find(unknown_piece), 0);
  return Unigram::make(std::move(vocabulary), std::move(scores), *unknown, byte_fallback);
}

Result<void> read_json_model(Json model, TokenizerPipeline& pipeline) {
  // Early files have no type; what they hold tells it.
  const std::string type = model.string("type").value_or(model.find("merges") ? "BPE" : "no type");
  if (type == "BPE") {
    LSTAR_ASSIGN(pipeline.model, read_bpe(model));
  } else if (type == "WordPiece") {
    LSTAR_ASSIGN(pipeline.model, read_wordpiece(model));
  } else if (type == "WordLevel") {
    LSTAR_ASSIGN(pipeline.model, read_word_level(model));
  } else if (type == "Unigram") {
    LSTAR_ASSIGN(pipeline.model, read_json_unigrams(model, model.integer("unk_id").value_or(-1), "",
                                                    json_flag(model, "byte_fallback", false)));
  } else {
    return unsupported_component("model", "BPE, Unigram, WordPiece or WordLevel", type);
  }
  return {};
}

}  // namespace lstar
