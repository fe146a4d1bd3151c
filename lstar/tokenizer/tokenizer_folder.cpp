// Reads the tokenizer of a Hugging Face folder. Beside the vocabulary, tokenizer_config.json and
// special_tokens_map.json name special tokens; `transformers` adds those that the vocabulary's own file does not
// declare, and for files without a post-processor it puts bos and eos around a text where add_bos_token and
// add_eos_token say so. The rules here are those of AutoTokenizer in `transformers` 5.24.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "lstar/base/json.h"
#include "lstar/tokenizer/pipeline.h"

namespace lstar {
namespace {

namespace dom = simdjson::dom;
namespace fs = std::filesystem;

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// A JSON file that need not be there: an empty object then.
Result<JsonDocument> read_optional(const std::string& path) {
  return exists(path) ? JsonDocument::read(path) : JsonDocument::parse("{}", path);
}

struct SettingsFiles {
  JsonDocument tokenizer_config, special_tokens_map, added_tokens, config;
};

Result<SettingsFiles> read_settings(const std::string& folder) {
  SettingsFiles files;
  LSTAR_ASSIGN(files.tokenizer_config, read_optional(folder + "/tokenizer_config.json"));
  LSTAR_ASSIGN(files.special_tokens_map, read_optional(folder + "/special_tokens_map.json"));
  LSTAR_ASSIGN(files.added_tokens, read_optional(folder + "/added_tokens.json"));
  LSTAR_ASSIGN(files.config, read_optional(folder + "/config.json"));
  return files;
}

// The tokenizer class, without "Fast": as a file names it, else the class of the model type. Empty where nothing tells.
std::string class_of(const SettingsFiles& files) {
  for (const JsonDocument* file : {&files.tokenizer_config, &files.config}) {
    if (auto name = json_string(file->root(), "tokenizer_class")) {
      if (name->ends_with("Fast")) name->resize(name->size() - 4);
      return *name;
    }
  }
  const std::string model_type = json_string(files.config.root(), "model_type").value_or("");
  if (model_type == "gpt2" || model_type == "opt") return "GPT2Tokenizer";
  if (model_type == "gpt_neox") return "GPTNeoXTokenizer";
  if (model_type == "bert" || model_type == "distilbert" || model_type == "electra") return "BertTokenizer";
  return "";
}

bool is_bert(const std::string& tokenizer_class) {
  return tokenizer_class == "BertTokenizer" || tokenizer_class == "DistilBertTokenizer" ||
         tokenizer_class == "ElectraTokenizer";
}

// A special token is written as text or as an object with its flags.
std::optional<AddedToken> parse_token(Json value, bool named) {
  std::string_view text;
  if (!value.get_string().get(text))
    return AddedToken{.content = std::string(text), .special = true, .normalized = false};
  const auto content = json_string(value, "content");
  if (!content) return std::nullopt;
  const bool special = json_bool(value, "special").value_or(named);
  return AddedToken{.content = *content,
                    .special = special,
                    .normalized = json_bool(value, "normalized").value_or(!special),
                    .left_strip = json_bool(value, "lstrip").value_or(false),
                    .right_strip = json_bool(value, "rstrip").value_or(false),
                    .single_word = json_bool(value, "single_word").value_or(false)};
}

// The special tokens of a folder by their role ("bos_token"), in the order in which they get new ids.
class NamedTokens {
 public:
  NamedTokens(const SettingsFiles& files, const std::string& tokenizer_class) {
    if (tokenizer_class == "GPT2Tokenizer" || tokenizer_class == "GPTNeoXTokenizer")
      for (const char* role : {"bos_token", "eos_token", "unk_token"})
        set(role, AddedToken{.content = "<|endoftext|>", .special = true, .normalized = false});
    if (is_bert(tokenizer_class))
      for (const auto& [role, content] : {std::pair("unk_token", "[UNK]"),
                                          {"sep_token", "[SEP]"},
                                          {"pad_token", "[PAD]"},
                                          {"cls_token", "[CLS]"},
                                          {"mask_token", "[MASK]"}})
        set(role, AddedToken{.content = content, .special = true, .normalized = false});
    if (tokenizer_class == "GPTNeoXTokenizer")
      set("pad_token", AddedToken{.content = "<|padding|>", .special = true, .normalized = false});
    read(files.tokenizer_config.root());
    // The map is the older of the two files; it is not read where the newer one declares all added tokens.
    if (!json_find(files.tokenizer_config.root(), "added_tokens_decoder")) read(files.special_tokens_map.root());
  }

  const AddedToken* find(std::string_view role) const {
    for (const auto& [name, token] : roles_)
      if (name == role && token) return &*token;
    return nullptr;
  }

