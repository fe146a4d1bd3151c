// Normalizers of a tokenizer.json.
#include <fmt/core.h>

#include "lstar/tokenizer/files/json_component.h"

namespace lstar {
namespace {

constexpr std::string_view kKnown =
    "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace, BertNormalizer, Nmt, Precompiled, "
    "ByteLevel "
    "or a Sequence of them";

Result<std::string> read_text(Json normalizer, std::string_view type, std::string_view key) {
  auto text = normalizer.string(key);
  if (!text) return fail(Error{.what = "missing text", .at = fmt::format("normalizer {}, key {}", type, key)});
  return *std::move(text);
}

Result<std::shared_ptr<const Charsmap>> read_charsmap(Json normalizer) {
  LSTAR_ASSIGN(const std::string text, read_text(normalizer, "Precompiled", "precompiled_charsmap"));
  const auto bytes = Charsmap::decode_base64(text);
  if (!bytes) return fail(Error{.what = "charsmap is not base64", .at = "normalizer Precompiled"});
  auto map = Charsmap::make(*bytes);
  if (map) return std::make_shared<const Charsmap>(*std::move(map));
  Error error = std::move(map).error();
  error.at = "normalizer Precompiled";
  return fail(std::move(error));
}

Result<NormalizerStep> read_step(Json normalizer, const std::string& type) {
  if (type == "NFC") return UnicodeForm::nfc;
  if (type == "NFD") return UnicodeForm::nfd;
  if (type == "NFKC") return UnicodeForm::nfkc;
  if (type == "NFKD") return UnicodeForm::nfkd;
  if (type == "Lowercase") return Lowercase{};
  if (type == "StripAccents") return StripMarks{};
  if (type == "Nmt") return NmtText{};
  if (type == "ByteLevel") return SpelledBytes{};
  if (type == "Precompiled") {
    LSTAR_ASSIGN(auto map, read_charsmap(normalizer));
    return MappedText{std::move(map)};
  }
  if (type == "Strip")
    return StripSpace{.left = json_flag(normalizer, "strip_left", true),
                      .right = json_flag(normalizer, "strip_right", true)};
  if (type == "Prepend") {
    LSTAR_ASSIGN(std::string text, read_text(normalizer, type, "prepend"));
    return PrependText{.text = std::move(text)};
  }
  if (type == "Replace") {
    LSTAR_ASSIGN(Pattern pattern, read_json_pattern(normalizer, "normalizer Replace"));
    LSTAR_ASSIGN(std::string content, read_text(normalizer, type, "content"));
    return ReplaceText{.pattern = std::move(pattern), .content = std::move(content)};
  }
  if (type == "BertNormalizer") {
    const bool lowercase = json_flag(normalizer, "lowercase", true);
    return BertText{.clean = json_flag(normalizer, "clean_text", true),
                    .separate_chinese = json_flag(normalizer, "handle_chinese_chars", true),
                    .strip_accents = json_flag(normalizer, "strip_accents", lowercase),
                    .lowercase = lowercase};
  }
  return unsupported_component("normalizer", kKnown, type);
}

}  // namespace

Result<std::shared_ptr<const Charsmap>> read_json_charsmap(Json root) {
  const auto normalizer = root.find("normalizer");
  if (!normalizer) return nullptr;
  std::vector<Json> steps{*normalizer};  // what stands in a Sequence inside a Sequence is not looked for
  if (json_component_type(*normalizer) == "Sequence") {
    LSTAR_ASSIGN(const Json list, json_members(*normalizer, "normalizer", "normalizers"));
    steps.assign(list.items().begin(), list.items().end());
  }
  for (const Json& step : steps) {
    if (json_component_type(step) != "Precompiled" || !step.find("precompiled_charsmap")) continue;
    return read_charsmap(step);
  }
  return nullptr;
}

Result<void> read_json_normalizer(Json normalizer, TokenizerPipeline& pipeline) {
  LSTAR_ASSIGN(const std::vector<Json> parts, json_steps(normalizer, "normalizer", "normalizers"));
  for (const Json& part : parts) {
    LSTAR_ASSIGN(NormalizerStep step, read_step(part, json_component_type(part)));
    if (std::holds_alternative<SpelledBytes>(step)) pipeline.byte_level = true;
    if (const auto* replace = std::get_if<ReplaceText>(&step); replace && replace->content == kMarker)
      pipeline.marks_spaces = true;
    pipeline.normalizer.steps.push_back(std::move(step));
  }
  return {};
}

}  // namespace lstar
