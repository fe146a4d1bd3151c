// Vocabularies in a GGUF's metadata, put together in memory from the recorded tokenizers.
#include "lstar/checkpoint/gguf_metadata.h"

#include <cmath>
#include <map>

#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

class Metadata final : public GgufMetadata {
 public:
  std::map<std::string, std::string, std::less<>> texts;
  std::map<std::string, std::vector<std::string>, std::less<>> text_lists;
  std::map<std::string, std::vector<int64_t>, std::less<>> integer_lists;
  std::map<std::string, std::vector<double>, std::less<>> number_lists;
  std::map<std::string, int64_t, std::less<>> numbers_;
  std::map<std::string, bool, std::less<>> flags;
  std::string path_ = "model.gguf";

  std::optional<int64_t> integer(std::string_view key) const override { return get(numbers_, key); }
  std::optional<double> number(std::string_view) const override { return std::nullopt; }
  std::optional<bool> boolean(std::string_view key) const override { return get(flags, key); }
  std::optional<std::string_view> string(std::string_view key) const override {
    const auto at = texts.find(key);
    return at == texts.end() ? std::nullopt : std::optional<std::string_view>(at->second);
  }
  std::optional<std::vector<std::string_view>> strings(std::string_view key) const override {
    const auto at = text_lists.find(key);
    if (at == text_lists.end()) return std::nullopt;
    return std::vector<std::string_view>(at->second.begin(), at->second.end());
  }
  std::optional<std::vector<int64_t>> integers(std::string_view key) const override { return get(integer_lists, key); }
  std::optional<std::vector<double>> numbers(std::string_view key) const override { return get(number_lists, key); }
  const std::string& path() const override { return path_; }

 private:
  template <class Map>
  static std::optional<typename Map::mapped_type> get(const Map& map, std::string_view key) {
    const auto at = map.find(key);
    return at == map.end() ? std::nullopt : std::optional(at->second);
  }
};

// What a conversion to GGUF keeps of a tokenizer.json.
Metadata from_folder(const std::string& name, const std::string& pre) {
  const auto document = JsonDocument::read(test::data_path(name + "/tokenizer.json"));
  const Json root = document->root();
  Metadata metadata;
  metadata.texts["tokenizer.ggml.model"] = "gpt2";
  metadata.texts["tokenizer.ggml.pre"] = pre;
  std::map<int64_t, std::pair<std::string, int64_t>> tokens;  // id -> piece, type
  for (const auto& field : root["model"]["vocab"].fields())
    tokens[field.value.integer().value()] = {std::string(field.key), 1};
  for (Json added : root["added_tokens"].items())
    tokens[*added.integer("id")] = {*added.string("content"), *added.boolean("special") ? 3 : 4};
  for (const auto& [id, token] : tokens) {
    metadata.text_lists["tokenizer.ggml.tokens"].push_back(token.first);
    metadata.integer_lists["tokenizer.ggml.token_type"].push_back(token.second);
  }
  for (Json merge : root["model"]["merges"].items()) {
    const auto text = merge.string();
    if (!text)
      metadata.text_lists["tokenizer.ggml.merges"].push_back(std::string(merge.at(0)->string().value()) + " " +
                                                             std::string(merge.at(1)->string().value()));
    else
      metadata.text_lists["tokenizer.ggml.merges"].emplace_back(*text);
  }
  return metadata;
}

void expect_same(const Metadata& metadata, const std::string& name) {
  const auto from_gguf = open_tokenizer({.gguf = &metadata});
  ASSERT_TRUE(from_gguf) << from_gguf.error().message();
  const auto from_json = test::open_folder(test::data_path(name));
  ASSERT_TRUE(from_json) << from_json.error().message();
  EXPECT_EQ(from_gguf->size(), from_json->size());
  for (const std::string& line : test::recorded_lines()) {
    // A GGUF does not keep that a token eats spaces or stands alone.
    if (line.find("<|strip|>") != std::string::npos || line.find("<|word|>") != std::string::npos) continue;
    EXPECT_EQ(*from_gguf->encode(line), *from_json->encode(line)) << line;
  }
}

