// Files that are broken or that we do not compute, each with the line that the user sees.
#include <functional>

#include <gmock/gmock.h>

#include "lstar/tokenizer/pipeline.h"
#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

using ::testing::StartsWith;

using test::error_of_json;
using test::TokenizerFolder;

std::string with_model(const std::string& rest) {
  return R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})" + rest + "}";
}

TEST(TokenizerJson, BrokenFiles) {
  EXPECT_EQ(error_of_json(with_model("")), "no error");
  EXPECT_THAT(error_of_json("{"), StartsWith("tokenizer.json: not valid JSON: found "));
  EXPECT_EQ(error_of_json("{}"), "tokenizer.json: key model: missing");
  EXPECT_EQ(error_of_json("[]"), "tokenizer.json: key model: missing");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","merges":[]}})"),
            "tokenizer.json: model, key vocab: missing or not an object");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{}}})"), "tokenizer.json: model, key merges: missing list");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{"a":"0"},"merges":[]}})"),
            "tokenizer.json: token a: token id is not an integer");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}})"),
            "tokenizer.json: key a: key appears twice in one object");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}})"),
            "tokenizer.json: token b: token id appears twice: found 0");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{"a":4294967295},"merges":[]}})"),
            "tokenizer.json: token a: token id out of range: expected 0 to 65539, found 4294967295");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}})"),
            "tokenizer.json: merge 0: merge of a token that is not in the vocabulary: found b");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}})"),
            "tokenizer.json: not a merge: expected two tokens, found \"a\"");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","a","a"]]}})"),
            "tokenizer.json: not a merge: expected two tokens, found [\"a\",\"a\",\"a\"]");
  EXPECT_EQ(error_of_json(with_model(R"(,"added_tokens":{})")), "tokenizer.json: key added_tokens: not a list");
  EXPECT_EQ(error_of_json(with_model(R"(,"added_tokens":[{"id":3}])")),
            "tokenizer.json: key added_tokens: missing content: found {\"id\":3}");
}

TEST(TokenizerJson, ComponentsThatWeDoNotCompute) {
  EXPECT_EQ(error_of_json(R"({"model":{"type":"Markov","vocab":[]}})"),
            "tokenizer.json: model: not supported: expected BPE, Unigram, WordPiece or WordLevel, found Markov");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","dropout":0.1,"vocab":{},"merges":[]}})"),
            "tokenizer.json: model: not supported: expected no dropout, found dropout: ids would be random");
  EXPECT_EQ(error_of_json(with_model(R"(,"normalizer":{"type":"Rot13"})")),
            "tokenizer.json: normalizer: not supported: expected NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, "
            "Prepend, Replace, BertNormalizer, Nmt, Precompiled, ByteLevel or a Sequence of them, found Rot13");
  EXPECT_EQ(
      error_of_json(with_model(R"(,"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"UnicodeScripts"}]})")),
      "tokenizer.json: pre_tokenizer: not supported: expected ByteLevel, Split, Digits, Metaspace, Whitespace, "
      "WhitespaceSplit, Punctuation, BertPreTokenizer, CharDelimiterSplit, FixedLength or a Sequence of them, "
      "found UnicodeScripts");
  EXPECT_EQ(error_of_json(with_model(R"(,"post_processor":{"type":"Foo"})")),
            "tokenizer.json: post_processor: not supported: expected ByteLevel, TemplateProcessing, RobertaProcessing, "
            "BertProcessing or a Sequence of them, found Foo");
}

