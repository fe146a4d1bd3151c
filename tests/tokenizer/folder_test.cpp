// What lies in a folder beside, or in place of, a vocabulary.
#include <gmock/gmock.h>

#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

using namespace test;
using ::testing::ElementsAre;
using Ids = std::vector<int32_t>;

// A small byte-level vocabulary; "Ġ" is how a space is spelled.
constexpr const char* kVocab = R"({"<s>":0,"</s>":1,"a":2,"b":3,"ab":4,"Ġ":5,"Ġab":6,"<|endoftext|>":7})";
const std::string kJson =
    std::string(R"({"added_tokens":[],"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},)") +
    R"("model":{"type":"BPE","merges":["a b","Ġ ab"],"vocab":)" + kVocab + "}}";

// Ids of a text in the folder, or the message with the folder's name cut off.
Ids ids_of(const TokenizerFolder& folder, std::string_view text) {
  const auto tokenizer = open_folder(folder.path());
  EXPECT_TRUE(tokenizer) << tokenizer.error().message();
  return tokenizer ? tokenizer->encode(text).value() : Ids{};
}
std::string error_of(const TokenizerFolder& folder) {
  const auto tokenizer = open_folder(folder.path());
  const std::string message = tokenizer ? "no error" : tokenizer.error().message();
  return message.starts_with(folder.path()) ? message.substr(folder.path().size()) : message;
}

TEST(Folder, OpenAisNamesOfTheTwoFiles) {
  const TokenizerFolder folder;
  folder.write("encoder.json", kVocab);
  folder.write("vocab.bpe", "#version: 0.2\na b\nĠ ab\n");
  EXPECT_THAT(ids_of(folder, "ab ab<|endoftext|>"), ElementsAre(4, 6, 7));
  folder.write("tokenizer_config.json", R"({"add_prefix_space":true,"eos_token":"</s>"})");
  EXPECT_THAT(ids_of(folder, "ab</s>"), ElementsAre(6, 1));
  folder.write("dict.txt", "2 100\n");
  EXPECT_EQ(
      error_of(folder),
      ": fairseq's dict.txt numbers the pieces of encoder.json anew, which is not read: expected the vocab.json and "
      "merges.txt, or tokenizer.json, of the converted model");
  folder.write("tokenizer.json", kJson);  // read before all else
  EXPECT_THAT(ids_of(folder, "ab"), ElementsAre(4));
}

TEST(Folder, FlagsOfOtherTypes) {
  const TokenizerFolder folder;
  folder.write("tokenizer.json", kJson);
  const auto with = [&](const std::string& settings) {
    folder.write("tokenizer_config.json", R"({"tokenizer_class":"GPT2Tokenizer",)" + settings + "}");
  };
  with(R"("add_prefix_space":null,"split_special_tokens":null)");
  EXPECT_THAT(ids_of(folder, "ab"), ElementsAre(4));
  with(R"("add_prefix_space":"yes")");
  EXPECT_EQ(error_of(folder), "/tokenizer_config.json: key add_prefix_space: not true or false: found \"yes\"");
  with(R"("split_special_tokens":1)");
  EXPECT_EQ(error_of(folder), "/tokenizer_config.json: key split_special_tokens: not true or false: found 1");
  with(R"("do_lower_case":"yes")");  // which this class does not ask
  EXPECT_THAT(ids_of(folder, "ab"), ElementsAre(4));
}

// As `transformers` 5.24 does: what has once been added as special is split, whatever a later declaration says.
TEST(Folder, ASpecialTokenStaysSpecial) {
  const TokenizerFolder folder;
  std::string json = kJson;
  json.replace(json.find("[]"), 2, R"([{"id":7,"content":"<|endoftext|>","special":true}])");
  folder.write("tokenizer.json", json);
  const std::string declared =
      R"("added_tokens_decoder":{"7":{"content":"<|endoftext|>","special":false,"normalized":false}}})";
  folder.write("tokenizer_config.json", R"({"split_special_tokens":false,)" + declared);
  EXPECT_THAT(ids_of(folder, "ab<|endoftext|>"), ElementsAre(4, 7));
  folder.write("tokenizer_config.json", R"({"split_special_tokens":true,)" + declared);
  EXPECT_THAT(ids_of(folder, "ab<|endoftext|>"), ElementsAre(4));  // no piece for the other letters
}

TEST(Folder, TokensThatAClassCannotDoWithout) {
  const TokenizerFolder folder;
  folder.write("tokenizer.json", kJson);
  folder.write("tokenizer_config.json", R"({"tokenizer_class":"RobertaTokenizer"})");
  EXPECT_THAT(ids_of(folder, "ab"), ElementsAre(0, 4, 1));
  folder.write("tokenizer_config.json", R"({"tokenizer_class":"RobertaTokenizer","sep_token":null})");
  EXPECT_EQ(error_of(folder), "/tokenizer.json: key sep_token: no such token, and the class puts it around a text");
}

