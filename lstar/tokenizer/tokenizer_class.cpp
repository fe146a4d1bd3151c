#include "lstar/tokenizer/tokenizer_class.h"

#include <algorithm>

namespace lstar {
namespace {

using Class = TokenizerClass;

constexpr std::string_view kEndOfText = "<|endoftext|>";

constexpr Class kClasses[] = {
    {.name = "GPT2Tokenizer", .tokens = {kEndOfText, kEndOfText, kEndOfText}},
    {.name = "CodeGenTokenizer", .tokens = {kEndOfText, kEndOfText, kEndOfText}},
    {.name = "GPTNeoXTokenizer",
     .text = Class::Text::nfc_gpt2,
     .ends = Class::Ends::flags,
     .tokens = {kEndOfText, kEndOfText, kEndOfText, "", "<|padding|>"}},
    {.name = "Qwen2Tokenizer",
     .text = Class::Text::nfc_qwen2,
     .specials = Class::Specials::plain,
     .tokens = {"", kEndOfText, kEndOfText, "", kEndOfText}},
    {.name = "CohereTokenizer",
     .text = Class::Text::nfc_digits,
     .specials = Class::Specials::special,
     .tokens = {"<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>", "<UNK>", "<SEP>", "<PAD>", "<CLS>", "<MASK_TOKEN>"}},
    {.name = "RobertaTokenizer",
     .ends = Class::Ends::cls_sep_needed,
     .tokens = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"}},
    {.name = "BertTokenizer",
     .pieces = Class::Pieces::word_pieces,
     .text = Class::Text::bert,
     .ends = Class::Ends::cls_sep,
     .tokens = {"", "", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}},
    {.name = "LlamaTokenizer",
     .text = Class::Text::mark_first,
     .sentencepiece = Class::SentencePiece::llama,
     .tokens = {"<s>", "</s>", "<unk>"}},
    {.name = "CodeLlamaTokenizer",
     .text = Class::Text::mark_first_only,
     .ends = Class::Ends::bos,
     .tokens = {"<s>", "</s>", "<unk>"},
     .other_tokens =
         "prefix_token ▁<PRE> middle_token ▁<MID> suffix_token ▁<SUF> eot_token ▁<EOT> fill_token <FILL_ME>"},
    {.name = "GemmaTokenizer",
     .text = Class::Text::mark,
     .sentencepiece = Class::SentencePiece::as_it_says,
     .tokens = {"<bos>", "<eos>", "<unk>", "", "<pad>", "", "<mask>"}},
    {.name = "XLMRobertaTokenizer",
     .pieces = Class::Pieces::unigrams,
     .text = Class::Text::words_marked,
     .ends = Class::Ends::bos_eos,
     .tokens = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
     .unknown_id = 3},
    {.name = "CamembertTokenizer",
     .pieces = Class::Pieces::unigrams,
     .text = Class::Text::words_marked,
     .ends = Class::Ends::bos_eos,
     .tokens = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
     .other_tokens = "<s>NOTUSED </s>NOTUSED <unk>NOTUSED",
     .mask_takes_space = true},
};

// The class that each model_type has; none for those that are not listed.
constexpr std::pair<std::string_view, std::string_view> kOfModels[] = {
    {"GPT2Tokenizer",
     "blip-2 codegen dbrx emu3 gpt2 gpt_neo gptj hyperclovax_vision_v2 instructblip instructblipvideo jais2 opt phi "
     "starcoder2"},
    {"GPTNeoXTokenizer", "falcon_mamba gpt_neox mamba mamba2 mpt olmo olmoe rwkv xlstm"},
    {"Qwen2Tokenizer",
     "audioflamingo3 colqwen2 cosmos3_omni dots3_note fun_asr_nano hunyuan_vl internvl lighton_ocr "
     "moss_transcribe_diarize ovis2 qianfan_ocr qwen2 qwen2_5_omni qwen2_5_vl qwen2_audio qwen2_moe qwen2_vl qwen3 "
     "qwen3_asr qwen3_moe qwen3_next qwen3_omni_moe qwen3_vl qwen3_vl_moe vibevoice"},
    {"GemmaTokenizer",
     "diffusion_gemma gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text recurrent_gemma shieldgemma2 t5gemma zaya"},
    {"CohereTokenizer", "aya_vision cohere cohere2"},
    {"BertTokenizer",
     "align bark bert blip bros chinese_clip convbert distilbert electra ernie flava git grounding-dino layoutlm "
     "megatron-bert mm-grounding-dino nezha nomic_bert qdqbert realm retribert squeezebert tvp vilt visual_bert"},
    {"RobertaTokenizer",
     "bart bridgetower clap data2vec-text ibert lilt longformer mega mra roberta roberta-prelayernorm"},
    {"CodeLlamaTokenizer", "code_llama"},
    {"LlamaTokenizer", "idefics idefics2"},
    {"XLMRobertaTokenizer", "gte jina_embeddings_v3 metaclip_2 trocr xlm-roberta xmod"},
    {"CamembertTokenizer", "camembert"},
    {"TokenizersBackend",
     "arctic aria beam bigbird_pegasus camembertv2-base canary chatlm cohere_asr ernie4_5 ernie4_5_moe flex_olmo fuyu "
     "glm glm4 glm4_moe glm4_moe_lite glm4v glm4v_moe glm_image glmasr got_ocr2 gpt_bigcode gradium_phonon_tts granite "
     "granitemoe granitemoehybrid granitemoeshared h2ovl_chat hyperclovax hyperclovax_vlm internlm2 internlm3 "
     "iquestcoder jamba kimi_k25 kimi_linear kosmos-2 llava llava_next mimo_v2_flash minicpm3 minicpm_ocr minicpmv "
     "minicpmv4_6 minicpmv4_7 minimax_m2 ministral ministral3 mistral mistral3 mistral_large4 mixtral modernbert "
     "modernbert-decoder molmo molmo2 nemotron nvfp4 nystromformer olmo2 olmo3 olmo_hybrid omniasr opencua openvla "
     "paddleocr_vl pegasus_x persimmon phi3 phi3_v phimoe pix2struct pixtral pocket_tts smolvlm stablelm step3_vl umt5 "
     "vipllava voxtral voxtral_realtime xlm-roberta-xl"},
};

// Models whose published folders name a wrong class: their own class counts.
constexpr std::string_view kNamedWrongly =
    "arctic camembertv2-base chatlm cohere_asr ernie4_5 ernie4_5_moe fuyu h2ovl_chat hyperclovax hyperclovax_vision_v2 "
    "hyperclovax_vlm internlm2 internlm3 iquestcoder jamba llava llava_next minicpm3 minicpmv minimax_m2 modernbert "
    "modernbert-decoder molmo molmo2 nemotron nvfp4 opencua openvla paddleocr_vl phi3 phi3_v phimoe qwen2 smolvlm "
    "step3_vl vipllava";

// Other names of a class.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"BertTokenizer",
     "DistilBertTokenizer ElectraTokenizer LayoutLMTokenizer MobileBertTokenizer SqueezeBertTokenizer"},
    {"RobertaTokenizer", "BartTokenizer LongformerTokenizer"},
    {"TokenizersBackend", "BloomTokenizer PreTrainedTokenizer"},  // and PreTrainedTokenizerFast
};

constexpr std::string_view kOfPython = "BertJapaneseTokenizer BertweetTokenizer PhobertTokenizer";

// Whether a text of words with single spaces between them has this word.
bool has_word(std::string_view words, std::string_view word) {
  for (size_t at = words.find(word); at != std::string_view::npos && !word.empty(); at = words.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

// A class's one name: without "Fast", and without aliases.
std::string_view plain_name(std::string_view name) {
  if (name.ends_with("Fast")) name.remove_suffix(4);
  for (const auto& [plain, others] : kAliases)
    if (has_word(others, name)) return plain;
  return name;
}

std::string_view class_of_model(std::string_view model_type) {
  for (const auto& [name, types] : kOfModels)
    if (has_word(types, model_type)) return name;
  return "";
}

std::string used(std::string_view name) { return name == "TokenizersBackend" ? "" : std::string(name); }

}  // namespace

std::span<const TokenizerClass> tokenizer_classes() { return kClasses; }

bool runs_python(std::string_view name) { return has_word(kOfPython, name); }

const TokenizerClass* find_tokenizer_class(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kClasses), std::end(kClasses),
                                         [&](const Class& known) { return known.name == plain_name(name); });
  return found == std::end(kClasses) ? nullptr : found;
}

std::string choose_tokenizer_class(const ClassHints& hints) {
  const std::string_view named = plain_name(hints.declared.empty() ? hints.in_config : hints.declared);
  const std::string_view registered = class_of_model(hints.model_type);
  const bool named_wrongly = has_word(kNamedWrongly, hints.model_type);
  // LlamaTokenizer cannot spell bytes: folders of Llama 3 and its kin that name it mean their tokenizer.json.
  if (!hints.has_code && named == "LlamaTokenizer" && !named_wrongly && hints.byte_level) return "";
  // The class of the model and the one that is named may differ.
  if (!hints.has_code && !named.empty() && !registered.empty() && registered != named)
    return used(registered == "TokenizersBackend" || named_wrongly ? registered : named);
  if (!named.empty()) return used(named);
  return used(registered);
}

}  // namespace lstar
