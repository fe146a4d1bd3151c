#include "lstar/tokenizer/files/gguf_pre_tokenizer.h"

#include <algorithm>
#include <iterator>

#include <fmt/core.h>

namespace lstar {
namespace {

constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4oPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekkenPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
    R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kBloomPattern = R"( ?[^(\s|[.,!?…。，、।۔،])]+)";

enum class Step {
  gpt2,
  digits,
  digit_runs,
  punctuation_runs,
  three_digits,
  lines,
  letters,
  signs,
  cjk,
  llama3,
  qwen2,
  gpt4o,
  tekken,
  bloom
};

struct Named {
  std::string_view names;  // with spaces between them
  std::vector<Step> steps;
  bool nfc = false, ignore_merges = false, adds_bos = false;
};

// As the labs' own tokenizer.json have it. A name is the model that llama.cpp's converter saw it in first.
const std::vector<Named>& table() {
  static const std::vector<Named> all{
      {.names = "default gpt-2 phi-2 roberta-bpe granite-docling", .steps = {Step::gpt2}},
      {.names = "mpt olmo", .steps = {Step::gpt2}, .nfc = true},
      {.names = "smollm starcoder refact", .steps = {Step::digits, Step::gpt2}},
      {.names = "command-r", .steps = {Step::digits, Step::gpt2}, .nfc = true},
      {.names = "falcon", .steps = {Step::punctuation_runs, Step::gpt2, Step::digit_runs, Step::three_digits}},
      {.names = "llama-bpe", .steps = {Step::llama3}, .ignore_merges = true, .adds_bos = true},
      {.names = "dbrx", .steps = {Step::llama3}},
      {.names = "qwen2 deepseek-r1-qwen stablelm2", .steps = {Step::qwen2}, .nfc = true},
      {.names = "gpt-4o", .steps = {Step::gpt4o}, .ignore_merges = true},
      {.names = "tekken", .steps = {Step::tekken}, .ignore_merges = true, .adds_bos = true},
      {.names = "deepseek-coder", .steps = {Step::lines, Step::letters, Step::signs, Step::cjk, Step::digits}},
      {.names = "bloom", .steps = {Step::bloom}},
  };
  return all;
}

bool lists(std::string_view names, std::string_view name) {
  const std::string padded = fmt::format(" {} ", names);
  return !name.empty() && name.find(' ') == std::string_view::npos &&
         padded.find(fmt::format(" {} ", name)) != std::string::npos;
}

std::string known_names() {
  std::string text;
  for (const Named& entry : table()) text.append(entry.names).append(1, ' ');
  text.pop_back();
  std::string listed;
  for (const char c : text) listed.append(c == ' ' ? ", " : std::string_view(&c, 1));
  return listed;
}

Result<PreTokenizerStep> make(Step step) {
  const auto pattern = [](std::string_view text) -> Result<PreTokenizerStep> {
    LSTAR_ASSIGN(Regex regex, Regex::compile(text));
    return PatternSplit{.pattern = std::move(regex)};
  };
  switch (step) {
    case Step::gpt2: return Gpt2Split{};
    case Step::digits: return DigitSplit{.individual = true};
    case Step::digit_runs: return DigitSplit{};
    case Step::punctuation_runs:
      return CharacterSplit{.set = CharacterSplit::Set::punctuation, .behavior = SplitBehavior::contiguous};
    case Step::three_digits: return pattern("[0-9][0-9][0-9]");
    case Step::lines: return pattern(R"([\r\n])");
    case Step::letters: return pattern(R"(\s?\p{L}+)");
    case Step::signs: return pattern(R"(\s?\p{P}+)");
    case Step::cjk: return pattern("[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+");
    case Step::llama3: return pattern(kLlama3Pattern);
    case Step::qwen2: return pattern(kQwen2Pattern);
    case Step::gpt4o: return pattern(kGpt4oPattern);
    case Step::tekken: return pattern(kTekkenPattern);
    case Step::bloom: return pattern(kBloomPattern);
  }
  return Gpt2Split{};
}

// Whether a step looks at more than the bytes, so that spelling has to wait, or comes after GPT-2's split, which the
// ByteLevel pre-tokenizer spells.
bool after_spelling(Step step) { return step == Step::digit_runs || step == Step::three_digits; }

}  // namespace

Result<void> read_gguf_pre_tokenizer(const GgufMetadata& metadata, TokenizerPipeline& pipeline, BpeOptions& options,
                                     bool& adds_bos) {
  const std::string_view name = metadata.string("tokenizer.ggml.pre").value_or("default");
  const auto named =
      std::find_if(table().begin(), table().end(), [&](const Named& entry) { return lists(entry.names, name); });
  if (named == table().end())
    return fail({.kind = ErrorKind::unsupported,
                 .what = "unknown pre-tokenizer",
                 .at = "key tokenizer.ggml.pre",
                 .expected = known_names(),
                 .found = std::string(name)});
  if (named->nfc) pipeline.normalizer.steps.emplace_back(UnicodeForm::nfc);
  std::vector<PreTokenizerStep>& steps = pipeline.pre_tokenizer.steps;
  bool spelled = false;
  for (const Step step : named->steps) {
    if (after_spelling(step) && !spelled) {
      steps.emplace_back(ByteSpelling{});
      spelled = true;
    }
    LSTAR_ASSIGN(PreTokenizerStep made, make(step));
    steps.push_back(std::move(made));
  }
  if (!spelled) steps.emplace_back(ByteSpelling{});
  pipeline.byte_level = true;
  options.ignore_merges = named->ignore_merges;
  adds_bos = named->adds_bos;
  return {};
}

}  // namespace lstar
