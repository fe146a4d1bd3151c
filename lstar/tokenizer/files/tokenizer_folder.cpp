// Reads the tokenizer of a Hugging Face folder: the class that it means, the vocabulary's own file, and the settings
// that lie over it. The rules are those of AutoTokenizer in `transformers` 5.24.
#include <initializer_list>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lstar/base/json.h"
#include "lstar/checkpoint/folder_listing.h"
#include "lstar/tokenizer/files/class_pipeline.h"
#include "lstar/tokenizer/files/folder_settings.h"
#include "lstar/tokenizer/files/json_component.h"
#include "lstar/tokenizer/files/not_a_vocabulary.h"
#include "lstar/tokenizer/files/tokenizer_class.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {
namespace {

// What a folder is, before its vocabulary is read.
struct Folder {
  std::string path;
  SettingsFiles files;
  ClassHints hints;
  std::string class_name;                           // without "Fast"; empty for none
  const TokenizerClass* tokenizer_class = nullptr;  // null where the vocabulary's file is taken as it is
  bool declared_are_raw = false;                    // tokens of added_tokens_decoder are looked for in raw text
};

bool spells_bytes(Json root) {
  for (const char* component : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    const auto value = root.find(component);
    if (value && value->minified().find("\"ByteLevel\"") != std::string::npos) return true;
  }
  return false;
}

Result<Folder> look_into(const std::string& path, const JsonDocument* tokenizer_json) {
  Folder folder{.path = path};
  LSTAR_ASSIGN(folder.files, read_settings(path));
  const Json settings = folder.files.tokenizer_config.root(), config = folder.files.config.root();
  folder.hints = {.declared = settings.string("tokenizer_class").value_or(""),
                  .in_config = config.string("tokenizer_class").value_or(""),
                  .model_type = config.string("model_type").value_or(""),
                  .has_code = settings.find("auto_map").has_value(),
                  .byte_level = tokenizer_json && spells_bytes(tokenizer_json->root())};
  folder.class_name = choose_tokenizer_class(folder.hints);
  folder.tokenizer_class = find_tokenizer_class(folder.class_name);
  return folder;
}

// "A, B or C": the classes of the table that are read so.
template <class Fits>
std::string classes_that(const Fits& fits) {
  std::vector<std::string_view> names;
  for (const TokenizerClass& known : tokenizer_classes())
    if (fits(known)) names.push_back(known.name);
  const std::string_view last = names.back();
  names.pop_back();
  return fmt::format("{} or {}", fmt::join(names, ", "), last);
}

tl::unexpected<Error> unknown_class(const Folder& folder, std::string known) {
  return fail({.kind = ErrorKind::unsupported,
               .what = "tokenizer class not supported without a tokenizer.json",
               .file = folder.path,
               .expected = std::move(known),
               .found = folder.class_name.empty() ? "none" : folder.class_name});
}

// Adds the tokens that a folder declares and names. `own`: those of a tokenizer.json, for a class that has not added
// them yet.
Result<void> add_tokens(const Folder& folder, NamedTokens& named, std::vector<JsonAddedToken> own,
                        TokenizerPipeline& pipeline) {
  const Vocabulary& vocabulary = pipeline.model.vocabulary();
  AddedTokens& added = pipeline.added;
  LSTAR_ASSIGN(DeclaredTokens declared, declared_tokens(folder.files, named));
  if (!declared.instead && !own.empty()) {
    std::map<double, AddedToken> by_id;
    for (auto& [id, token] : declared.tokens) by_id.insert_or_assign(id, std::move(token));
    for (JsonAddedToken& entry : own) by_id.insert_or_assign(entry.id, std::move(entry.token));
    declared.tokens.assign(std::make_move_iterator(by_id.begin()), std::make_move_iterator(by_id.end()));
  }
  for (auto& [id, token] : declared.tokens) {
    if (folder.declared_are_raw && declared.instead) token.normalized = false;
    const AddedToken* known = added.token(added.find(token.content));
    if (known && known->is_like(token)) continue;
    token.special |= named.has_role(token.content);
    added.add(std::move(token), vocabulary);
  }
  named.take_flags_of(added);
  std::vector<NamedToken> fresh;
  std::set<std::tuple<std::string_view, bool, bool, bool, bool, bool, bool>> seen;  // as AddedToken::is_like compares
  for (const NamedToken& one : named.all()) {
    const AddedToken& token = one.token;
    if (added.find(token.content) < 0 && seen.emplace(token.content, one.is_text, token.special, token.normalized,
                                                      token.left_strip, token.right_strip, token.single_word)
                                             .second)
      fresh.push_back(one);
  }
  for (NamedToken& one : fresh) {
    one.token.special |= named.has_role(one.token.content);
    added.add(std::move(one.token), vocabulary);
  }
  using Specials = TokenizerClass::Specials;
  const Specials specials = folder.tokenizer_class ? folder.tokenizer_class->specials : Specials::as_given;
  if (specials == Specials::as_given) return {};
  for (const NamedToken& one : named.all()) {
    AddedToken token = one.token;
    if (specials == Specials::plain) token = {.content = token.content, .normalized = false};
    token.special = true;
    added.add(std::move(token), vocabulary);
  }
  return {};
}

bool has_merges(Json root) {
  const auto model = root.find("model");
  return model && model->find("merges");
}

Result<PipelinePointer> rebuild(const Folder& folder, Json root, const std::string& source) {
  auto pipeline = std::make_shared<TokenizerPipeline>();
  pipeline->source = source;
  NamedTokens named(folder.files, folder.tokenizer_class);
  LSTAR_ASSIGN(pipeline->model, read_class_model(*folder.tokenizer_class, root, named));
  if (folder.tokenizer_class->pieces == TokenizerClass::Pieces::merges && !has_merges(root))
    pipeline->warnings.push_back(fmt::format(
        "tokenizer.json has no merges for {}: each character is a token, as in transformers", folder.class_name));
  LSTAR_TRY(set_class_text(*folder.tokenizer_class, folder.files, &root, *pipeline));
  LSTAR_ASSIGN(std::vector<JsonAddedToken> own, read_json_added_tokens(root));
  LSTAR_TRY(add_tokens(folder, named, std::move(own), *pipeline));
  LSTAR_TRY(set_class_ends(folder.tokenizer_class, folder.files, named, &root, {}, *pipeline));
  return pipeline;
}

Result<PipelinePointer> read_one_file(const Folder& folder, const JsonDocument& document) {
  if (folder.tokenizer_class) {
    auto pipeline = rebuild(folder, document.root(), document.source());
    if (!pipeline) return fail(std::move(pipeline).error().in(document.source()));
    return pipeline;
  }
  LSTAR_ASSIGN(PipelinePointer pipeline, read_tokenizer_json(document));
  if (is_not_followed(folder.class_name, true))
    pipeline->warnings.push_back(fmt::format(
        "tokenizer.json is taken as it is; {} of transformers builds a tokenizer of its own, whose ids may be others",
        folder.class_name));
  NamedTokens named(folder.files, nullptr);
  LSTAR_TRY(add_tokens(folder, named, {}, *pipeline));
  return pipeline;
}

// The class of vocabulary files without a tokenizer.json: where AutoTokenizer would want one, the class that is named.
void name_class(Folder& folder, std::string_view otherwise) {
  if (!folder.class_name.empty()) return;
  const std::string& declared = folder.hints.declared.empty() ? folder.hints.in_config : folder.hints.declared;
  folder.tokenizer_class = find_tokenizer_class(declared);
  if (!folder.tokenizer_class) folder.tokenizer_class = find_tokenizer_class(otherwise);
  if (folder.tokenizer_class) folder.class_name = folder.tokenizer_class->name;
}

Result<PipelinePointer> finish_vocabulary(const Folder& folder, NamedTokens& named, WordModel model,
                                          const std::string& source) {
  auto pipeline = std::make_shared<TokenizerPipeline>();
  pipeline->source = source;
  pipeline->model = std::move(model);
  // Without a class the cutting is GPT-2's, and no token is special but those that the settings name.
  const TokenizerClass* text = folder.tokenizer_class ? folder.tokenizer_class : find_tokenizer_class("GPT2Tokenizer");
  LSTAR_TRY(set_class_text(*text, folder.files, nullptr, *pipeline));
  LSTAR_TRY(add_tokens(folder, named, {}, *pipeline));
  LSTAR_TRY(set_class_ends(folder.tokenizer_class, folder.files, named, nullptr, {}, *pipeline));
  return pipeline;
}

Result<PipelinePointer> read_two_files(Folder& folder, const std::string& vocab, const std::string& merges,
                                       std::string_view otherwise) {
  name_class(folder, otherwise);
  const TokenizerClass* found = folder.tokenizer_class;
  if (!folder.class_name.empty() && !(found && found->spells_bytes()))
    return unknown_class(folder, classes_that([](const TokenizerClass& known) { return known.spells_bytes(); }));
  NamedTokens named(folder.files, found);
  LSTAR_ASSIGN(WordModel model, read_vocab_and_merges(folder.path + "/" + vocab, folder.path + "/" + merges));
  return finish_vocabulary(folder, named, std::move(model), folder.path + "/" + vocab);
}

Result<PipelinePointer> read_bert(Folder& folder) {
  name_class(folder, "");
  const TokenizerClass* found = folder.tokenizer_class;
  if (!found || found->pieces != TokenizerClass::Pieces::word_pieces)
    return unknown_class(folder, "BertTokenizer, DistilBertTokenizer or ElectraTokenizer");
  NamedTokens named(folder.files, found);
  const AddedToken* unknown = named.find("unk_token");
  LSTAR_ASSIGN(WordModel model, read_vocab_txt(folder.path + "/vocab.txt", unknown ? unknown->content : "None"));
  return finish_vocabulary(folder, named, std::move(model), folder.path + "/vocab.txt");
}

Result<SentencePieceRule> sentencepiece_rule(const Folder& folder) {
  using Read = TokenizerClass::SentencePiece;
  const TokenizerClass* found = folder.tokenizer_class;
  const bool is_llama = found && found->sentencepiece == Read::llama;
  LSTAR_ASSIGN(const bool legacy, read_flag(folder.files, "legacy", !is_llama));
  const auto known = [] {
    return classes_that([](const TokenizerClass& one) { return one.sentencepiece != Read::not_read; });
  };
  if (!found && is_not_followed(folder.class_name, false)) return unknown_class(folder, known());
  if (!found) return legacy ? SentencePieceRule::as_the_file_says : SentencePieceRule::file_first;
  if (found->sentencepiece == Read::not_read) return unknown_class(folder, known());
  if (!is_llama) return SentencePieceRule::gemma;
  LSTAR_ASSIGN(const bool prefix, read_flag(folder.files, "add_prefix_space", true));
  if (!prefix) return SentencePieceRule::llama_never;
  return legacy ? SentencePieceRule::llama_always : SentencePieceRule::llama_first;
}

bool is_renumbered(const TokenizerClass* known) {
  using Read = TokenizerClass::SentencePiece;
  return known && (known->sentencepiece == Read::behind_four || known->sentencepiece == Read::behind_five);
}

// The file of XLM-RoBERTa and CamemBERT, whose ids are fairseq's: pieces of its own in front, the mask behind.
Result<PipelinePointer> read_renumbered(const Folder& folder, const std::string& path) {
  NamedTokens named(folder.files, folder.tokenizer_class);
  const auto text = [&](std::string_view role) {
    const AddedToken* token = named.find(role);
    return token ? token->content : std::string("None");
  };
  PiecesAround around{
      .front = {{text("bos_token"), 0}, {text("pad_token"), 0}, {text("eos_token"), 0}, {text("unk_token"), 0}},
      .skipped = 3,
      .last = text("mask_token")};
  if (folder.tokenizer_class->sentencepiece == TokenizerClass::SentencePiece::behind_five) {
    around.front = {
        {"<s>NOTUSED", 0}, {text("pad_token"), 0}, {"</s>NOTUSED", 0}, {text("unk_token"), 0}, {"<unk>NOTUSED", -100}};
    around.skipped = 1;
  }
  LSTAR_ASSIGN(SentencePieceFile file, read_sentencepiece_unigrams(path, around, 3));
  if (named.lists_extra()) file.pipeline->added = AddedTokens();
  LSTAR_TRY(set_class_text(*folder.tokenizer_class, folder.files, nullptr, *file.pipeline));
  LSTAR_TRY(add_tokens(folder, named, {}, *file.pipeline));
  LSTAR_TRY(set_class_ends(folder.tokenizer_class, folder.files, named, nullptr, {}, *file.pipeline));
  return file.pipeline;
}

Result<PipelinePointer> read_sentencepiece(Folder& folder) {
  if (is_renumbered(folder.tokenizer_class)) return read_renumbered(folder, folder.path + "/tokenizer.model");
  LSTAR_ASSIGN(const SentencePieceRule rule, sentencepiece_rule(folder));
  NamedTokens named(folder.files, folder.tokenizer_class);
  LSTAR_ASSIGN(const DeclaredTokens declared, declared_tokens(folder.files, named));
  PieceNames names;
  if (declared.instead)
    for (const auto& [id, token] : declared.tokens) names.emplace(static_cast<int64_t>(id), token.content);
  LSTAR_ASSIGN(SentencePieceFile file, read_sentencepiece_model(folder.path + "/tokenizer.model", rule, names));
  // The class takes the file's own for the list of others, and a list in the settings stands in its place.
  if (folder.tokenizer_class && named.lists_extra()) file.pipeline->added = AddedTokens();
  folder.declared_are_raw = file.has_dummy_prefix;
  LSTAR_TRY(add_tokens(folder, named, {}, *file.pipeline));
  for (AddedToken& token : file.lost) file.pipeline->added.add(std::move(token), file.pipeline->model.vocabulary());
  LSTAR_TRY(set_class_ends(folder.tokenizer_class, folder.files, named, nullptr, file.defaults, *file.pipeline));
  return file.pipeline;
}

// Whether all of the files are there. One that is and cannot be read is an error: the next kind of vocabulary in line
// would give other ids without a word.
Result<bool> has_all(const std::string& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    LSTAR_ASSIGN(const bool there, is_readable(folder + "/" + name));
    if (!there) return false;
  }
  return true;
}

