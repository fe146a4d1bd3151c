#include "lstar/architecture/language_part.h"

#include <algorithm>

#include <fmt/format.h>

#include "lstar/base/json.h"

namespace lstar {
namespace {

// Classes of transformers 5.24 whose language model is of a class of its own, which a part without model_type is of.
struct OuterClass {
  std::string_view model_type, language_model;
  OuterTie tie;
  OuterOutput output = OuterOutput::plain;
};
constexpr OuterClass kOuterClasses[] = {
    {"audioflamingo3", "qwen2", OuterTie::never},
    {"aya_vision", "cohere2", OuterTie::yes},
    {"blip-2", "opt", OuterTie::inner, OuterOutput::inner},
    {"cohere2_vision", "cohere2", OuterTie::yes},
    {"deepseek_vl", "llama", OuterTie::yes},
    {"deepseek_vl_hybrid", "llama", OuterTie::yes},
    {"exaone4_5", "exaone4", OuterTie::no},
    {"fast_vlm", "qwen2", OuterTie::either},
    {"fun_asr_nano", "qwen3", OuterTie::yes},
    {"gemma3", "gemma3_text", OuterTie::yes},
    {"glmasr", "llama", OuterTie::yes},
    {"got_ocr2", "qwen2", OuterTie::yes},
    {"granite_speech", "granite", OuterTie::yes},
    {"granite_speech_plus", "granite", OuterTie::yes},
    {"idefics2", "mistral", OuterTie::no},
    {"idefics3", "llama", OuterTie::no},
    {"instructblip", "opt", OuterTie::inner, OuterOutput::inner},
    {"instructblipvideo", "opt", OuterTie::inner, OuterOutput::inner},
    {"internvl", "qwen2", OuterTie::yes},
    {"janus", "llama", OuterTie::yes},
    {"lighton_ocr", "qwen3", OuterTie::yes},
    {"llava", "llama", OuterTie::either},
    {"llava_next", "llama", OuterTie::no},
    {"llava_next_video", "llama", OuterTie::either},
    {"llava_onevision", "qwen2", OuterTie::either},
    {"mistral3", "mistral", OuterTie::yes},
    {"moss_transcribe_diarize", "qwen3", OuterTie::yes},
    {"musicflamingo", "qwen2", OuterTie::never},
    {"omniasr", "llama", OuterTie::never},
    {"ovis2", "qwen2", OuterTie::yes},
    {"paligemma", "gemma", OuterTie::yes, OuterOutput::capped},
    {"perception_lm", "llama", OuterTie::unsaid},
    {"pp_chart2table", "qwen2", OuterTie::yes},
    {"qianfan_ocr", "qwen3", OuterTie::no},
    {"qwen2_audio", "qwen2", OuterTie::never},
    {"qwen3_asr", "qwen3", OuterTie::yes},
    {"shieldgemma2", "gemma3_text", OuterTie::either},
    {"smolvlm", "llama", OuterTie::no},
    {"vibevoice", "qwen2", OuterTie::inner},
    {"vibevoice_asr", "qwen2", OuterTie::inner},
    {"video_llama_3", "qwen2", OuterTie::either},
    {"video_llava", "llama", OuterTie::no},
    {"vipllava", "llama", OuterTie::no},
    {"voxtral", "llama", OuterTie::never},
};

// Classes that lay their own text_config under the one that is given, instead of the sizes and defaults of its class.
struct LaidUnder {
  std::string_view model_type, text_config;
};
constexpr LaidUnder kLaidUnder[] = {
    {"glmasr",
     R"({"vocab_size": 59264, "hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 28,
         "num_attention_heads": 16, "num_key_value_heads": 4, "max_position_embeddings": 8192, "rms_norm_eps": 1e-05,
         "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}})"},
    {"voxtral",
     R"({"vocab_size": 131072, "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 30,
         "num_key_value_heads": 8, "max_position_embeddings": 131072, "rms_norm_eps": 1e-05, "rope_theta": 100000000.0,
         "head_dim": 128})"},
};

// A language model's type as first released, where the outer class reads it as another.
struct FirstName {
  std::string_view outer, said, meant;
};
constexpr FirstName kFirstNames[] = {{"exaone4_5", "exaone4_5_text", "exaone4"}};

// Classes that build their language model of one class, whatever its model_type says. The classes above build what it
// says; so may Qwen's of images here, whose text is computed as Qwen2's and Qwen3's.
struct OwnText {
  std::string_view outer, language_model;
};
constexpr OwnText kOwnTexts[] = {
    {"apertus1p5", "apertus1p5_text"},
    {"aria", "aria_text"},
    {"cohere_compass", "cohere_compass_text"},
    {"cosmos3_edge", "cosmos3_edge_text"},
    {"deepseek_ocr2", "deepseek_ocr2_text"},
    {"dots3_note", "dots3_note_text"},
    {"emu3", "emu3_text_model"},
    {"ernie4_5_vl_moe", "ernie4_5_vl_moe_text"},
    {"gemma3", "gemma3_text"},
    {"gemma3n", "gemma3n_text"},
    {"gemma4", "gemma4_text"},
    {"gemma4_unified", "gemma4_unified_text"},
    {"glm4v", "glm4v_text"},
    {"glm4v_moe", "glm4v_moe_text"},
    {"glm5_next", "glm5_next_text"},
    {"glm_ocr", "glm_ocr_text"},
    {"granite4_vision", "granite4_vision_text"},
    {"granite_docling", "granite_docling_text"},
    {"hunyuan_vl", "hunyuan_vl_text"},
    {"hy_v4_vl", "hy_v4_vl_text"},
    {"inkling2", "inkling2_text"},
    {"inkling2_loop", "inkling2_loop_text"},
    {"inkling_mm_model", "inkling_text"},
    {"kosmos-2", "kosmos_2_text_model"},
    {"kosmos-2.5", "kosmos_2_5_text_model"},
    {"llama4", "llama4_text"},
    {"minimax_m3_vl", "minimax_m3_vl_text"},
    {"mistral_large4", "mistral_large4_text"},
    {"mllama", "mllama_text_model"},
    {"molmo2", "molmo2_text"},
    {"muse_glimmer", "muse_glimmer_text"},
    {"muse_spark", "muse_spark_text"},
    {"paddleocr_vl", "paddleocr_vl_text"},
    {"qwen3_5", "qwen3_5_text"},
    {"qwen3_5_moe", "qwen3_5_moe_text"},
    {"qwen4_exp", "qwen4_exp_text"},
    {"step3p7", "step3p5"},
    {"unlimited_ocr", "unlimited_ocr_text"},
};

// Classes that make the masks themselves, from position to position no further ahead: a text that is to see both ways
// gets the halved window only (transformers 5.24 in eager attention).
constexpr std::string_view kCausalMasks[] = {"gemma3", "paligemma", "shieldgemma2"};

// What stands before "layers." in a checkpoint's names alone, which the class takes off.
struct BeforeLayers {
  std::string_view outer, word;
};
constexpr BeforeLayers kBeforeLayers[] = {{"qianfan_ocr", "encoder."}};

// A part that holds a model of text and images itself (ColPali, ColQwen2).
constexpr std::string_view kWholes[] = {"vlm_config"};

// In front of a family's own prefixes, old names and new; "transformer." in models that answer questions.
constexpr std::string_view kPlaces[] = {
    "",       "language_model.",     "model.language_model.",     "text_model.", "model.text_model.", "llm.",
    "model.", "vlm.language_model.", "vlm.model.language_model.", "transformer."};

// Documents of the program's own text, which live as long as it does.
std::optional<Configuration> laid_under(std::string_view outer) {
  static const std::vector<JsonDocument> documents = [] {
    std::vector<JsonDocument> parsed;
    for (const LaidUnder& one : kLaidUnder) parsed.push_back(*JsonDocument::parse(one.text_config, "text_config"));
    return parsed;
  }();
  for (size_t i = 0; i < documents.size(); ++i)
    if (kLaidUnder[i].model_type == outer) return Configuration(documents[i].root());
  return std::nullopt;
}

// Where a module of somebody's own holds the model: what stands before `name`, where that is one thing.
std::optional<std::string> only_place(const Checkpoint& checkpoint, const std::string& name) {
  std::optional<std::string> place;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (!tensor.name.ends_with("." + name)) continue;
    if (place) return std::nullopt;
    place = tensor.name.substr(0, tensor.name.size() - name.size());
  }
  return place;
}

}  // namespace

