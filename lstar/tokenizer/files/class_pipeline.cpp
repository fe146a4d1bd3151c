#include "lstar/tokenizer/files/class_pipeline.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "lstar/tokenizer/files/gguf_pre_tokenizer.h"
#include "lstar/tokenizer/files/json_component.h"

namespace lstar {
namespace {

using Class = TokenizerClass;
using Prepend = MarkSpaces::Prepend;

// The text of a token that the settings may have taken away.
std::string text_of(const AddedToken* token) { return token ? token->content : "None"; }

Result<void> add_byte_level(const SettingsFiles& files, TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const bool prefix, read_flag(files, "add_prefix_space", false));
  std::vector<PreTokenizerStep>& steps = pipeline.pre_tokenizer.steps;
  if (prefix) steps.emplace_back(PrefixSpace{});
  steps.emplace_back(Gpt2Split{});
  steps.emplace_back(ByteSpelling{});
  pipeline.byte_level = true;
  return {};
}

Result<void> add_qwen2(const SettingsFiles& files, TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const bool prefix, read_flag(files, "add_prefix_space", false));
  PatternSplit words;
  LSTAR_ASSIGN(words.pattern, Regex::compile(kQwen2Pattern));
  std::vector<PreTokenizerStep>& steps = pipeline.pre_tokenizer.steps;
  steps.emplace_back(std::move(words));
  if (prefix) steps.emplace_back(PrefixSpace{});
  steps.emplace_back(ByteSpelling{});
  pipeline.byte_level = true;
  return {};
}

Result<void> add_bert(const SettingsFiles& files, TokenizerPipeline& pipeline) {
  BertText text;
  LSTAR_ASSIGN(text.lowercase, read_flag(files, "do_lower_case", true));
  LSTAR_ASSIGN(text.strip_accents, read_flag(files, "strip_accents", text.lowercase));
  LSTAR_ASSIGN(text.separate_chinese, read_flag(files, "tokenize_chinese_chars", true));
  pipeline.normalizer.steps.emplace_back(text);
  add_bert_pre_tokenizer(pipeline.pre_tokenizer);
  return {};
}

Result<void> add_marks(const SettingsFiles& files, bool asks_legacy, TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const bool prefix, read_flag(files, "add_prefix_space", true));
  bool legacy = false;
  if (asks_legacy) {
    LSTAR_ASSIGN(legacy, read_flag(files, "legacy", false));
  }
  const Prepend prepend = !prefix ? Prepend::never : legacy ? Prepend::always : Prepend::first;
  pipeline.pre_tokenizer.steps.emplace_back(MarkSpaces{.marker = std::string(kMarker), .prepend = prepend});
  pipeline.marks_spaces = true;
  return {};
}

Result<void> add_marked_words(const SettingsFiles& files, const Json* root, TokenizerPipeline& pipeline) {
  // Only this class takes null for no.
  LSTAR_ASSIGN(const bool prefix,
               read_flag(files, "add_prefix_space", !is_null(files.tokenizer_config.root(), "add_prefix_space")));
  if (root) {
    LSTAR_ASSIGN(auto map, read_json_charsmap(*root));
    if (map) pipeline.normalizer.steps.emplace_back(MappedText{std::move(map)});
  }
  std::vector<PreTokenizerStep>& steps = pipeline.pre_tokenizer.steps;
  const std::string marker(kMarker);
  steps.emplace_back(CharacterSplit{.set = CharacterSplit::Set::space, .behavior = SplitBehavior::removed});
  steps.emplace_back(MarkSpaces{.marker = marker, .prepend = prefix ? Prepend::always : Prepend::never});
  steps.push_back(PatternSplit{.pattern = marker, .behavior = SplitBehavior::merged_with_next});
  pipeline.marks_spaces = true;
  return {};
}

// The two tokens of a class that cannot do without them.
Result<void> surround(const NamedTokens& named, std::string_view first, std::string_view last,
                      TokenizerPipeline& pipeline) {
  for (const auto& [role, ids] : {std::pair(first, &pipeline.prefix), {last, &pipeline.suffix}}) {
    const AddedToken* token = named.find(role);
    const int32_t id = token ? pipeline.added.find(token->content) : -1;
    if (id < 0)
      return fail(
          Error{.what = "no such token, and the class puts it around a text", .at = fmt::format("key {}", role)});
    ids->push_back(id);
  }
  return {};
}

Result<void> surround_where_asked(const SettingsFiles& files, const NamedTokens& named, bool bos_by_default,
                                  bool reads_flags, const VocabularyDefaults& defaults, TokenizerPipeline& pipeline) {
  bool bos = bos_by_default, eos = false;
  if (reads_flags) {  // `transformers` does not read them beside a tokenizer.json
    LSTAR_ASSIGN(bos, read_flag(files, "add_bos_token", bos_by_default));
    LSTAR_ASSIGN(eos, read_flag(files, "add_eos_token", false));
  }
  const auto id_of = [&](std::string_view role, const std::string& otherwise) {
    const AddedToken* token = named.find(role);
    return pipeline.added.find(token ? token->content : otherwise);
  };
  if (const int32_t id = bos ? id_of("bos_token", defaults.bos) : -1; id >= 0) pipeline.prefix.push_back(id);
  if (const int32_t id = eos ? id_of("eos_token", defaults.eos) : -1; id >= 0) pipeline.suffix.push_back(id);
  return {};
}

}  // namespace