TEST(Folder, ClassesThatCannotBeFollowed) {
  const TokenizerFolder folder;
  folder.write("tokenizer.json", kJson);
  folder.write("tokenizer_config.json", R"({"tokenizer_class":"XLMRobertaTokenizer"})");
  EXPECT_EQ(error_of(folder),
            "/tokenizer.json: model, key vocab: not a vocabulary of XLMRobertaTokenizer: expected a list of pieces and "
            "scores");
  folder.write("tokenizer_config.json", R"({"tokenizer_class":"PhobertTokenizer"})");
  EXPECT_EQ(
      error_of(folder),
      ": a tokenizer class that runs Python over the text is not supported: expected a class that a tokenizer.json "
      "can hold, or token ids in place of text, found PhobertTokenizer");
}

// Python's reader takes a key twice, numbers without end and half a surrogate pair, and writes them too.
TEST(Folder, JsonAsPythonWritesIt) {
  const TokenizerFolder folder;
  const auto with_vocab = [&](const std::string& added, const std::string& vocab) {
    folder.write("tokenizer.json", R"({"added_tokens":)" + added + R"(,"model":{"type":"BPE","merges":[],"vocab":)" +
                                       vocab + R"(},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}})");
  };
  // As it is, and rebuilt by a class. The last of two counts, in every file.
  for (const char* name : {"PreTrainedTokenizerFast", "GPT2Tokenizer"}) {
    SCOPED_TRACE(name);
    folder.write("tokenizer_config.json",
                 R"({"tokenizer_class":"Other","model_max_length":1000000000000000019884624838656,"b":NaN,)"
                 R"("c":[-Infinity],"d":"\ud83d","split_special_tokens":true,"split_special_tokens":false,)"
                 R"("pad_token":"b","pad_token":"<p>","tokenizer_class":")" +
                     std::string(name) + "\"}");
    folder.write("special_tokens_map.json", R"({"sep_token":"a","sep_token":"<s>","x":1e999})");
    folder.write("added_tokens.json", R"({"<y>":1e30,"<x>":7,"<x>":8})");
    with_vocab(R"([{"id":12,"content":"<z>","special":true}])", R"({"b":5,"a":0,"b":1})");
    EXPECT_THAT(ids_of(folder, "ab"), ElementsAre(0, 1));
    // The class knows <|endoftext|>; the token of tokenizer.json stands among the others, by its id.
    const bool is_class = std::string_view(name) == "GPT2Tokenizer";
    EXPECT_THAT(ids_of(folder, "<x><z><y>"), is_class ? ElementsAre(2, 3, 4) : ElementsAre(3, 2, 4));
    EXPECT_THAT(ids_of(folder, "<s><p>"), is_class ? ElementsAre(6, 7) : ElementsAre(5, 6));
  }
  for (const char* id : {"1e30", "1000000000000000019884624838656", "NaN", "0.5"}) {
    with_vocab("[]", std::string(R"({"a":)") + id + "}");
    EXPECT_EQ(error_of(folder), "/tokenizer.json: token a: token id is not an integer");
  }
  with_vocab("[]", R"({"a":0})");
  folder.write("tokenizer_config.json", R"({"split_special_tokens":NaN})");
  EXPECT_EQ(error_of(folder), "/tokenizer_config.json: key split_special_tokens: not true or false: found NaN");
}

// Of each file that a tokenizer may be read from.
TEST(Folder, PointersAndWebPages) {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
  const std::string page = "\n<!DOCTYPE html>\n<html><body>Not found</body></html>\n";
  const std::string says_pointer = ": a Git LFS pointer: fetch the file itself (git lfs pull)";
  const std::string says_page =
      ": a web page was saved under this name: fetch the file itself (its \"resolve\" address)";
  for (const std::string name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json",
                                 "merges.txt", "vocab.txt", "tokenizer.model"}) {
    const TokenizerFolder folder;
    if (name == "vocab.json" || name == "merges.txt") {
      folder.write("vocab.json", kVocab);
      folder.write("merges.txt", "a b\n");
    }
    if (name == "vocab.txt") folder.write("config.json", R"({"model_type":"bert"})");
    folder.write(name, pointer);
    EXPECT_EQ(error_of(folder), "/" + name + says_pointer);
    folder.write(name, page);
    EXPECT_EQ(error_of(folder), "/" + name + says_page);
  }
}

// Ids as recorded (settings_test.cpp); here what is said of them.
std::vector<std::string> warnings_of(const TokenizerFolder& folder) {
  const auto tokenizer = open_folder(folder.path());
  EXPECT_TRUE(tokenizer) << tokenizer.error().message();
  return tokenizer ? tokenizer->warnings() : std::vector<std::string>();
}

