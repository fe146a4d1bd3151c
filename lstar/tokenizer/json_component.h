// The components of a tokenizer.json, each read into its part of a pipeline. A component that we do not compute is
// refused by its name, never skipped.
#pragma once

#include <string>
#include <string_view>

#include "lstar/base/json.h"
#include "lstar/tokenizer/pipeline.h"

namespace lstar {

Result<void> read_json_normalizer(Json normalizer, TokenizerPipeline& pipeline);
Result<void> read_json_pre_tokenizer(Json pre_tokenizer, TokenizerPipeline& pipeline);
Result<void> read_json_model(Json model, TokenizerPipeline& pipeline);
Result<void> read_json_post_processor(Json processor, TokenizerPipeline& pipeline);  // after the added tokens

// What the readers share: the component's "type", a flag with its default, an error that names what is known, the
// members of a Sequence, and the pattern of a Split or a Replace.
std::string json_component_type(Json component);
bool json_flag(Json object, std::string_view key, bool otherwise);
tl::unexpected<Error> unsupported_component(std::string_view component, std::string_view known, std::string found);
Result<simdjson::dom::array> json_members(Json component, std::string_view name, std::string_view key);
Result<Pattern> read_json_pattern(Json component, std::string_view name);

}  // namespace lstar