Result<WordModel> read_class_model(const TokenizerClass& tokenizer_class, Json root, const NamedTokens& named) {
  const auto model = root.find("model");
  if (!model) return fail(Error{.what = "missing", .at = "key model"});
  const auto vocabulary = model->find("vocab");
  const bool takes_list = tokenizer_class.pieces == Class::Pieces::unigrams;
  if (!vocabulary || (takes_list && !vocabulary->is_array()))
    return fail({.what = fmt::format("not a vocabulary of {}", tokenizer_class.name),
                 .at = "model, key vocab",
                 .expected = takes_list ? "a list of pieces and scores" : "an object of pieces and ids"});
  const std::string unknown = text_of(named.find("unk_token"));
  switch (tokenizer_class.pieces) {
    case Class::Pieces::word_pieces: {
      LSTAR_ASSIGN(Vocabulary pieces, read_json_vocabulary(*model, true));
      LSTAR_ASSIGN(WordPiece made, WordPiece::make(std::move(pieces), {.unknown = unknown}));
      return made;
    }
    case Class::Pieces::unigrams: {
      const auto id =
          tokenizer_class.unknown_id >= 0 ? std::optional<int64_t>(tokenizer_class.unknown_id) : std::nullopt;
      LSTAR_ASSIGN(Unigram made, read_json_unigrams(*model, id, unknown, false));
      return made;
    }
    case Class::Pieces::merges: break;
  }
  const bool marks = tokenizer_class.text == Class::Text::mark_first ||
                     tokenizer_class.text == Class::Text::mark_first_only || tokenizer_class.text == Class::Text::mark;
  BpeOptions options{.fuse_unknown = marks, .byte_fallback = marks};
  if (marks && tokenizer_class.text != Class::Text::mark_first) options.unknown = unknown;
  LSTAR_ASSIGN(Bpe made, read_json_merges(*model, std::move(options), true));
  return made;
}

Result<void> set_class_text(const TokenizerClass& tokenizer_class, const SettingsFiles& files, const Json* root,
                            TokenizerPipeline& pipeline) {
  switch (tokenizer_class.text) {
    case Class::Text::gpt2: return add_byte_level(files, pipeline);
    case Class::Text::nfc_gpt2:
      pipeline.normalizer.steps.emplace_back(UnicodeForm::nfc);
      return add_byte_level(files, pipeline);
    case Class::Text::nfc_digits:
      pipeline.normalizer.steps.emplace_back(UnicodeForm::nfc);
      pipeline.pre_tokenizer.steps.emplace_back(DigitSplit{.individual = true});
      return add_byte_level(files, pipeline);
    case Class::Text::nfc_qwen2:
      pipeline.normalizer.steps.emplace_back(UnicodeForm::nfc);
      return add_qwen2(files, pipeline);
    case Class::Text::bert: return add_bert(files, pipeline);
    case Class::Text::mark_first: return add_marks(files, true, pipeline);
    case Class::Text::mark_first_only: return add_marks(files, false, pipeline);
    case Class::Text::mark:
      pipeline.normalizer.steps.emplace_back(ReplaceText{.pattern = " ", .content = std::string(kMarker)});
      pipeline.marks_spaces = true;
      return {};
    case Class::Text::words_marked: return add_marked_words(files, root, pipeline);
  }
  return {};
}

Result<void> set_class_ends(const TokenizerClass* tokenizer_class, const SettingsFiles& files, const NamedTokens& named,
                            const Json* root, const VocabularyDefaults& defaults, TokenizerPipeline& pipeline) {
  switch (tokenizer_class ? tokenizer_class->ends : Class::Ends::file) {
    case Class::Ends::cls_sep: {
      const auto id_of = [&](std::string_view role, int32_t otherwise) {
        const AddedToken* token = named.find(role);
        const int32_t id = token ? pipeline.added.find(token->content) : otherwise;  // an empty text is no token
        return id < 0 ? pipeline.added.find(text_of(named.find("unk_token"))) : id;
      };
      const std::array<int32_t, 2> ids{id_of("cls_token", 2), id_of("sep_token", 3)};
      if (ids[0] < 0 || ids[1] < 0 || std::max(ids[0], ids[1]) >= pipeline.size())
        return fail(Error{.what = "no such token, and the class puts it around a text", .at = "cls_token, sep_token"});
      pipeline.prefix = {ids[0]};
      pipeline.suffix = {ids[1]};
      return {};
    }
    case Class::Ends::cls_sep_needed: return surround(named, "cls_token", "sep_token", pipeline);
    case Class::Ends::bos_eos: return surround(named, "bos_token", "eos_token", pipeline);
    case Class::Ends::bos: return surround_where_asked(files, named, true, !root, defaults, pipeline);
    case Class::Ends::flags: return surround_where_asked(files, named, false, !root, defaults, pipeline);
    case Class::Ends::file: break;
  }
  if (const auto post = root ? root->find("post_processor") : std::nullopt)
    return read_json_post_processor(*post, pipeline);
  return surround_where_asked(files, named, false, !root, defaults, pipeline);
}

}  // namespace lstar