// Settings of a recorded vocabulary, on top of what is there.
void set_all(Json settings, Metadata& metadata) {
  for (const auto& [key_view, value] : settings.fields()) {
    const std::string key(key_view);
    if (value.is_string()) metadata.texts[key] = std::string(value.string().value());
    if (value.is_boolean()) metadata.flags[key] = value.boolean().value();
    if (value.is_integer()) metadata.numbers_[key] = value.integer().value();
    if (!value.is_array()) continue;
    for (Json item : value.items()) {
      if (item.is_string()) metadata.text_lists[key].emplace_back(item.string().value());
      if (item.is_integer()) metadata.integer_lists[key].push_back(item.integer().value());
      if (item.is_number()) metadata.number_lists[key].push_back(item.number().value());
    }
  }
}

// tools/oracle/tokenizer_gguf.py: ids of `sentencepiece` itself, and of the labs' splits in `tokenizers`.
TEST(GgufVocabulary, EqualToTheLabsOwnRuleOnEveryLine) {
  const auto document = JsonDocument::read(test::data_path("gguf.json"));
  ASSERT_TRUE(document) << document.error().message();
  const std::string hashes = test::file_bytes(test::data_path("gguf.bin"));
  const std::vector<std::string> lines = test::recorded_lines();
  size_t position = 0;
  for (Json entry : document->root().items()) {
    SCOPED_TRACE(*entry.string("name"));
    const auto folder = entry.string("folder");
    Metadata metadata = folder ? from_folder(*folder, "") : Metadata();
    if (folder) {  // what a GGUF cannot say of these two tokens would show on every line that has them
      for (const char* token : {"<|strip|>", "<|word|>"}) {
        auto& tokens = metadata.text_lists["tokenizer.ggml.tokens"];
        const auto at = std::find(tokens.begin(), tokens.end(), token);
        metadata.integer_lists["tokenizer.ggml.token_type"][static_cast<size_t>(at - tokens.begin())] = 1;
      }
    }
    set_all(entry["metadata"], metadata);
    const auto tokenizer = open_tokenizer({.gguf = &metadata});
    ASSERT_TRUE(tokenizer) << tokenizer.error().message();
    std::vector<std::string> skipped;
    if (const auto list = entry.find("skip"))
      for (Json item : list->items()) skipped.emplace_back(item.string().value());
    size_t wrong = 0;
    for (size_t i = 0; i < lines.size(); i += static_cast<size_t>(*entry.integer("every"))) {
      const uint32_t expected = test::hash_at(hashes, position);
      position += 4;
      const bool skip = std::any_of(skipped.begin(), skipped.end(),
                                    [&](const std::string& text) { return lines[i].find(text) != std::string::npos; });
      if (skip) continue;
      const auto ids = tokenizer->encode(lines[i]);
      ASSERT_TRUE(ids) << ids.error().message();
      if (test::hash_ids(*ids) != expected && ++wrong <= 5) ADD_FAILURE() << "line " << i << ": " << lines[i];
    }
    EXPECT_EQ(wrong, 0u);
  }
  EXPECT_EQ(position, hashes.size());
}

TEST(GgufVocabulary, SmolLmStyle) { expect_same(from_folder("smollm-style", "smollm"), "smollm-style"); }

TEST(GgufVocabulary, Llama3Style) {
  Metadata metadata = from_folder("llama3-style", "llama-bpe");
  const auto& tokens = metadata.text_lists["tokenizer.ggml.tokens"];
  const auto bos = std::find(tokens.begin(), tokens.end(), "<|begin_of_text|>") - tokens.begin();
  metadata.numbers_["tokenizer.ggml.bos_token_id"] = bos;
  expect_same(metadata, "llama3-style");
}

