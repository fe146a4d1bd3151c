#include "lstar/tokenizer/files/tokenizer_class.h"

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
     .sentencepiece = Class::SentencePiece::behind_four,
     .tokens = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
     .unknown_id = 3},
    {.name = "CamembertTokenizer",
     .pieces = Class::Pieces::unigrams,
     .text = Class::Text::words_marked,
     .ends = Class::Ends::bos_eos,
     .sentencepiece = Class::SentencePiece::behind_five,
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
     "lxmert megatron-bert mm-grounding-dino mobilebert nezha nomic_bert qdqbert realm retribert squeezebert tvp "
     "vilt visual_bert"},
    {"RobertaTokenizer",
     "bart bridgetower clap data2vec-text florence2 ibert led lilt longformer mega mra mvp roberta roberta- "
     "prelayernorm"},
    {"CodeLlamaTokenizer", "code_llama"},
    {"LlamaTokenizer", "idefics idefics2"},
    {"XLMRobertaTokenizer", "gte jina_embeddings_v3 metaclip_2 trocr xlm-roberta xmod"},
    {"CamembertTokenizer", "camembert"},
    {"TokenizersBackend",
     "EvollaModel arctic aria beam bigbird_pegasus camembertv2-base canary chatlm cohere_asr ernie4_5 ernie4_5_moe "
     "flex_olmo fuyu glm glm4 glm4_moe glm4_moe_lite glm4v glm4v_moe glm_image glmasr got_ocr2 gpt_bigcode "
     "gradium_phonon_tts granite granitemoe granitemoehybrid granitemoeshared h2ovl_chat hyperclovax hyperclovax_vlm "
     "internlm2 internlm3 iquestcoder jamba kimi_k25 kimi_linear kosmos-2 llava llava_next mimo_v2_flash minicpm3 "
     "minicpm_ocr minicpmv minicpmv4_6 minicpmv4_7 minimax_m2 ministral ministral3 mistral mistral3 mistral_large4 "
     "mixtral modernbert modernbert-decoder molmo molmo2 nemo_speechlm nemotron nvfp4 nystromformer olmo2 olmo3 "
     "olmo_hybrid omniasr opencua openvla paddleocr_vl pegasus_x persimmon phi3 phi3_v phimoe pix2struct pixtral "
     "pocket_tts smolvlm stablelm step3_vl umt5 vipllava voxtral voxtral_realtime xlm-roberta-xl"},
    {"AlbertTokenizer", "albert yoso"},
    {"BarthezTokenizer", "barthez"},
    {"BartphoTokenizer", "bartpho"},
    {"BertGenerationTokenizer", "bert-generation"},
    {"BertJapaneseTokenizer", "bert-japanese"},
    {"BertweetTokenizer", "bertweet"},
    {"BigBirdTokenizer", "big_bird"},
    {"BioGptTokenizer", "biogpt"},
    {"BlenderbotSmallTokenizer", "blenderbot-small"},
    {"BlenderbotTokenizer", "blenderbot"},
    {"ByT5Tokenizer", "byt5"},
    {"CLIPTokenizer", "aimv2 clip clipseg groupvit omdet-turbo oneformer owlv2 owlvit sam3 sam3_video xclip"},
    {"CTRLTokenizer", "ctrl"},
    {"CanineTokenizer", "canine"},
    {"ClvpTokenizer", "clvp"},
    {"CpmAntTokenizer", "cpmant"},
    {"CpmTokenizer", "cpm"},
    {"DPRQuestionEncoderTokenizer", "dpr"},
    {"DebertaTokenizer", "deberta"},
    {"DebertaV2Tokenizer", "deberta-v2"},
    {"DiaTokenizer", "dia"},
    {"EsmTokenizer", "esm"},
    {"EsmcTokenizer", "esmc esmfold2"},
    {"FNetTokenizer", "fnet"},
    {"FSMTTokenizer", "fsmt"},
    {"FlaubertTokenizer", "flaubert"},
    {"FunnelTokenizer", "funnel"},
    {"GPTNeoXJapaneseTokenizer", "gpt_neox_japanese"},
    {"GPTSw3Tokenizer", "gpt-sw3"},
    {"HerbertTokenizer", "herbert"},
    {"LasrTokenizer", "lasr_ctc lasr_encoder"},
    {"LayoutLMv2Tokenizer", "layoutlmv2"},
    {"LayoutLMv3Tokenizer", "layoutlmv3"},
    {"LayoutXLMTokenizer", "layoutxlm"},
    {"LukeTokenizer", "luke"},
    {"M2M100Tokenizer", "m2m_100"},
    {"MBart50Tokenizer", "mbart50"},
    {"MBartTokenizer", "mbart"},
    {"MLukeTokenizer", "mluke"},
    {"MPNetTokenizer", "mpnet"},
    {"MarianTokenizer", "marian"},
    {"MarkupLMTokenizer", "markuplm"},
    {"MgpstrTokenizer", "mgp-str"},
    {"MyT5Tokenizer", "myt5"},
    {"NllbTokenizer", "nllb nllb-moe"},
    {"NougatTokenizer", "nougat pp_formulanet"},
    {"OpenAIGPTTokenizer", "openai-gpt"},
    {"PLBartTokenizer", "plbart"},
    {"ParakeetTokenizer",
     "granite_speech5_ctc nemotron3_5_asr nemotron_asr_streaming omniasr_ctc parakeet_ctc parakeet_rnnt parakeet_tdt"},
    {"PegasusTokenizer", "pegasus"},
    {"PerceiverTokenizer", "perceiver"},
    {"PhobertTokenizer", "phobert"},
    {"ProphetNetTokenizer", "prophetnet"},
    {"Qwen3_5Tokenizer", "qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen3_5_text qwen4_exp"},
    {"RagTokenizer", "rag"},
    {"ReformerTokenizer", "reformer"},
    {"RemBertTokenizer", "rembert"},
    {"RoCBertTokenizer", "roc_bert"},
    {"RoFormerTokenizer", "roformer"},
    {"SeamlessM4TTokenizer", "seamless_m4t seamless_m4t_v2"},
    {"Siglip2Tokenizer", "siglip2"},
    {"SiglipTokenizer", "siglip"},
    {"Speech2TextTokenizer", "speech_to_text"},
    {"SpeechT5Tokenizer", "speecht5"},
    {"SplinterTokenizer", "splinter"},
    {"T5Tokenizer", "mt5 musicgen musicgen_melody switch_transformers t5"},
    {"TapasTokenizer", "tapas"},
    {"Tipsv2Tokenizer", "tipsv2"},
    {"UdopTokenizer", "udop"},
    {"VideoPrismTokenizer", "videoprism"},
    {"VitsTokenizer", "vits"},
    {"Wav2Vec2CTCTokenizer", "data2vec-audio hubert unispeech unispeech-sat wav2vec2 wav2vec2-bert wav2vec2-conformer"},
    {"Wav2Vec2PhonemeCTCTokenizer", "wav2vec2_phoneme"},
    {"WhisperTokenizer", "whisper"},
    {"XGLMTokenizer", "xglm"},
    {"XLMTokenizer", "xlm"},
    {"XLNetTokenizer", "xlnet"},
};