  std::vector<AddedToken> all() const {
    std::vector<AddedToken> tokens;
    for (const auto& [name, token] : roles_)
      if (token) tokens.push_back(*token);
    tokens.insert(tokens.end(), extra_.begin(), extra_.end());
    return tokens;
  }

 private:
  void set(std::string_view role, std::optional<AddedToken> token) {
    const auto at = std::find_if(roles_.begin(), roles_.end(), [&](const auto& entry) { return entry.first == role; });
    if (at != roles_.end())
      at->second = std::move(token);
    else
      roles_.emplace_back(role, std::move(token));
  }

  void read(Json settings) {
    dom::object fields;
    if (settings.get_object().get(fields)) return;
    for (dom::key_value_pair field : fields) {
      const bool is_role = field.key.ends_with("_token") && !field.value.is_bool();
      if (is_role) set(field.key, field.value.is_null() ? std::nullopt : parse_token(field.value, true));
      if (field.key == "additional_special_tokens" || field.key == "extra_special_tokens") read_extra(field.value);
    }
  }

  void read_extra(Json list) {
    dom::array items;
    if (list.get_array().get(items)) return;
    for (Json item : items)
      if (auto token = parse_token(item, true)) extra_.push_back(*std::move(token));
  }

  // The seven standard roles first, in this order; others behind them.
  std::vector<std::pair<std::string, std::optional<AddedToken>>> roles_{
      {"bos_token", {}}, {"eos_token", {}}, {"unk_token", {}}, {"sep_token", {}},
      {"pad_token", {}}, {"cls_token", {}}, {"mask_token", {}}};
  std::vector<AddedToken> extra_;
};

// Tokens that the settings declare with an id: added in the order of their ids.
std::vector<AddedToken> declared_tokens(const SettingsFiles& files, const NamedTokens& named) {
  std::multimap<int64_t, AddedToken> by_id;
  dom::object fields;
  if (const auto decoder = json_find(files.tokenizer_config.root(), "added_tokens_decoder")) {
    if (decoder->get_object().get(fields)) return {};
    for (dom::key_value_pair field : fields) {
      int64_t id = 0;
      std::from_chars(field.key.data(), field.key.data() + field.key.size(), id);
      if (auto token = parse_token(field.value, false)) by_id.emplace(id, *std::move(token));
    }
  } else if (!files.added_tokens.root().get_object().get(fields)) {
    const std::vector<AddedToken> specials = named.all();
    for (dom::key_value_pair field : fields) {
      int64_t id = 0;
      if (field.value.get_int64().get(id)) continue;
      const bool special = std::any_of(specials.begin(), specials.end(),
                                       [&](const AddedToken& token) { return token.content == field.key; });
      by_id.emplace(id, AddedToken{.content = std::string(field.key), .special = special, .normalized = !special});
    }
  }
  std::vector<AddedToken> tokens;
  for (auto& [id, token] : by_id) tokens.push_back(std::move(token));
  return tokens;
}

// What a folder without a tokenizer.json may have. A tokenizer.json brings its own tokens around a text; these bring
// the default of `bos` and `eos`, where they know it.
struct VocabularyFiles {
  PipelinePointer pipeline;
  std::string bos, eos;
};

bool is_general(const std::string& tokenizer_class) {
  return tokenizer_class.empty() || tokenizer_class == "PreTrainedTokenizer" || tokenizer_class == "TokenizersBackend";
}

tl::unexpected<Error> unknown_class(const std::string& folder, std::string known, const std::string& found) {
  return fail({.what = "tokenizer class not supported without a tokenizer.json",
               .file = folder,
               .expected = std::move(known),
               .found = found});
}

Result<PipelinePointer> read_two_files(const std::string& folder, const SettingsFiles& files,
                                       const std::string& tokenizer_class) {
  if (!is_general(tokenizer_class) && tokenizer_class != "GPT2Tokenizer" && tokenizer_class != "GPTNeoXTokenizer")
    return unknown_class(folder, "GPT2Tokenizer or GPTNeoXTokenizer", tokenizer_class);
  return read_vocab_and_merges(
      folder + "/vocab.json", folder + "/merges.txt",
      {.nfc = tokenizer_class == "GPTNeoXTokenizer",
       .prefix_space = json_bool(files.tokenizer_config.root(), "add_prefix_space").value_or(false)});
}

Result<PipelinePointer> read_bert(const std::string& folder, const SettingsFiles& files,
                                  const std::string& tokenizer_class, const NamedTokens& named) {
  if (!is_bert(tokenizer_class))
    return unknown_class(folder, "BertTokenizer, DistilBertTokenizer or ElectraTokenizer",
                         tokenizer_class.empty() ? "none" : tokenizer_class);
  const Json settings = files.tokenizer_config.root();
  const bool lowercase = json_bool(settings, "do_lower_case").value_or(true);
  BertTokens tokens;
  if (const AddedToken* token = named.find("unk_token")) tokens.unknown = token->content;
  if (const AddedToken* token = named.find("cls_token")) tokens.first = token->content;
  if (const AddedToken* token = named.find("sep_token")) tokens.last = token->content;
  return read_vocab_txt(folder + "/vocab.txt",
                        {.separate_chinese = json_bool(settings, "tokenize_chinese_chars").value_or(true),
                         .strip_accents = json_bool(settings, "strip_accents").value_or(lowercase),
                         .lowercase = lowercase},
                        tokens);
}

Result<VocabularyFiles> read_sentencepiece(const std::string& folder, const SettingsFiles& files,
                                           const std::string& tokenizer_class) {
  SentencePieceRule rule = SentencePieceRule::as_the_file_says;
  if (tokenizer_class == "LlamaTokenizer") {
    const bool legacy = json_bool(files.tokenizer_config.root(), "legacy").value_or(false);
    rule = legacy ? SentencePieceRule::llama_always : SentencePieceRule::llama_first;
  } else if (!is_general(tokenizer_class) && tokenizer_class != "GemmaTokenizer") {
    return unknown_class(folder, "LlamaTokenizer or GemmaTokenizer", tokenizer_class);
  }
  LSTAR_ASSIGN(SentencePieceFile file, read_sentencepiece_model(folder + "/tokenizer.model", rule));
  return VocabularyFiles{.pipeline = std::move(file.pipeline), .bos = std::move(file.bos), .eos = std::move(file.eos)};
}

Result<VocabularyFiles> read_vocabulary_files(const std::string& folder, const SettingsFiles& files,
                                              const std::string& tokenizer_class, const NamedTokens& named) {
  if (exists(folder + "/vocab.json") && exists(folder + "/merges.txt")) {
    LSTAR_ASSIGN(PipelinePointer pipeline, read_two_files(folder, files, tokenizer_class));
    return VocabularyFiles{.pipeline = std::move(pipeline)};
  }
  if (exists(folder + "/vocab.txt")) {
    LSTAR_ASSIGN(PipelinePointer pipeline, read_bert(folder, files, tokenizer_class, named));
    return VocabularyFiles{.pipeline = std::move(pipeline)};
  }
  if (exists(folder + "/tokenizer.model")) return read_sentencepiece(folder, files, tokenizer_class);
  return fail({.what = "no tokenizer found",
               .file = folder,
               .expected = "tokenizer.json, vocab.json and merges.txt, vocab.txt, or tokenizer.model"});
}

}  // namespace

Result<PipelinePointer> read_tokenizer_folder(const std::string& folder) {
  LSTAR_ASSIGN(const SettingsFiles files, read_settings(folder));
  const std::string tokenizer_class = class_of(files);
  const NamedTokens named(files, tokenizer_class);
  const bool one_file = exists(folder + "/tokenizer.json");
  VocabularyFiles read;
  if (one_file) {
    LSTAR_ASSIGN(read.pipeline, read_tokenizer_json(folder + "/tokenizer.json"));
  } else {
    LSTAR_ASSIGN(read, read_vocabulary_files(folder, files, tokenizer_class, named));
  }
  PipelinePointer& pipeline = read.pipeline;
  const Vocabulary& vocabulary = pipeline->model.vocabulary();
  for (AddedToken& token : declared_tokens(files, named)) pipeline->added.add(std::move(token), vocabulary);
  for (AddedToken& token : named.all())
    if (pipeline->added.find(token.content) < 0) pipeline->added.add(std::move(token), vocabulary);
  if (!one_file) {  // a tokenizer.json has its own post-processor
    const Json settings = files.tokenizer_config.root();
    const auto id_of = [&](std::string_view role, const std::string& otherwise) {
      const AddedToken* token = named.find(role);
      return pipeline->added.find(token ? token->content : otherwise);
    };
    if (const int32_t bos = id_of("bos_token", read.bos);
        bos >= 0 && json_bool(settings, "add_bos_token").value_or(false))
      pipeline->prefix.push_back(bos);
    if (const int32_t eos = id_of("eos_token", read.eos);
        eos >= 0 && json_bool(settings, "add_eos_token").value_or(false))
      pipeline->suffix.push_back(eos);
  }
  LSTAR_TRY(pipeline->finish());
  return pipeline;
}

}  // namespace lstar