TEST(GgufVocabulary, BertStyle) {
  const auto document = JsonDocument::read(test::data_path("bert-style/tokenizer.json"));
  Metadata metadata;
  metadata.texts["tokenizer.ggml.model"] = "bert";
  std::map<int64_t, std::string> pieces;
  for (const auto& field : document->root()["model"]["vocab"].fields())
    pieces[field.value.integer().value()] = std::string(field.key);
  for (const auto& [id, piece] : pieces) {  // as a conversion writes them
    const bool control = piece.starts_with("[") && piece.ends_with("]") && piece.size() > 2;
    metadata.integer_lists["tokenizer.ggml.token_type"].push_back(control ? 3 : 1);
    metadata.text_lists["tokenizer.ggml.tokens"].push_back(control                   ? piece
                                                           : piece.starts_with("##") ? piece.substr(2)
                                                                                     : "\u2581" + piece);
  }
  metadata.numbers_["tokenizer.ggml.unknown_token_id"] = 1;
  metadata.numbers_["tokenizer.ggml.cls_token_id"] = 2;
  metadata.numbers_["tokenizer.ggml.seperator_token_id"] = 3;
  const auto from_gguf = open_tokenizer({.gguf = &metadata});
  ASSERT_TRUE(from_gguf) << from_gguf.error().message();
  const auto from_json = test::open_folder(test::data_path("bert-style"));
  for (const std::string& line : test::recorded_lines()) {
    // The added tokens of the other are no part of a GGUF.
    if (line.find("<|") != std::string::npos || line.find("<\u00e9>") != std::string::npos ||
        line.find("<\u00c9>") != std::string::npos || line.find("<e") != std::string::npos ||
        line.find("<E") != std::string::npos)
      continue;
    EXPECT_EQ(*from_gguf->encode(line), *from_json->encode(line)) << line;
  }
}

