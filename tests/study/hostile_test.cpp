// Files of some kilobytes that were made to take gigabytes, minutes or the stack. Each is read in a child process that
// has 32 times the files' size and 256 MB of addresses and 10 s of processor time; what is wanted is a result, or an
// error of one line.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>

#include "lstar/base/atomic_file.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/study/open_model.h"
#include "lstar/study/result_diff.h"
#include "lstar/study/study.h"
#include "lstar/tokenizer/tokenizer.h"
#include "tests/checkpoint/torch_writer.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;
using Folder = testing::TemporaryFolder;

std::string repeated(const std::string& text, size_t times, const std::string& between = "") {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += (i ? between : "") + text;
  return all;
}

// f(0) + between + f(1) + ...
template <class F>
std::string listed(size_t count, const F& f) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += (i ? "," : "") + f(i);
  return all;
}

void write(const Folder& folder, const std::string& name, const std::string& content) {
  ASSERT_TRUE(write_file(folder / name, content));
}

std::string bpe(const std::string& rest) {
  return R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})" + rest + "}";
}
std::string sequence(const std::string& component, const std::string& key, const std::string& steps) {
  return ",\"" + component + R"(":{"type":"Sequence",")" + key + "\":[" + steps + "]}";
}
std::string split(const std::string& regex) {
  return R"({"type":"Split","pattern":{"Regex":")" + regex + R"("},"behavior":"Isolated"})";
}
std::string replace(const std::string& from, const std::string& to) {
  return R"({"type":"Replace","pattern":{"String":")" + from + R"("},"content":")" + to + R"("})";
}

// A trie of one character that is replaced by all of `to`.
std::string charsmap(char from, const std::string& to) {
  std::string trie;
  const auto unit = [&](uint32_t value) { testing::append(trie, value); };
  const size_t size = 512;
  for (uint32_t i = 0; i < size; ++i) {
    if (i == 0)
      unit(uint32_t{256} << 10);  // children at 256
    else if (i == (256u ^ static_cast<unsigned char>(from)))
      unit(uint32_t{128} << 10 | 1u << 8 | static_cast<unsigned char>(from));  // its value at that, xor 128
    else
      unit(0);
  }
  std::string bytes;
  testing::append(bytes, static_cast<uint32_t>(trie.size()));
  bytes += trie + to + std::string(1, '\0');
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (int shift = 18; shift >= 0; shift -= 6) text += kDigits[bits >> shift & 63];
  }
  return text;
}

// Keys that std::hash<std::string> maps to one number: of the 16 letters the second eight make up for what the first
// eight do, and are then letters now and then.
std::vector<std::string> keys_of_one_hash(size_t count) {
  constexpr uint64_t kFactor = 0xc6a4a7935bd1e995, kTarget = 0x123456789abcdef;
  uint64_t inverse = 1;
  for (int i = 0; i < 6; ++i) inverse *= 2 - kFactor * inverse;
  const auto fold = [](uint64_t x) { return x ^ x >> 47; };  // its own inverse
  std::vector<std::string> keys;
  for (uint64_t n = 0; keys.size() < count; ++n) {
    uint64_t first = 0;
    for (int i = 0; i < 8; ++i) first |= ('a' + (n >> 4 * i & 15)) << 8 * i;
    const uint64_t after = ((0xc70f6907 ^ 16 * kFactor) ^ fold(first * kFactor) * kFactor) * kFactor;
    const uint64_t second = fold((after ^ kTarget) * inverse) * inverse;
    std::string key(16, 0);
    std::memcpy(key.data(), &first, 8);
    std::memcpy(key.data() + 8, &second, 8);
    if (std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; }))
      keys.push_back(key);
  }
  return keys;
}

// A Llama of one layer whose tensors have these sizes.
void write_llama(const Folder& folder, int64_t heads, int64_t width, bool empty) {
  const int64_t d = 1, q = heads * width;
  write(folder, "config.json",
        fmt::format(R"({{"model_type":"llama","num_hidden_layers":1,"hidden_size":{},"num_attention_heads":{},
                        "head_dim":{},"intermediate_size":1,"vocab_size":8,"rms_norm_eps":1e-5}})",
                    d, heads, width));
  const auto tensor = [](const char* name, std::vector<int64_t> dims) {
    int64_t count = 1;
    for (const int64_t n : dims) count *= n;
    const std::vector<float> values(static_cast<size_t>(count), 0.5F);
    return testing::make_tensor(name, std::move(dims), values, StoredType::float16);
  };
  const int64_t rows = empty ? 0 : q;
  write(folder, "model.safetensors",
        testing::safetensors_bytes(
            {tensor("model.embed_tokens.weight", {8, d}), tensor("model.layers.0.input_layernorm.weight", {d}),
             tensor("model.layers.0.self_attn.q_proj.weight", {rows, d}),
             tensor("model.layers.0.self_attn.k_proj.weight", {rows, d}),
             tensor("model.layers.0.self_attn.v_proj.weight", {rows, d}),
             tensor("model.layers.0.self_attn.o_proj.weight", {d, rows}),
             tensor("model.layers.0.post_attention_layernorm.weight", {d}),
             tensor("model.layers.0.mlp.gate_proj.weight", {1, d}), tensor("model.layers.0.mlp.up_proj.weight", {1, d}),
             tensor("model.layers.0.mlp.down_proj.weight", {d, 1}), tensor("model.norm.weight", {d}),
             tensor("lm_head.weight", {8, d})}));
}

