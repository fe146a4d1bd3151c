// What a tokenizer class builds by itself, and what it takes from a tokenizer.json (tokenizer_class.h).
#pragma once

#include <string>

#include "lstar/tokenizer/files/folder_settings.h"
#include "lstar/tokenizer/files/tokenizer_class.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {

// Vocabulary and merges of a tokenizer.json, in a model with the class's own options.
Result<WordModel> read_class_model(const TokenizerClass& tokenizer_class, Json root, const NamedTokens& named);

// How a text is changed and cut. `root`: the tokenizer.json, or null.
Result<void> set_class_text(const TokenizerClass& tokenizer_class, const SettingsFiles& files, const Json* root,
                            TokenizerPipeline& pipeline);

// The special tokens around a text, after all tokens are added. `tokenizer_class` may be null, for a vocabulary whose
// file knows none; it may bring defaults of its own for bos and eos.
Result<void> set_class_ends(const TokenizerClass* tokenizer_class, const SettingsFiles& files, const NamedTokens& named,
                            const Json* root, const VocabularyDefaults& defaults, TokenizerPipeline& pipeline);

}  // namespace lstar
