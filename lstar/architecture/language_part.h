// The language model inside a model of text and images (or of text and sound): which part of the configuration
// describes it, and in front of which names its tensors stand. One mechanism for all families.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lstar/architecture/architecture.h"
#include "lstar/architecture/config.h"
#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

// The key of the part: transformers' word first; the others are of configurations that labs published with code of
// their own.
inline constexpr std::string_view kLanguageParts[] = {"text_config", "llm_config", "language_config"};

// Whether the embedding is the output's weight too. The output is the outer class's: its key counts, which by default
// is true (yes) or false (no), or as the inner one is (unsaid). Some ask either key, the inner one alone, or none.
enum class OuterTie { yes, no, unsaid, either, inner, never };

// What the outer class does to logits: as the language model alone would, nothing (whatever Granite or Cohere multiply
// theirs by), or their cap alone (PaliGemma).
enum class OuterOutput { inner, plain, capped };

struct LanguagePart {
  Config config;
  std::string model_type;  // as it says, or as its outer class assumes
  OuterTie tie = OuterTie::unsaid;
  OuterOutput output = OuterOutput::inner;
  std::optional<bool> says_tied{};      // the outer key, where there is one
  std::string_view before_layers = {};  // stands before "layers." where names without it are not found
};

// Nothing where no part of `outer` is a language model's.
std::optional<LanguagePart> language_part(Config& outer);

// Gives the architecture of the part alone its outer class's output.
void take_output(Architecture&, const LanguagePart&);

// Leaves the prefix under which the checkpoint has the architecture's layers, if it is one that we know, and puts
// `before_layers` into the names if it has them so.
void find_prefix(Architecture&, const Checkpoint&, std::string_view before_layers);

}  // namespace lstar