TEST(Folder, ALlamaOfUnigrams) {
  const TokenizerFolder folder;
  folder.copy(data_path("vocabularies/unigram/tokenizer.model"));
  EXPECT_THAT(warnings_of(folder), ElementsAre());
  for (const char* name : {"LlamaTokenizer", "GemmaTokenizer"}) {
    folder.write("tokenizer_config.json", std::string(R"({"tokenizer_class":")") + name + "\"}");
    EXPECT_THAT(warnings_of(folder),
                ElementsAre("tokenizer.model is of unigrams, which its class reads as merges, as in transformers; "
                            "SentencePiece has other ids"));
  }
}

// XLM-RoBERTa's class numbers the unigrams of a file anew; merges have no such numbers.
TEST(Folder, RenumberedPiecesAreUnigrams) {
  for (const auto& [vocabulary, error] :
       {std::pair("unigram", "no error"), {"llama", "expected unigram (1), found 2"}}) {
    const TokenizerFolder folder;
    folder.copy(data_path(std::string("vocabularies/") + vocabulary + "/tokenizer.model"));
    folder.write("tokenizer_config.json", R"({"tokenizer_class":"XLMRobertaTokenizer"})");
    EXPECT_THAT(error_of(folder), ::testing::HasSubstr(error));
  }
}

// Of a class that builds a pipeline of its own nothing is guessed from a vocabulary alone.
TEST(Folder, ClassesThatAreNotFollowed) {
  const TokenizerFolder folder;
  folder.copy(data_path("vocabularies/unigram/tokenizer.model"));
  const auto with = [&](const std::string& name) {
    folder.write("tokenizer_config.json", R"({"tokenizer_class":")" + name + "\"}");
  };
  const std::string refused =
      ": tokenizer class not supported without a tokenizer.json: expected LlamaTokenizer, GemmaTokenizer, "
      "XLMRobertaTokenizer or CamembertTokenizer, found ";
  for (const std::string name : {"T5Tokenizer", "DebertaV2Tokenizer", "AlbertTokenizer", "MBart50Tokenizer",
                                 "FNetTokenizer", "GPTSw3Tokenizer"}) {
    with(name);
    EXPECT_EQ(error_of(folder), refused + name);
    with(name + "Fast");
    EXPECT_EQ(error_of(folder), refused + name);
  }
  with("FooTokenizer");
  EXPECT_EQ(error_of(folder), "no error");
  folder.write("tokenizer_config.json", "{}");
  folder.write("config.json", R"({"model_type":"t5"})");
  EXPECT_EQ(error_of(folder), refused + "T5Tokenizer");
}

TEST(Folder, ClassesThatAreNotFollowedBesideATokenizerJson) {
  const TokenizerFolder folder;
  folder.write("tokenizer.json", kJson);
  for (const std::string name : {"T5Tokenizer", "WhisperTokenizer", "CLIPTokenizer", "MPNetTokenizer"}) {
    folder.write("tokenizer_config.json", R"({"tokenizer_class":")" + name + "Fast\"}");
    EXPECT_THAT(warnings_of(folder),
                ElementsAre("tokenizer.json is taken as it is; " + name +
                            " of transformers builds a tokenizer of its own, whose ids may be others"));
  }
  for (const std::string name : {"PreTrainedTokenizerFast", "GPT2Tokenizer", "FNetTokenizer", "FooTokenizer"}) {
    folder.write("tokenizer_config.json", R"({"tokenizer_class":")" + name + "\"}");
    EXPECT_THAT(warnings_of(folder), ElementsAre());
  }
  folder.write("tokenizer_config.json", R"({"tokenizer_class":"GPT2Tokenizer"})");
  folder.write("tokenizer.json", R"({"model":{"type":"WordPiece","vocab":{"a":0,"b":1,"ab":2}}})");
  EXPECT_THAT(ids_of(folder, "ab"), ElementsAre(0, 1));
  EXPECT_THAT(
      warnings_of(folder),
      ElementsAre("tokenizer.json has no merges for GPT2Tokenizer: each character is a token, as in transformers"));
}

TEST(Folder, RanksOfTiktoken) {
  const TokenizerFolder folder;
  folder.write("tokenizer.model", "IQ== 0\nIg== 1\nIw== 2\n");
  EXPECT_EQ(error_of(folder),
            "/tokenizer.model: tiktoken's ranks, not SentencePiece: put the model's tokenizer.json beside it");
  folder.write("tokenizer.model", "IQ== 0 Ig== 1\n");
  EXPECT_EQ(error_of(folder), "/tokenizer.model: not a SentencePiece model");
}

TEST(Folder, VocabulariesThatAreNotRead) {
  for (const std::string name : {"tekken.json", "tiktoken.model", "qwen.tiktoken", "spiece.model"}) {
    const TokenizerFolder folder;
    folder.write(name, "{}");
    EXPECT_EQ(
        error_of(folder),
        ": no tokenizer found: expected tokenizer.json, vocab.json and merges.txt, vocab.txt, or tokenizer.model, "
        "found " +
            name + ", which is not read: put the model's tokenizer.json beside it");
    folder.write("tokenizer.json", kJson);
    EXPECT_EQ(error_of(folder), "no error");
  }
}

}  // namespace
}  // namespace lstar