// Models whose published folders name a wrong class: their own class counts.
constexpr std::string_view kNamedWrongly =
    "arctic camembertv2-base chatlm cohere_asr ernie4_5 ernie4_5_moe fuyu h2ovl_chat hyperclovax "
    "hyperclovax_vision_v2 hyperclovax_vlm internlm2 internlm3 iquestcoder jamba llava llava_next minicpm3 minicpmv "
    "minimax_m2 modernbert modernbert-decoder molmo molmo2 nemotron nvfp4 opencua openvla paddleocr_vl phi3 phi3_v "
    "phimoe qwen2 qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen4_exp siglip2 smolvlm step3_vl vipllava";

// Other names of a class.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"BertTokenizer",
     "ConvBertTokenizer DistilBertTokenizer ElectraTokenizer LayoutLMTokenizer LxmertTokenizer MobileBertTokenizer "
     "SqueezeBertTokenizer"},
    {"RobertaTokenizer", "BartTokenizer LEDTokenizer LongformerTokenizer MvpTokenizer"},
    {"TokenizersBackend", "BloomTokenizer PreTrainedTokenizer"},  // and PreTrainedTokenizerFast
};

constexpr std::string_view kOfPython = "BertJapaneseTokenizer BertweetTokenizer PhobertTokenizer";
// Classes of `transformers` that build a pipeline which is not followed here; the last two take a tokenizer.json as
// it is, and nothing else.
constexpr std::string_view kNotFollowed =
    "AlbertTokenizer BarthezTokenizer BartphoTokenizer BertGenerationTokenizer BertTokenizerLegacy BigBirdTokenizer "
    "BioGptTokenizer BlenderbotSmallTokenizer BlenderbotTokenizer ByT5Tokenizer CLIPTokenizer CTRLTokenizer "
    "CanineTokenizer ClvpTokenizer CpmAntTokenizer CpmTokenizer DPRContextEncoderTokenizer "
    "DPRQuestionEncoderTokenizer DPRReaderTokenizer DebertaTokenizer DebertaV2Tokenizer DiaTokenizer EsmTokenizer "
    "EsmcTokenizer FSMTTokenizer FastSpeech2ConformerTokenizer FlaubertTokenizer FunnelTokenizer "
    "GPTNeoXJapaneseTokenizer GPTSw3Tokenizer HerbertTokenizer LasrTokenizer LayoutLMv2Tokenizer LayoutLMv3Tokenizer "
    "LayoutXLMTokenizer LukeTokenizer M2M100Tokenizer MBart50Tokenizer MBartTokenizer MLukeTokenizer MPNetTokenizer "
    "MarianTokenizer MarkupLMTokenizer MgpstrTokenizer MyT5Tokenizer NllbTokenizer NougatTokenizer "
    "OpenAIGPTTokenizer PLBartTokenizer PegasusTokenizer PerceiverTokenizer Pop2PianoTokenizer ProphetNetTokenizer "
    "Qwen3_5Tokenizer RagTokenizer ReformerTokenizer RemBertTokenizer RoCBertTokenizer RoFormerTokenizer "
    "SeamlessM4TTokenizer Siglip2Tokenizer SiglipTokenizer Speech2TextTokenizer SpeechT5Tokenizer SplinterTokenizer "
    "T5Tokenizer TapasTokenizer Tipsv2Tokenizer UdopTokenizer VideoPrismTokenizer VitsTokenizer Wav2Vec2CTCTokenizer "
    "Wav2Vec2PhonemeCTCTokenizer WhisperTokenizer XGLMTokenizer XLMTokenizer XLNetTokenizer";
constexpr std::string_view kNotFollowedAlone = "FNetTokenizer ParakeetTokenizer";

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

bool is_not_followed(std::string_view name, bool has_tokenizer_json) {
  return has_word(kNotFollowed, plain_name(name)) ||
         (!has_tokenizer_json && has_word(kNotFollowedAlone, plain_name(name)));
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