TEST(GgufVocabulary, BosAndEosWhereTheFileSaysSo) {
  Metadata metadata = from_folder("smollm-style", "gpt-2");
  metadata.numbers_["tokenizer.ggml.bos_token_id"] = 1;
  metadata.numbers_["tokenizer.ggml.eos_token_id"] = 2;
  EXPECT_EQ(*open_tokenizer({.gguf = &metadata})->encode(""), std::vector<int32_t>{});
  metadata.flags["tokenizer.ggml.add_bos_token"] = true;
  EXPECT_EQ(*open_tokenizer({.gguf = &metadata})->encode(""), std::vector<int32_t>{1});
  metadata.flags["tokenizer.ggml.add_eos_token"] = true;
  EXPECT_EQ(*open_tokenizer({.gguf = &metadata})->encode(""), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(*open_tokenizer({.gguf = &metadata})->encode("", false), std::vector<int32_t>{});
}

TEST(GgufVocabulary, SentencePieceErrors) {
  const auto error = [](const std::function<void(Metadata&)>& spoil) {
    Metadata metadata;
    metadata.texts["tokenizer.ggml.model"] = "llama";
    metadata.text_lists["tokenizer.ggml.tokens"] = {"<unk>", "<s>", "a", "b", "ab"};
    metadata.number_lists["tokenizer.ggml.scores"] = {0, 0, -1, -2, 0};
    metadata.integer_lists["tokenizer.ggml.token_type"] = {2, 3, 1, 1, 1};
    metadata.numbers_["tokenizer.ggml.bos_token_id"] = 1;
    spoil(metadata);
    const auto tokenizer = open_tokenizer({.gguf = &metadata});
    return tokenizer ? "no error" : tokenizer.error().message();
  };
  EXPECT_EQ(error([](Metadata&) {}), "no error");
  EXPECT_EQ(error([](Metadata& m) { m.integer_lists["tokenizer.ggml.token_type"][2] = 7; }),
            "model.gguf: key tokenizer.ggml.token_type, token 2: unknown token type: expected 1 to 6, found 7");
  EXPECT_EQ(error([](Metadata& m) { m.integer_lists.clear(); }),
            "model.gguf: key tokenizer.ggml.token_type: missing, or of another type");
  EXPECT_EQ(error([](Metadata& m) { m.number_lists["tokenizer.ggml.scores"].pop_back(); }),
            "model.gguf: key tokenizer.ggml.scores: length: expected 5, found 4");
  EXPECT_EQ(error([](Metadata& m) { m.number_lists["tokenizer.ggml.scores"][3] = std::nan(""); }),
            "model.gguf: token 3: score is not a number");
  EXPECT_EQ(error([](Metadata& m) { m.integer_lists["tokenizer.ggml.token_type"][0] = 3; }),
            "model.gguf: no token for unknown characters: expected 256 byte tokens, or one of type unknown");
  EXPECT_EQ(error([](Metadata& m) { m.numbers_.clear(); }),
            "model.gguf: key tokenizer.ggml.bos_token_id: missing, or of another type");
}

TEST(GgufVocabulary, Errors) {
  const auto error = [](const std::function<void(Metadata&)>& spoil) {
    Metadata metadata = from_folder("smollm-style", "smollm");
    spoil(metadata);
    const auto tokenizer = open_tokenizer({.gguf = &metadata});
    return tokenizer ? "no error" : tokenizer.error().message();
  };
  EXPECT_EQ(error([](Metadata& m) { m.texts["tokenizer.ggml.pre"] = "gpt-5"; }),
            "model.gguf: key tokenizer.ggml.pre: unknown pre-tokenizer: expected default, gpt-2, phi-2, roberta-bpe, "
            "granite-docling, mpt, olmo, smollm, starcoder, refact, command-r, falcon, llama-bpe, dbrx, qwen2, "
            "deepseek-r1-qwen, stablelm2, gpt-4o, tekken, deepseek-coder, bloom, found gpt-5");
  EXPECT_EQ(error([](Metadata& m) { m.texts["tokenizer.ggml.model"] = "rwkv"; }),
            "model.gguf: key tokenizer.ggml.model: tokenizer model not supported: expected gpt2 (byte-level BPE), "
            "llama (SentencePiece's BPE) or bert (WordPiece), found rwkv");
  EXPECT_EQ(error([](Metadata& m) { m.texts["tokenizer.ggml.model"] = "llama"; }),
            "model.gguf: key tokenizer.ggml.scores: missing, or of another type");
  EXPECT_EQ(error([](Metadata& m) { m.texts.erase("tokenizer.ggml.model"); }),
            "model.gguf: key tokenizer.ggml.model: missing, or of another type");
  EXPECT_EQ(error([](Metadata& m) { m.text_lists.erase("tokenizer.ggml.tokens"); }),
            "model.gguf: key tokenizer.ggml.tokens: missing, or of another type");
  EXPECT_EQ(error([](Metadata& m) { m.text_lists.erase("tokenizer.ggml.merges"); }),
            "model.gguf: key tokenizer.ggml.merges: missing, or of another type");
  EXPECT_EQ(error([](Metadata& m) { m.text_lists["tokenizer.ggml.tokens"][9] = "\xff"; }),
            "model.gguf: key tokenizer.ggml.tokens, token 9: not UTF-8");
  EXPECT_EQ(error([](Metadata& m) {  // one after the other they are
              m.text_lists["tokenizer.ggml.tokens"][9] = "q\xc3";
              m.text_lists["tokenizer.ggml.tokens"][10] = "\xa9";
            }),
            "model.gguf: key tokenizer.ggml.tokens, token 9: not UTF-8");
  EXPECT_EQ(error([](Metadata& m) { m.text_lists["tokenizer.ggml.tokens"][9] = "<s>"; }),
            "model.gguf: token <s>: token appears twice");
  EXPECT_EQ(
      error([](Metadata& m) { m.text_lists["tokenizer.ggml.merges"][2] = "ab"; }),
      "model.gguf: key tokenizer.ggml.merges, merge 2: not a merge: expected two tokens and a space between them");
  EXPECT_EQ(error([](Metadata& m) { m.text_lists["tokenizer.ggml.merges"][2] = "zzz q"; }),
            "model.gguf: merge 2: merge of a token that is not in the vocabulary: found zzz");
  EXPECT_EQ(error([](Metadata& m) { m.integer_lists["tokenizer.ggml.token_type"].pop_back(); }),
            "model.gguf: key tokenizer.ggml.token_type: length: expected 1200, found 1199");
  EXPECT_EQ(error([](Metadata& m) {
              m.flags["tokenizer.ggml.add_bos_token"] = true;
              m.numbers_["tokenizer.ggml.bos_token_id"] = 1200;
            }),
            "model.gguf: key tokenizer.ggml.bos_token_id: token id out of range: expected 0 to 1199, found 1200");
}

}  // namespace
}  // namespace lstar