Result<PipelinePointer> read_vocabulary_files(Folder& folder) {
  LSTAR_ASSIGN(const bool two_files, has_all(folder.path, {"vocab.json", "merges.txt"}));
  if (two_files) return read_two_files(folder, "vocab.json", "merges.txt", "");
  LSTAR_ASSIGN(const bool openais, has_all(folder.path, {"encoder.json", "vocab.bpe"}));  // names of the same two
  if (openais) {
    LSTAR_ASSIGN(const bool fairseqs, has_all(folder.path, {"dict.txt"}));
    if (fairseqs)
      return fail({.kind = ErrorKind::unsupported,
                   .what = "fairseq's dict.txt numbers the pieces of encoder.json anew, which is not read",
                   .file = folder.path,
                   .expected = "the vocab.json and merges.txt, or tokenizer.json, of the converted model"});
    return read_two_files(folder, "encoder.json", "vocab.bpe", "GPT2Tokenizer");
  }
  LSTAR_ASSIGN(const bool words, has_all(folder.path, {"vocab.txt"}));
  if (words) return read_bert(folder);
  LSTAR_ASSIGN(const bool sentencepiece, has_all(folder.path, {"tokenizer.model"}));
  if (sentencepiece) return read_sentencepiece(folder);
  LSTAR_ASSIGN(const bool fairseq, has_all(folder.path, {"sentencepiece.bpe.model"}));
  if (fairseq && is_renumbered(folder.tokenizer_class))
    return read_renumbered(folder, folder.path + "/sentencepiece.bpe.model");
  const std::string unread = unread_vocabulary(folder.path);
  return fail({.kind = unread.empty() ? ErrorKind::missing : ErrorKind::unsupported,
               .what = "no tokenizer found",
               .file = folder.path,
               .expected = "tokenizer.json, vocab.json and merges.txt, vocab.txt, or tokenizer.model",
               .found = unread});
}

