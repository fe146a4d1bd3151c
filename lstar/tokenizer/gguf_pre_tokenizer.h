// The split into words that tokenizer.ggml.pre of a GGUF names.
#pragma once

#include "lstar/base/result.h"
#include "lstar/checkpoint/gguf_metadata.h"
#include "lstar/tokenizer/bpe.h"
#include "lstar/tokenizer/pipeline.h"

namespace lstar {

// Fills the normaliser and the pre-tokenizer of a byte-level vocabulary, and what of the model depends on the name.
// `adds_bos` is whether a text begins with the bos token where the file does not say.
Result<void> read_gguf_pre_tokenizer(const GgufMetadata& metadata, TokenizerPipeline& pipeline, BpeOptions& options,
                                     bool& adds_bos);

}  // namespace lstar