std::optional<LanguagePart> language_part(Config& outer) {
  for (const std::string_view key : kWholes)
    if (auto whole = outer.section(key)) return language_part(*whole);
  for (const std::string_view key : kLanguageParts) {
    auto part = outer.section(key);
    if (!part) continue;
    LanguagePart found{.config = *std::move(part), .model_type = {}};
    const std::string outer_type = outer.text_or({"model_type"}, "");
    found.config.set_part(std::ranges::find(kCausalMasks, outer_type) != std::end(kCausalMasks));
    std::string_view assumed = outer_type;  // a class with a language model of its own, which will be named as unknown
    for (const OuterClass& known : kOuterClasses)
      if (known.model_type == outer_type) {
        assumed = known.language_model;
        found.tie = known.tie;
        found.output = known.output;
      }
    found.model_type = found.config.text_or({"model_type"}, std::string(assumed));
    for (const FirstName& name : kFirstNames)
      if (name.outer == outer_type && name.said == found.model_type) found.model_type = name.meant;
    for (const OwnText& own : kOwnTexts)
      if (own.outer == outer_type) found.model_type = own.language_model;
    for (const BeforeLayers& names : kBeforeLayers)
      if (names.outer == outer_type) found.before_layers = names.word;
    if (const auto lower = laid_under(outer_type)) found.config.lay_over(*lower);
    if (outer.has("tie_word_embeddings")) found.says_tied = outer.flag_or({"tie_word_embeddings"}, false);
    return found;
  }
  return std::nullopt;
}

