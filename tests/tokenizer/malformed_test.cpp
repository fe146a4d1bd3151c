// Files that are broken or that we do not compute, each with the line that the user sees.
#include <ctime>
#include <functional>

#include <gmock/gmock.h>

#include "lstar/tokenizer/pipeline/charsmap.h"
#include "lstar/tokenizer/pipeline/pipeline.h"
#include "lstar/tokenizer/pipeline/utf8.h"
#include "tests/support/sanitized.h"
#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

using ::testing::StartsWith;

using test::error_of_json;
using test::open_folder;
using test::TokenizerFolder;

std::string with_model(const std::string& rest) {
  return R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})" + rest + "}";
}

TEST(TokenizerJson, BrokenFiles) {
  EXPECT_EQ(error_of_json(with_model("")), "no error");
  EXPECT_THAT(error_of_json("{"), StartsWith("tokenizer.json: line 1, column "));
  EXPECT_EQ(error_of_json("{}"), "tokenizer.json: key model: missing");
  EXPECT_EQ(error_of_json("[]"), "tokenizer.json: key model: missing");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","merges":[]}})"),
            "tokenizer.json: model, key vocab: missing or not an object");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{}}})"), "tokenizer.json: model, key merges: missing list");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{"a":"0"},"merges":[]}})"),
            "tokenizer.json: token a: token id is not an integer");
  EXPECT_EQ(error_of_json(R"({"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}})"), "no error");
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

TEST(TokenizerJson, BrokenNormalizers) {
  const auto error = [](const std::string& body) {
    return error_of_json(with_model(R"(,"normalizer":{)" + body + "}"));
  };
  const auto charsmap = [&](const std::string& base64) {
    return error(R"("type":"Precompiled","precompiled_charsmap":")" + base64 + "\"");
  };
  EXPECT_EQ(charsmap("!"), "tokenizer.json: normalizer Precompiled: charsmap is not base64");
  EXPECT_EQ(charsmap("AAA="), "tokenizer.json: normalizer Precompiled: charsmap cut short: expected at least 4 bytes");
  EXPECT_EQ(charsmap("/////wAAAAA="),
            "tokenizer.json: normalizer Precompiled: size of the charsmap's trie: expected a multiple of 4, 4 to 4, "
            "found 4294967295");
  EXPECT_EQ(charsmap("BAAAAAAAAAD/"),
            "tokenizer.json: normalizer Precompiled: the charsmap's replacements are not UTF-8");
  EXPECT_EQ(charsmap("BAAAAAAAAAA="), "no error");
  EXPECT_EQ(error(R"("type":"Precompiled")"),
            "tokenizer.json: normalizer Precompiled, key precompiled_charsmap: missing text");
  EXPECT_EQ(error(R"("type":"Prepend")"), "tokenizer.json: normalizer Prepend, key prepend: missing text");
  EXPECT_EQ(error(R"("type":"Replace","pattern":{"Regex":"["},"content":"")"),
            "tokenizer.json: normalizer Replace: pattern is not valid: found premature end of char-class");
  EXPECT_EQ(error(R"("type":"Replace","pattern":{"String":"a"})"),
            "tokenizer.json: normalizer Replace, key content: missing text");
}

// A trie whose units point anywhere, also in circles, ends the look-up and leaves the text as it is.
TEST(Charsmap, WildTries) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    uint32_t state = seed * 2654435761u;
    const auto next = [&] { return state = state * 1664525u + 1013904223u; };
    std::string bytes("\x00\x04\x00\x00", 4);  // 1024 bytes of units
    for (int unit = 0; unit < 256; ++unit) {
      const uint32_t value = seed % 2 ? next() : (static_cast<uint32_t>(unit) | 0x100u | next() % 3 << 10);
      for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(value >> shift));
    }
    bytes += "x\u00e9y";
    const auto map = Charsmap::make(bytes);
    ASSERT_TRUE(map) << map.error().message();
    std::string out;
    map->normalize("abc \u00e9\u00e8e\u0301 \U0001f468\u200d\U0001f469\r\n\u0001", 1 << 20, out);
    EXPECT_FALSE(repair_utf8(out).has_value());
  }
}