Result<PipelinePointer> read_folder(const std::string& path) {
  LSTAR_ASSIGN(const bool one_file, has_all(path, {"tokenizer.json"}));
  JsonDocument document;
  if (one_file) {
    LSTAR_ASSIGN(document, JsonDocument::read(path + "/tokenizer.json"));
  }
  LSTAR_ASSIGN(Folder folder, look_into(path, one_file ? &document : nullptr));
  if (runs_python(folder.class_name))
    return fail({.kind = ErrorKind::unsupported,
                 .what = "a tokenizer class that runs Python over the text is not supported",
                 .file = path,
                 .expected = "a class that a tokenizer.json can hold, or token ids in place of text",
                 .found = folder.class_name});
  LSTAR_ASSIGN(PipelinePointer pipeline, one_file ? read_one_file(folder, document) : read_vocabulary_files(folder));
  LSTAR_ASSIGN(const bool splits, read_flag(folder.files, "split_special_tokens", false));
  if (splits) pipeline->added.split_special();
  LSTAR_TRY(pipeline->finish());
  return pipeline;
}

}  // namespace

Result<PipelinePointer> read_tokenizer_folder(const std::string& path) {
  auto pipeline = read_folder(path);
  if (!pipeline) return fail(explained_vocabulary(std::move(pipeline).error()));
  return pipeline;
}

}  // namespace lstar