void take_output(Architecture& a, const LanguagePart& part) {
  const bool inner = a.ties_output;
  switch (part.tie) {
    case OuterTie::yes: a.ties_output = part.says_tied.value_or(true); break;
    case OuterTie::no: a.ties_output = part.says_tied.value_or(false); break;
    case OuterTie::unsaid: a.ties_output = part.says_tied.value_or(inner); break;
    case OuterTie::either: a.ties_output = part.says_tied.value_or(false) || inner; break;
    case OuterTie::inner: break;
    case OuterTie::never: a.ties_output = false; break;
  }
  if (part.output != OuterOutput::inner) {
    a.logit_scale = 1;
    a[Role::output]->bias = false;
  }
  if (part.output == OuterOutput::plain) a.logit_softcap = 0;
}

namespace {

// Leaves the prefix under which the checkpoint has `name`, if there is one.
bool take_prefix(Architecture& a, const Checkpoint& checkpoint, const std::string& name) {
  for (const std::string_view place : kPlaces)
    for (const std::string& own : a.prefixes) {
      std::string prefix = std::string(place) + own;
      if (!checkpoint.find(prefix + name)) continue;
      a.prefixes = {std::move(prefix)};
      return true;
    }
  return false;
}

std::string with_word(const std::string& pattern, std::string_view word) {
  const size_t layers = pattern.find("layers.");
  return layers == pattern.npos ? pattern : pattern.substr(0, layers) + std::string(word) + pattern.substr(layers);
}

}  // namespace

void find_prefix(Architecture& a, const Checkpoint& checkpoint, std::string_view before_layers) {
  const TensorRef& ref = *a[Role::attention_out];
  const std::string name = fmt::format(fmt::runtime(ref.pattern), 0, 0) + ref.weight_suffix;
  if (take_prefix(a, checkpoint, name)) return;
  if (!before_layers.empty() && take_prefix(a, checkpoint, with_word(name, before_layers))) {
    for (auto& one : a.weights)
      if (one) one->pattern = with_word(one->pattern, before_layers);
    return;
  }
  if (auto place = only_place(checkpoint, name)) {
    a.notes.push_back(fmt::format("its tensors are read under {}, which is no prefix of transformers' own", *place));
    a.prefixes = {*std::move(place)};
  }
}

}  // namespace lstar
