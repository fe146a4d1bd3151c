// Models of a tokenizer.json.
#include <algorithm>
#include <string_view>

#include <fmt/core.h>

#include "lstar/base/limits.h"
#include "lstar/tokenizer/files/json_component.h"

namespace lstar {
namespace {

namespace dom = simdjson::dom;

// The pieces of a list, with or without scores.
Result<std::vector<VocabularyEntry>> read_listed(dom::array items) {
  ListedPieces pieces;
  for (Json item : items) {
    dom::array pair;
    std::string_view piece;
    const bool is_scored = !item.get_array().get(pair);
    if ((is_scored ? pair.at(0).get_string() : item.get_string()).get(piece))
      return fail(Error{.what = "not a piece", .at = fmt::format("model, key vocab, token {}", pieces.listed())});
    pieces.add(piece);
  }
  return pieces.entries();
}

Result<std::vector<VocabularyEntry>> read_entries(Json model, bool of_class) {
  const auto vocabulary = json_find(model, "vocab");
  dom::array items;
  if (of_class && vocabulary && !vocabulary->get_array().get(items)) return read_listed(items);
  dom::object fields;
  if (!vocabulary || vocabulary->get_object().get(fields))
    return fail(Error{.what = "missing or not an object", .at = "model, key vocab"});
  std::vector<VocabularyEntry> entries;
  entries.reserve(fields.size());
  for (dom::key_value_pair field : fields) {
    int64_t id = 0;
    if (field.value.get_int64().get(id))
      return fail(Error{.what = "token id is not an integer", .at = fmt::format("token {}", field.key)});
    entries.push_back({field.key, id});
  }
  return entries;
}

Result<BpeMerge> read_merge(Json merge) {
  std::string_view text, left, right;
  dom::array pair;
  if (!merge.get_string().get(text)) {
    const size_t space = text.find(' ');
    if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos)
      return BpeMerge{text.substr(0, space), text.substr(space + 1)};
  } else if (!merge.get_array().get(pair) && pair.size() == 2 && !pair.at(0).get_string().get(left) &&
             !pair.at(1).get_string().get(right)) {
    return BpeMerge{left, right};
  }
  return fail({.what = "not a merge", .expected = "two tokens", .found = json_shown(merge)});
}

Result<Bpe> read_bpe(Json model) {
  if (json_number(model, "dropout").value_or(0) != 0)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "not supported",
                 .at = "model",
                 .expected = "no dropout",
                 .found = "dropout: ids would be random"});
  return read_json_merges(model,
                          {.unknown = json_string(model, "unk_token"),
                           .fuse_unknown = json_flag(model, "fuse_unk", false),
                           .byte_fallback = json_flag(model, "byte_fallback", false),
                           .ignore_merges = json_flag(model, "ignore_merges", false),
                           .continuing_prefix = json_string(model, "continuing_subword_prefix").value_or(""),
                           .end_suffix = json_string(model, "end_of_word_suffix").value_or("")},
                          false);
}

Result<WordPiece> read_wordpiece(Json model) {
  LSTAR_ASSIGN(Vocabulary vocabulary, read_json_vocabulary(model, false));
  const auto written = json_find(model, "max_input_chars_per_word");
  int64_t longest = 100;
  if (written && (written->get_int64().get(longest) || longest < 0))
    return fail({.what = "length",
                 .at = "model, key max_input_chars_per_word",
                 .expected = "at least 0",
                 .found = json_shown(*written)});
  return WordPiece::make(std::move(vocabulary),
                         {.unknown = json_string(model, "unk_token").value_or("[UNK]"),
                          .continuing_prefix = json_string(model, "continuing_subword_prefix").value_or("##"),
                          .longest_word = static_cast<size_t>(longest)});
}

Result<WordLevel> read_word_level(Json model) {
  LSTAR_ASSIGN(Vocabulary vocabulary, read_json_vocabulary(model, false));
  return WordLevel::make(std::move(vocabulary), json_string(model, "unk_token").value_or("<unk>"));
}

}  // namespace

Result<Vocabulary> read_json_vocabulary(Json model, bool of_class) {
  LSTAR_ASSIGN(const auto entries, read_entries(model, of_class));
  return Vocabulary::make(entries);
}

Result<Bpe> read_json_merges(Json model, BpeOptions options, bool of_class) {
  LSTAR_ASSIGN(const auto entries, read_entries(model, of_class));
  std::vector<BpeMerge> merges;
  if (!of_class || json_find(model, "merges")) {
    LSTAR_ASSIGN(const dom::array items, json_members(model, "model", "merges"));
    merges.reserve(items.size());
    for (Json item : items) {
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
  LSTAR_ASSIGN(const dom::array items, json_members(model, "model", "vocab"));
  ListedPieces pieces;
  std::vector<double> scores;
  for (Json item : items) {
    dom::array pair;
    std::string_view piece;
    double score = 0;
    if (item.get_array().get(pair) || pair.size() != 2 || pair.at(0).get_string().get(piece) ||
        pair.at(1).get_double().get(score))
      return fail(
          Error{.what = "not a piece and its score", .at = fmt::format("model, key vocab, token {}", scores.size())});
    scores.push_back(score);
    pieces.add(piece);
  }
  LSTAR_ASSIGN(Vocabulary vocabulary, Vocabulary::make(pieces.entries()));
  if (!unknown) unknown = std::max(vocabulary.find(unknown_piece), 0);
  return Unigram::make(std::move(vocabulary), std::move(scores), *unknown, byte_fallback);
}

Result<void> read_json_model(Json model, TokenizerPipeline& pipeline) {
  // Early files have no type; what they hold tells it.
  const std::string type = json_string(model, "type").value_or(json_find(model, "merges") ? "BPE" : "no type");
  if (type == "BPE") {
    LSTAR_ASSIGN(pipeline.model, read_bpe(model));
  } else if (type == "WordPiece") {
    LSTAR_ASSIGN(pipeline.model, read_wordpiece(model));
  } else if (type == "WordLevel") {
    LSTAR_ASSIGN(pipeline.model, read_word_level(model));
  } else if (type == "Unigram") {
    LSTAR_ASSIGN(pipeline.model, read_json_unigrams(model, json_integer(model, "unk_id").value_or(-1), "",
                                                    json_flag(model, "byte_fallback", false)));
  } else {
    return unsupported_component("model", "BPE, Unigram, WordPiece or WordLevel", type);
  }
  return {};
}

}  // namespace lstar
