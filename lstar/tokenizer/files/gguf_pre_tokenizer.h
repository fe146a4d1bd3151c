// The split into words that tokenizer.ggml.pre of a GGUF names.
#pragma once

#include "lstar/base/result.h"
#include "lstar/checkpoint/gguf_metadata.h"
#include "lstar/tokenizer/models/bpe.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {

// Qwen2's split, which its tokenizer class has built in.
inline constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Fills the normaliser and the pre-tokenizer of a byte-level vocabulary, and what of the model depends on the name.
// `adds_bos` is whether a text begins with the bos token where the file does not say.
Result<void> read_gguf_pre_tokenizer(const GgufMetadata& metadata, TokenizerPipeline& pipeline, BpeOptions& options,
                                     bool& adds_bos);

}  // namespace lstar