TEST(TokenizerJson, TextsThatGrowWithoutEnd) {
  std::string steps;
  for (int i = 0; i < 40; ++i)
    steps += std::string(i ? "," : "") + R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})";
  const auto pipeline =
      parse_tokenizer_json(with_model(R"(,"normalizer":{"type":"Sequence","normalizers":[)" + steps + "]}"), "t.json");
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  ASSERT_TRUE((*pipeline)->finish());
  const auto ids = (*pipeline)->encode("a", true);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().message(), "t.json: the tokenizer makes the text too long: expected at most 4128 bytes");
}

TEST(TokenizerJson, BrokenModels) {
  const auto error = [](const std::string& model) { return error_of_json(R"({"model":{)" + model + "}}"); };
  EXPECT_EQ(error(R"("type":"Unigram","vocab":[["a",-1]],"unk_id":1)"),
            "tokenizer.json: unk_id: token id out of range: expected 0 to 0, found 1");
  EXPECT_EQ(error(R"("type":"Unigram","vocab":[["a",-1]])"),
            "tokenizer.json: unk_id: token id out of range: expected 0 to 0, found -1");
  EXPECT_EQ(error(R"("type":"Unigram","vocab":[["a",-1],["b"]],"unk_id":0)"),
            "tokenizer.json: model, key vocab, token 1: not a piece and its score");
  EXPECT_EQ(error(R"("type":"Unigram","vocab":{"a":1},"unk_id":0)"), "tokenizer.json: model, key vocab: missing list");
  EXPECT_EQ(error(R"("type":"WordPiece","vocab":{"a":0})"),
            "tokenizer.json: unk_token is not in the vocabulary: found [UNK]");
  EXPECT_EQ(error(R"("type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":-1)"),
            "tokenizer.json: model, key max_input_chars_per_word: length: expected at least 0, found -1");
  EXPECT_EQ(error(R"("type":"WordLevel","vocab":{"a":0})"),
            "tokenizer.json: unk_token is not in the vocabulary: found <unk>");
}

TEST(TokenizerJson, DeepNesting) {
  std::string open, close;
  for (int i = 0; i < 5000; ++i) open += R"({"type":"Sequence","normalizers":[)", close += "]}";
  EXPECT_THAT(error_of_json(with_model(R"(,"normalizer":)" + open + close)),
              StartsWith("tokenizer.json: line 1, column "));
}

// A cut or a changed byte in SentencePiece's file gives a tokenizer or an error, never a crash.
TEST(FolderFiles, MutatedSentencePieceModels) {
  std::string whole = test::file_bytes(test::data_path("vocabularies/llama/tokenizer.model"));
  ASSERT_GT(whole.size(), 10000u);
  const auto read = [](const std::string& bytes) {
    const TokenizerFolder folder;
    folder.write("tokenizer.model", bytes);
    auto tokenizer = test::open_folder(folder.path());
    if (tokenizer) (void)tokenizer->encode("ab <s> e\u0301  abab \u4e2d");
    return tokenizer ? "no error" : tokenizer.error().message().substr(folder.path().size() + 1);
  };
  EXPECT_EQ(read(whole), "no error");
  EXPECT_EQ(read(""), "tokenizer.model: an empty file: fetch it again");
  EXPECT_EQ(read("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "tokenizer.model: not a SentencePiece model");
  EXPECT_EQ(read(whole.substr(0, whole.size() - 3)), "tokenizer.model: not a SentencePiece model");
  const std::string piece(
      "\x0a\x03\x0a\x01"
      "a",
      5);
  EXPECT_EQ(read(piece + piece), "tokenizer.model: token a: token appears twice");
  EXPECT_EQ(read(std::string("\x0a\x03\x0a\x01\xff", 5)), "tokenizer.model: piece 0: broken piece");
  EXPECT_EQ(read(piece + std::string("\x12\x02\x18\x04", 4)),
            "tokenizer.model: model type not supported: expected unigram (1) or BPE (2), found 4");
  for (size_t i = 0; i < whole.size(); i += i < 100 || i + 100 > whole.size() ? 1 : 997) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ (i % 2 ? 0xff : 0x08));
    (void)read(changed);
    (void)read(whole.substr(0, i));
  }
}