// What a reader says: its error, or nothing.
using Outcome = std::string;
template <class T>
Outcome said(const Result<T>& result) {
  return result ? "" : result.error().message();
}

// Opens the folder's tokenizer and encodes a text of so many letters.
std::function<Outcome(const std::string&)> encodes(size_t letters, const std::string& text = "a") {
  return [=](const std::string& folder) {
    const auto tokenizer = open_tokenizer({.folder = folder});
    return tokenizer ? said(tokenizer->encode(repeated(text, letters))) : said(tokenizer);
  };
}
Outcome opens(const std::string& folder) { return said(open_checkpoint(folder)); }
Outcome measures(const std::string& folder) {
  return said(measure(folder, {{.text = {}, .ids = {{1, 2, 3}}}}, {.wants = Want::diagonal | Want::residual_norm},
                      {.threads = 1}));
}
// Reads the folder's result, and holds it against itself.
Outcome compares(const std::string& folder) {
  const auto result = read_result(folder + "/r.json");
  if (result && compare(*result, *result).changed()) return "a result is another than itself";
  return said(result);
}
Outcome reads_manifest(const std::string& folder) { return said(read_manifest(folder + "/m.toml")); }

struct Hostile {
  const char* name;
  std::function<void(const Folder&)> make;
  std::function<Outcome(const std::string& folder)> read;
  const char* says = "";  // a part of the error; "": a result does as well
};

std::function<void(const Folder&)> tokenizer_of(std::function<std::string()> json) {
  return [=](const Folder& folder) { write(folder, "tokenizer.json", json()); };
}
std::function<void(const Folder&)> pickled(std::function<std::string()> value) {
  return [=](const Folder& folder) {
    write(folder, "config.json", "{}");
    write(folder, "pytorch_model.bin", testing::archive_of(value()));
  };
}
std::function<void(const Folder&)> manifest(std::function<std::string()> text) {
  return [=](const Folder& folder) { write(folder, "m.toml", text()); };
}
std::function<void(const Folder&)> result_of(std::function<std::string()> json) {
  return [=](const Folder& folder) { write(folder, "r.json", json()); };
}
// Two good files of which one is a pipe that nobody writes to.
std::function<void(const Folder&)> piped(const char* pipe, const char* beside = nullptr, const char* content = "{}") {
  return [=](const Folder& folder) {
    if (beside) write(folder, beside, content);
    ASSERT_EQ(::mkfifo((folder / pipe).c_str(), 0600), 0);
  };
}

const std::string kByteLevel = R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})";
const std::string kDigits = R"({"type":"Digits"})";
constexpr size_t kMega = size_t{1} << 20;

