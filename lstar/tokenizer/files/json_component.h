// The components of a tokenizer.json, each read into its part of a pipeline. A component that we do not compute is
// refused by its name, never skipped.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/json.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {

Result<void> read_json_normalizer(Json normalizer, TokenizerPipeline& pipeline);
Result<void> read_json_pre_tokenizer(Json pre_tokenizer, TokenizerPipeline& pipeline);
Result<void> read_json_model(Json model, TokenizerPipeline& pipeline);
Result<void> read_json_post_processor(Json processor, TokenizerPipeline& pipeline);  // after the added tokens

// Parts of these, for a class that takes no more than them from a tokenizer.json: the vocabulary and merges of a model
// with options of the class's own, the token list, and the charsmap of a normalizer that has one. A class takes the
// vocabulary of another kind of model too: of a list the place is the id, and there may be no merges.
Result<Vocabulary> read_json_vocabulary(Json model, bool of_class);
Result<Bpe> read_json_merges(Json model, BpeOptions options, bool of_class);
Result<Unigram> read_json_unigrams(Json model, std::optional<int64_t> unknown, std::string_view unknown_piece,
                                   bool byte_fallback);
struct JsonAddedToken {
  double id = -1;  // orders them, no more
  AddedToken token;
};
Result<std::vector<JsonAddedToken>> read_json_added_tokens(Json root);
Result<std::shared_ptr<const Charsmap>> read_json_charsmap(Json root);  // null for none

// What the readers share: the component's "type", a flag with its default, an error that names what is known, the
// members of a Sequence, and the pattern of a Split or a Replace.
std::string json_component_type(Json component);
bool json_flag(Json object, std::string_view key, bool otherwise);
tl::unexpected<Error> unsupported_component(std::string_view component, std::string_view known, std::string found);
// The parts of a component that may be a Sequence of parts, itself or inside itself, in order: at most limits::kSteps
// of them, the Sequences included. `key` holds a Sequence's parts.
Result<std::vector<Json>> json_steps(Json component, std::string_view name, std::string_view key);
Result<Json> json_members(Json component, std::string_view name, std::string_view key);
Result<Pattern> read_json_pattern(Json component, std::string_view name);

}  // namespace lstar
