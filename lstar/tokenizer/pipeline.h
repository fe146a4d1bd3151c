// The steps from text to ids, filled by one of the readers and immutable afterwards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/tokenizer/added_tokens.h"
#include "lstar/tokenizer/model.h"
#include "lstar/tokenizer/normalizer.h"
#include "lstar/tokenizer/pre_tokenizer.h"
#include "lstar/tokenizer/word_cache.h"

namespace lstar {

struct TokenizerPipeline {
  AddedTokens added;
  Normalizer normalizer;  // works on the text between the added tokens that match raw text
  PreTokenizer pre_tokenizer;
  bool byte_level = false;    // pieces spell bytes (byte_level.h)
  bool spell_words = false;   // the bytes of words are spelled here; else a step of pre_tokenizer has done it
  bool marks_spaces = false;  // pieces have "▁" for a space and "<0x0A>" for a byte
  Model model;
  std::vector<int32_t> prefix, suffix;  // special tokens around a text

  std::string source;  // the file it came from, for messages

  // Called once by a reader, after all else is set and all tokens are added.
  Result<void> finish();

  Result<std::vector<int32_t>> encode(std::string_view text, bool add_special_tokens) const;
  std::string_view piece(int32_t id) const;
  std::string decode(int32_t id) const;
  int32_t size() const;

 private:
  mutable WordCachePool caches_;
};

using PipelinePointer = std::shared_ptr<TokenizerPipeline>;

// tokenizer.json; not finished, so that a folder's other files can name more tokens.
Result<PipelinePointer> read_tokenizer_json(const std::string& path);
Result<PipelinePointer> parse_tokenizer_json(std::string_view text, const std::string& source);

// GPT-2's two files, with GPT-2's split into words; not finished either.
struct VocabAndMergesOptions {
  bool nfc = false;
  bool prefix_space = false;
};
Result<PipelinePointer> read_vocab_and_merges(const std::string& vocab_path, const std::string& merges_path,
                                              VocabAndMergesOptions options);

// vocab.txt of BERT's release, with BERT's normalisation and split and a special token on either side; not finished.
struct BertTokens {
  std::string unknown = "[UNK]", first = "[CLS]", last = "[SEP]";
};
Result<PipelinePointer> read_vocab_txt(const std::string& path, const BertText& normalization,
                                       const BertTokens& tokens);
void add_bert_pre_tokenizer(PreTokenizer& pre_tokenizer);  // cuts at white space and around punctuation

// SentencePiece's tokenizer.model; not finished. What is done to a text first stands in the file, but LlamaTokenizer of
// `transformers` has rules of its own.
enum class SentencePieceRule { as_the_file_says, llama_first, llama_always };
struct SentencePieceFile {
  PipelinePointer pipeline;
  std::string bos, eos;  // the pieces; empty for none
};
Result<SentencePieceFile> read_sentencepiece_model(const std::string& path, SentencePieceRule rule);
Result<SentencePieceFile> parse_sentencepiece_model(std::string_view bytes, SentencePieceRule rule,
                                                    const std::string& source);

// Everything for a folder: the reader that fits, and what tokenizer_config.json and special_tokens_map.json add.
Result<PipelinePointer> read_tokenizer_folder(const std::string& folder);

Result<PipelinePointer> read_gguf_vocabulary(const class GgufMetadata& metadata);

}  // namespace lstar