TEST(TokenizerJson, BrokenComponents) {
  const auto split = [](const std::string& body) {
    return error_of_json(with_model(R"(,"pre_tokenizer":{"type":"Split",)" + body + "}"));
  };
  EXPECT_EQ(split(R"("pattern":{"Regex":"(a"},"behavior":"Isolated")"),
            "tokenizer.json: pre_tokenizer Split: pattern is not valid: found end pattern with unmatched parenthesis");
  EXPECT_EQ(split(R"("behavior":"Isolated")"),
            "tokenizer.json: pre_tokenizer Split: missing pattern: expected Regex or String");
  EXPECT_EQ(split(R"("pattern":{"Regex":"a"},"behavior":"Sideways")"),
            "tokenizer.json: pre_tokenizer Split, behavior: not supported: expected Removed, Isolated, "
            "MergedWithPrevious, MergedWithNext or Contiguous, found Sideways");
  EXPECT_EQ(error_of_json(with_model(R"(,"pre_tokenizer":{"type":"Sequence"})")),
            "tokenizer.json: pre_tokenizer, key pretokenizers: missing list");

  const auto post = [](const std::string& single, const std::string& ids) {
    return error_of_json(with_model(R"(,"post_processor":{"type":"TemplateProcessing","single":)" + single +
                                    R"(,"special_tokens":{"S":{"id":"S","ids":)" + ids + "}}}"));
  };
  const std::string text = R"({"Sequence":{"id":"A"}})", special = R"({"SpecialToken":{"id":"S"}})";
  EXPECT_EQ(post("[" + special + "," + text + "]", "[0]"), "no error");
  EXPECT_EQ(post("[" + special + "," + text + "]", "[3]"),
            "tokenizer.json: post_processor: special token out of range: expected an id below 3, found 3");
  EXPECT_EQ(post("[" + special + "]", "[0]"),
            "tokenizer.json: post_processor TemplateProcessing: not supported: expected Sequence A once in single, "
            "found 0 times");
  EXPECT_EQ(post("[" + text + R"(,{"SpecialToken":{"id":"T"}}])", "[0]"),
            "tokenizer.json: post_processor TemplateProcessing: unknown special token: found "
            "{\"SpecialToken\":{\"id\":\"T\"}}");
  const std::string one = R"({"type":"BertProcessing","sep":["a",0],"cls":["b",1]})";
  EXPECT_EQ(
      error_of_json(with_model(R"(,"post_processor":{"type":"Sequence","processors":[)" + one + "," + one + "]}")),
      "tokenizer.json: post_processor: more than one processor that adds tokens is not supported");
}

std::string error_of_folder(const std::function<void(const TokenizerFolder&)>& fill) {
  const TokenizerFolder folder;
  fill(folder);
  const auto tokenizer = test::open_folder(folder.path());
  std::string message = tokenizer ? "no error" : tokenizer.error().message();
  return message.starts_with(folder.path()) ? std::string("F").append(message, folder.path().size()) : message;
}

TEST(FolderFiles, MissingAndBrokenFiles) {
  EXPECT_EQ(open_tokenizer({}).error().message(), "the checkpoint has no tokenizer");
  EXPECT_EQ(error_of_folder([](const TokenizerFolder&) {}),
            "F: no tokenizer found: expected tokenizer.json, vocab.json and merges.txt, vocab.txt, or tokenizer.model");
  const auto two_files = [](const std::string& vocab, const std::string& merges, const std::string& config) {
    return error_of_folder([&](const TokenizerFolder& folder) {
      folder.write("vocab.json", vocab);
      folder.write("merges.txt", merges);
      folder.write("tokenizer_config.json", config);
    });
  };
  const std::string vocab = R"({"a":0,"b":1,"ab":2})";
  EXPECT_EQ(two_files(vocab, "#version: 0.2\na b\n", "{}"), "no error");
  EXPECT_EQ(two_files(vocab, "a b\r\n", "{}"), "no error");
  EXPECT_EQ(two_files(vocab, "a b\n\n", "{}"),
            "F/merges.txt: line 2: not a merge: expected two tokens and a space between them");
  EXPECT_EQ(two_files(vocab, "a b c\n", "{}"),
            "F/merges.txt: line 1: not a merge: expected two tokens and a space between them, found a b c");
  EXPECT_EQ(two_files(vocab, "a \xff\n", "{}"),
            "F/merges.txt: merge 0: merge of a token that is not in the vocabulary: found \xff");
  EXPECT_EQ(two_files("[]", "", "{}"), "F/vocab.json: not an object of tokens and ids");
  EXPECT_EQ(two_files(R"({"a":1.5})", "", "{}"), "F/vocab.json: token a: token id is not an integer");
  EXPECT_EQ(two_files(vocab, "", R"({"tokenizer_class":"RobertaTokenizer"})"),
            "F: tokenizer class not supported without a tokenizer.json: expected GPT2Tokenizer or GPTNeoXTokenizer, "
            "found RobertaTokenizer");
  EXPECT_THAT(two_files(vocab, "", "{"), StartsWith("F/tokenizer_config.json: not valid JSON: found "));
}

// Settings of any shape may be ignored, but do no harm.
TEST(FolderFiles, OddSettings) {
  for (const std::string settings :
       {R"([])", R"("text")", R"({"bos_token":7,"eos_token":[],"unk_token":{"content":3},"pad_token":{}})",
        R"({"added_tokens_decoder":[]})", R"({"added_tokens_decoder":{"x":1,"99999999999999999999":{"content":"y"}}})",
        R"({"additional_special_tokens":{"a":1},"extra_special_tokens":[1,null,{"content":""}]})"}) {
    EXPECT_EQ(error_of_folder([&](const TokenizerFolder& folder) {
                folder.write("tokenizer.json", with_model(""));
                for (const char* name :
                     {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json"})
                  folder.write(name, settings);
              }),
              "no error")
        << settings;
  }
}

// A valid file cut off or changed in one byte gives a tokenizer or an error, never a crash.
TEST(TokenizerJson, MutatedFiles) {
  const std::string whole = with_model(
      R"(,"normalizer":{"type":"NFC"},"added_tokens":[{"id":3,"content":"<x>","special":true}],"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{L}+|[^a-z]"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}]},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"S"}},{"Sequence":{"id":"A"}}],"special_tokens":{"S":{"ids":[3]}}})");
  ASSERT_EQ(error_of_json(whole), "no error");
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const char byte : {'"', '\\', '0', '{', '\0', '\xff'}) {
      std::string changed = whole;
      changed[i] = byte;
      const auto pipeline = parse_tokenizer_json(changed, "changed");
      if (!pipeline) continue;
      (*pipeline)->finish();
      (void)(*pipeline)->encode("ab <x> e\u0301 abab", true);
    }
    EXPECT_FALSE(parse_tokenizer_json(whole.substr(0, i), "cut"));
  }
}

}  // namespace
}  // namespace lstar