// Every cut of a piece is looked up where a class makes merges of them: a piece of megabytes would take hours.
TEST(FolderFiles, PiecesTooLongToMerge) {
  const auto field = [](char key, const std::string& value) {
    std::string out(1, key);
    size_t size = value.size();
    for (; size >= 0x80; size >>= 7) out += static_cast<char>((size & 0x7f) | 0x80);
    return out + static_cast<char>(size) + value;
  };
  for (const size_t bytes : {size_t{4096}, size_t{4097}}) {
    const TokenizerFolder folder;
    folder.write("tokenizer_config.json", R"({"tokenizer_class":"LlamaTokenizer"})");
    folder.write("tokenizer.model", field('\x0a', field('\x0a', "<unk>") + "\x18\x02") +
                                        field('\x0a', field('\x0a', std::string(bytes, 'a'))) +
                                        std::string("\x12\x02\x18\x02", 4));
    const auto tokenizer = test::open_folder(folder.path());
    EXPECT_EQ(tokenizer.has_value(), bytes == 4096);
    if (!tokenizer)
      EXPECT_THAT(
          tokenizer.error().message(),
          ::testing::HasSubstr("a piece is too long to look for its merges: expected at most 4096 bytes, found 4097"));
    else
      EXPECT_TRUE(tokenizer->encode("aa"));
  }
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
  const auto vocab_txt = [](const std::string& lines, const std::string& config) {
    return error_of_folder([&](const TokenizerFolder& folder) {
      folder.write("vocab.txt", lines);
      folder.write("tokenizer_config.json", config);
    });
  };
  const std::string bert = R"({"tokenizer_class":"BertTokenizer"})";
  EXPECT_EQ(vocab_txt("[UNK]\n[CLS]\r\n[SEP]\na\na\n", bert), "no error");
  EXPECT_EQ(vocab_txt("[CLS]\n[SEP]\n", bert), "F/vocab.txt: unk_token is not in the vocabulary: found [UNK]");
  EXPECT_EQ(vocab_txt("\xff", bert), "F/vocab.txt: not UTF-8");
  EXPECT_EQ(vocab_txt("", "{}"),
            "F: tokenizer class not supported without a tokenizer.json: expected BertTokenizer, DistilBertTokenizer or "
            "ElectraTokenizer, found none");
  EXPECT_EQ(two_files("[]", "", "{}"), "F/vocab.json: not an object of tokens and ids");
  EXPECT_EQ(two_files(R"({"a":1.5})", "", "{}"), "F/vocab.json: token a: token id is not an integer");
  EXPECT_EQ(two_files(vocab, "", R"({"tokenizer_class":"LlamaTokenizer"})"),
            "F: tokenizer class not supported without a tokenizer.json: expected GPT2Tokenizer, CodeGenTokenizer, "
            "GPTNeoXTokenizer, Qwen2Tokenizer, CohereTokenizer or RobertaTokenizer, found LlamaTokenizer");
  EXPECT_THAT(two_files(vocab, "", "{"),
              StartsWith("F/tokenizer_config.json: line 1, column 2: not valid JSON: expected "));
}

// Settings of any shape may be ignored, but do no harm.
TEST(FolderFiles, OddSettings) {
  for (const std::string settings :
       {R"([])", R"("text")", R"({"bos_token":7,"eos_token":[],"unk_token":{"content":3},"pad_token":{}})",
        R"({"added_tokens_decoder":[]})", R"({"added_tokens_decoder":{"1":1,"-7":{"content":"y"}}})",
        R"({"additional_special_tokens":{"a":1},"extra_special_tokens":[1,null,{"content":""}]})"}) {
    EXPECT_EQ(error_of_folder([&](const TokenizerFolder& folder) {
                folder.write("tokenizer.json", with_model(""));
                for (const char* name : {"tokenizer_config.json", "special_tokens_map.json", "config.json"})
                  folder.write(name, settings);
              }),
              "no error")
        << settings;
  }
}