const std::vector<Hostile>& table() {
  static const std::vector<Hostile> rows{
      // The stack.
      {"twenty thousand steps",
       tokenizer_of([] { return bpe(sequence("pre_tokenizer", "pretokenizers", repeated(kDigits, 20000, ","))); }),
       encodes(4), "pre_tokenizer: too many steps: expected at most 64"},
      {"twenty thousand normalizers", tokenizer_of([] {
         return bpe(sequence("normalizer", "normalizers", repeated(R"({"type":"NFC"})", 20000, ",")));
       }),
       encodes(4), "normalizer: too many steps"},
      {"Sequences inside each other", tokenizer_of([] {
         return bpe(R"(,"pre_tokenizer":)" + repeated(R"({"type":"Sequence","pretokenizers":[)", 400) + kDigits +
                    repeated("]}", 400));
       }),
       encodes(4), "pre_tokenizer: too many steps"},
      {"Sequences of Sequences of nothing", tokenizer_of([] {
         return bpe(
             sequence("post_processor", "processors", repeated(R"({"type":"Sequence","processors":[]})", 64, ",")));
       }),
       encodes(4), "post_processor: too many steps"},
      {"a dotted key of TOML", manifest([] { return repeated("a", 60000, ".") + " = 1\n"; }), reads_manifest,
       "line 1: a key of too many parts: expected at most 16"},
      {"a table's name of TOML", manifest([] { return "\n[" + repeated("'a'", 60000, " . ") + "]\n"; }), reads_manifest,
       "line 2: a key of too many parts"},
      {"lists of TOML", manifest([] { return "a = " + repeated("[", 60000) + "\n"; }), reads_manifest,
       "line 1: values nested too deep"},
      {"tables of TOML", manifest([] { return "a = " + repeated("{b=", 60000) + "\n"; }), reads_manifest,
       "line 1: values nested too deep"},
      // Memory: two counts that make a product.
      {"one tuple as the sizes of all tensors", pickled([] {
         using namespace testing::pickle;
         std::string value = "(" + repeated("K\x01", kMega) + "tq\x01" + "0}(";
         for (int i = 0; i < 200; ++i)
           value +=
               text(fmt::format("t{}", i)) +
               call(global("torch._utils", "_rebuild_tensor_v2"),
                    {tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), whole(6)}) + "Q",
                     whole(0), "h\x01", "h\x01", "\x89", call(global("collections", "OrderedDict"), {})});
         return value + "u";
       }),
       opens, "has too many sizes: expected at most 64, found 1048576"},
      {"MEMOIZE", pickled([] { return "N" + std::string(8 * kMega, '\x94'); }), opens,
       "remembers more values than there are"},
      {"DUP", pickled([] { return "N" + repeated("2\x85", 3 * kMega); }), opens},
      {"DUP and lists", pickled([] { return "](N" + repeated("2", 3 * kMega) + "e"; }), opens},
      {"values and MEMOIZE", pickled([] { return "(" + repeated("N\x94", 3 * kMega) + "t"; }), opens},
      {"one tensor under every key", pickled([] {
         using namespace testing::pickle;
         return text("w") + "q\x01" + "0" + tensor({}) + "q\x02" + "0}(" + repeated("h\x01h\x02", 300'000) + "u";
       }),
       opens, "names more tensors than there are values"},
      {"tokens around a text", tokenizer_of([] {
         return bpe(R"(,"post_processor":{"type":"TemplateProcessing","single":[)" +
                    repeated(R"({"SpecialToken":{"id":"x"}})", 900, ",") +
                    R"(,{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[)" + repeated("0", 20000, ",") + "]}}}");
       }),
       encodes(4), "too many special tokens around a text: expected at most 1000"},
      {"ByteLevel that doubles",
       tokenizer_of([] { return bpe(sequence("pre_tokenizer", "pretokenizers", repeated(kByteLevel, 60, ","))); }),
       encodes(20, "\xc3\xa9"), "makes the text too long: expected at most 5376 bytes"},
      {"one wide head", [](const Folder& folder) { write_llama(folder, 1, 16384, false); }, measures,
       "heads * head width squared"},
      {"the widest head that is read", [](const Folder& folder) { write_llama(folder, 1, 2048, false); }, measures},
      {"heads whose product wraps", [](const Folder& folder) { write_llama(folder, 65536, 65536, true); }, measures,
       "heads * head width"},
      {"Prepend in front of added tokens", tokenizer_of([] {
         return bpe(R"(,"normalizer":{"type":"Prepend","prepend":")" + std::string(kMega, 'b') +
                    R"("},"added_tokens":[)" +
                    listed(2000,
                           [](size_t i) {
                             return fmt::format(R"({{"id":{},"content":"<{}>","normalized":true}})", 3 + i, i);
                           }) +
                    "]");
       }),
       encodes(2), "makes the text too long"},
      {"a charsmap of one long replacement", tokenizer_of([] {
         return bpe(R"(,"normalizer":{"type":"Precompiled","precompiled_charsmap":")" +
                    charsmap('a', std::string(4 * kMega, 'b')) + "\"}");
       }),
       encodes(64), "makes the text too long"},
      {"a long prompt and many tokenizations", result_of([] {
         constexpr size_t kModels = 4000;
         return R"({"prompts":[{"text":")" + std::string(kMega, 'a') + R"("},{"token_ids":[)" +
                repeated("7", 100'000, ",") + R"(]}],"results":[)" +
                listed(kModels, [](size_t i) { return fmt::format(R"({{"model":"m{}"}})", i); }) +
                R"(],"tokenizations":[)" +
                listed(kModels,
                       [](size_t i) { return fmt::format(R"({{"models":["m{}"],"token_ids":[null,null]}})", i); }) +
                "]}";
       }),
       compares},
      // Time.
      {"a name of many models that is named as often", result_of([] {
         constexpr size_t kTimes = 60'000;
         return R"({"prompts":[{"text":"p"}],"results":[)" + repeated(R"({"model":"m"})", kTimes, ",") +
                R"(],"tokenizations":[{"token_ids":[[1]],"models":[)" + repeated("\"m\"", kTimes, ",") + "]}]}";
       }),
       compares},
      {"a pattern that goes back", tokenizer_of([] {
         return bpe(sequence("pre_tokenizer", "pretokenizers", repeated(split(R"((?:.{1,3}){1,14}(?<!.))"), 5, ",")));
       }),
       encodes(68), "takes too long over the text"},
      {"a pattern that goes back at every letter",
       tokenizer_of([] { return bpe(sequence("pre_tokenizer", "pretokenizers", split(R"(.*.*(?<!.))"))); }),
       encodes(4000), "takes too long over the text"},
      {"a pattern that looks ahead at every letter",
       tokenizer_of([] { return bpe(sequence("pre_tokenizer", "pretokenizers", split(R"((?=.*)a)"))); }),
       encodes(60'000), "takes too long over the text"},
      {"a pattern that calls itself", tokenizer_of([] {
         std::string regex = "(?<g0>x?){0}";
         for (int i = 1; i < 20; ++i) regex += fmt::format(R"((?<g{}>\\g<g{}>\\g<g{}>){{0}})", i, i - 1, i - 1);
         return bpe(sequence("pre_tokenizer", "pretokenizers", split(regex + R"(\\g<g19>)")));
       }),
       encodes(4000)},
      {"a long text for each letter, and one long piece", tokenizer_of([] {
         return R"({"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",-9],["a",-1],[")" + std::string(60000, 'a') +
                R"(",-2]]})" + R"(,"normalizer":)" + replace("a", std::string(15000, 'a')) + "}";
       }),
       encodes(4), "makes the text too long"},
      {"one long piece of Unigram", tokenizer_of([] {
         return R"({"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",-9],["a",-1],[")" + std::string(kMega, 'a') +
                R"(",-2]]})" + R"(,"normalizer":)" + replace("a", std::string(30, 'a')) + "}";
       }),
       encodes(20000), "takes too long over the text"},
      {"one long piece of WordPiece", tokenizer_of([] {
         return R"({"model":{"type":"WordPiece","max_input_chars_per_word":100000000,"vocab":{"[UNK]":0,"##a":1,"a":2,")" +
                std::string(kMega, 'a') + R"(":3}},"normalizer":)" + replace("a", std::string(30, 'a')) + "}";
       }),
       encodes(20000), "takes too long over the text"},
      {"one long added token", tokenizer_of([] {
         return bpe(R"(,"added_tokens":[{"id":3,"special":true,"content":")" + std::string(kMega, 'a') + "b\"}]");
       }),
       encodes(200'000), "takes too long over the text"},
      {"a long text that is replaced", tokenizer_of([] {
         return bpe(
             sequence("normalizer", "normalizers", repeated(replace(std::string(50000, 'a') + "b", "c"), 60, ",")));
       }),
       encodes(100'000)},
      {"a long mark of pieces", tokenizer_of([] {
         return R"({"model":{"type":"BPE","continuing_subword_prefix":")" + std::string(kMega, '#') +
                R"(","vocab":{"a":0},"merges":[]}})";
       }),
       encodes(20000), "continuing_subword_prefix: too long: expected at most 256 bytes"},
      {"roles",
       [](const Folder& folder) {
         write(folder, "tokenizer.json", bpe(""));
         write(folder, "tokenizer_config.json",
               "{" + listed(100'000, [](size_t i) { return fmt::format(R"("r{}_token":"t{}")", i, i); }) + "}");
       },
       encodes(4)},
      {"added and special tokens",
       [](const Folder& folder) {
         write(folder, "tokenizer.json",
               bpe(R"(,"added_tokens":[)" +
                   listed(60'000, [](size_t i) { return fmt::format(R"({{"id":{},"content":"<{}>"}})", 3 + i, i); }) +
                   "]"));
         write(folder, "tokenizer_config.json", R"({"additional_special_tokens":[)" + listed(60'000, [](size_t i) {
                                                  return fmt::format(R"("<s{}>")", i);
                                                }) + "]}");
       },
       encodes(4)},
      {"keys of one hash in config.json",
       [](const Folder& folder) {
         const auto keys = keys_of_one_hash(40'000);
         write(folder, "config.json",
               "{" + listed(keys.size(), [&](size_t i) { return "\"" + keys[i] + "\":1"; }) + "}");
         write(folder, "model.safetensors", testing::safetensors_bytes("{}", ""));
       },
       opens},
      {"a million layers' types in config.json",
       [](const Folder& folder) {
         write(folder, "config.json",
               R"({"model_type":"qwen2","num_hidden_layers":1,"layer_types":[)" +
                   repeated(R"("full_attention")", 1'000'000, ",") + "]}");
         write(folder, "model.safetensors", testing::safetensors_bytes("{}", ""));
       },
       measures, "not a list of names"},
      {"a million groups of layers in config.json",
       [](const Folder& folder) {
         write(folder, "config.json",
               R"({"model_type":"gpt_neo","num_layers":1,"attention_types":[[["global"],1])" +
                   repeated(R"(,[["global"],1])", 1'000'000) + "]}");
         write(folder, "model.safetensors", testing::safetensors_bytes("{}", ""));
       },
       measures, "not a list of repeated names"},
      {"pieces of one hash",
       [](const Folder& folder) {
         const auto keys = keys_of_one_hash(40'000);
         write(folder, "tokenizer.json",
               R"({"model":{"type":"WordLevel","unk_token":"<unk>","vocab":{"<unk>":0,)" +
                   listed(keys.size(), [&](size_t i) { return fmt::format("\"{}\":{}", keys[i], i + 1); }) + "}}}");
       },
       encodes(4)},
      // Waiting.
      {"merges.txt that is a pipe", piped("merges.txt", "vocab.json"), encodes(1), "merges.txt: not a regular file"},
      {"vocab.txt that is a pipe",
       piped("vocab.txt", "tokenizer_config.json", R"({"tokenizer_class":"BertTokenizer"})"), encodes(1),
       "vocab.txt: not a regular file"},
      {"tokenizer.model that is a pipe", piped("tokenizer.model"), encodes(1), "tokenizer.model: not a regular file"},
      {"tokenizer.json that is a pipe", piped("tokenizer.json"), encodes(1), "tokenizer.json: not a regular file"},
      {"a manifest that is a pipe", piped("m.toml"), reads_manifest, "m.toml: not a regular file"},
  };
  return rows;
}

enum Exit { kFine, kSeveralLines, kOtherError, kNoMemory };

void limit(int what, rlim_t most) {
  const rlimit both{most, most};
  ::setrlimit(what, &both);
}

rlim_t size_of_files(const std::string& folder) {
  rlim_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

[[noreturn]] void read_in_child(const Hostile& hostile, const std::string& folder) {
  constexpr rlim_t kSeconds = 10, kSpare = 256 << 20;
  limit(RLIMIT_AS, 32 * size_of_files(folder) + kSpare);
  limit(RLIMIT_CPU, kSeconds);
  limit(RLIMIT_CORE, 0);
  ::alarm(600);  // of a pipe that is waited for, whatever the machine has to do besides
  const Outcome outcome = hostile.read(folder);
  if (outcome.find("out of memory") != std::string::npos) ::_exit(kNoMemory);
  if (outcome.find('\n') != std::string::npos) ::_exit(kSeveralLines);
  if (outcome.find(hostile.says) == std::string::npos) {
    std::fprintf(stderr, "%s: said: %s\n", hostile.name, outcome.c_str());
    ::_exit(kOtherError);
  }
  ::_exit(kFine);
}

TEST(Hostile, KeysAreOfOneHash) {
  const auto keys = keys_of_one_hash(100);
  for (const std::string& key : keys)
    EXPECT_EQ(std::hash<std::string>()(key), std::hash<std::string>()(keys[0])) << key;
  EXPECT_NE(keys[0], keys[1]);
}

TEST(Hostile, FilesTakeNoMoreThanTheyPayFor) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer's own memory and time are larger than any limit";
  for (const Hostile& hostile : table()) {
    const Folder folder;
    hostile.make(folder);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) read_in_child(hostile, folder.path());
    int status = 0;
    rusage used{};
    ASSERT_EQ(::wait4(child, &status, 0, &used), child);
    EXPECT_TRUE(WIFEXITED(status)) << hostile.name << ": signal " << WTERMSIG(status);
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, kFine) << hostile.name;
    if (std::getenv("LSTAR_HOSTILE"))
      std::printf("%-45s %8.1f KB %8.1f MB %6.2f s\n", hostile.name, double(size_of_files(folder.path())) / 1e3,
                  double(used.ru_maxrss) / 1e3,
                  double(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                      double(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
  }
}

}  // namespace
}  // namespace lstar