// The keys put the tokens in order, so that each must be an id.
TEST(FolderFiles, KeysThatAreNoIds) {
  for (const std::string key : {"nan", "inf", "x", "", "1.5", "1e3", "7x", "99999999999999999999"})
    EXPECT_EQ(
        error_of_folder([&](const TokenizerFolder& folder) {
          folder.write("tokenizer.json", with_model(""));
          folder.write("tokenizer_config.json",
                       R"({"added_tokens_decoder":{"3":{"content":"y"},")" + key + R"(":{"content":"z"}}})");
        }),
        "F/tokenizer_config.json: key added_tokens_decoder: a key is no token id: expected an integer of 32 bits" +
            (key.empty() ? "" : ", found " + key));
  for (const std::string value : {"[]", "\"5\"", "null", "NaN", "{\"a\":1}"})
    EXPECT_EQ(error_of_folder([&](const TokenizerFolder& folder) {
                folder.write("tokenizer.json", with_model(""));
                folder.write("added_tokens.json", fmt::format(R"({{"<x>":7,"<y>":{}}})", value));
              }),
              "F/added_tokens.json: key <y>: a token's id is no number: found " + value);
  EXPECT_EQ(error_of_json(with_model(R"(,"added_tokens":[{"id":NaN,"content":"y"}])")),
            "tokenizer.json: key added_tokens: id is not a number: found {\"id\":NaN,\"content\":\"y\"}");
}

// A file that is there and cannot be read is not taken for absent: the ids would be others.
TEST(FolderFiles, LinksToNothing) {
  for (const std::string name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                                 "added_tokens.json", "config.json", "vocab.json", "merges.txt"})
    EXPECT_EQ(error_of_folder([&](const TokenizerFolder& folder) {
                folder.write("vocab.json", R"({"a":0,"b":1,"ab":2})");
                folder.write("merges.txt", "a b\n");
                folder.write("vocab.txt", "[UNK]\n");
                std::filesystem::remove(folder / name);
                std::filesystem::create_symlink("../blobs/pruned", folder / name);
              }),
              "F/" + name + ": points to a file that is not there: found ../blobs/pruned");
}

// A file of a few MB may name a great many tokens; each is looked up, not compared with every other.
TEST(FolderFiles, AHundredThousandSpecialTokens) {
  constexpr int kMany = 100'000;
  std::string list, roles, ids;
  for (int i = 0; i < kMany; ++i) {
    const std::string number = std::to_string(i);
    list += (i ? ",\"<t" : "\"<t") + number + ">\"";
    roles += "\"r" + number + "_token\":\"<r" + number + ">\",";
    ids += (i ? ",\"<t" : "\"<t") + number + ">\":" + number;
  }
  const TokenizerFolder folder;
  folder.write("tokenizer.json", with_model(""));
  folder.write("tokenizer_config.json", "{" + roles + "\"additional_special_tokens\":[" + list + "]}");
  folder.write("added_tokens.json", "{" + ids + "}");
  const std::clock_t start = std::clock();  // of this process alone, however busy the machine is
  const auto tokenizer = open_folder(folder.path());
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->size(), 3u + 2 * kMany);
  EXPECT_EQ(tokenizer->encode("<t0><t99999><r0>").value(), (std::vector<int32_t>{3, 100'002, 100'003}));
  EXPECT_LT(seconds, testing::kSanitized ? 60 : 10);
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
      if (!pipeline || !(*pipeline)->finish()) continue;
      (void)(*pipeline)->encode("ab <x> e\u0301 abab", true);
    }
    EXPECT_FALSE(parse_tokenizer_json(whole.substr(0, i), "cut"));
  }
}

}  // namespace
}  // namespace lstar
