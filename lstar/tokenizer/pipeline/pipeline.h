// The steps from text to ids, filled by one of the readers and immutable afterwards.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/tokenizer/models/word_cache.h"
#include "lstar/tokenizer/models/word_model.h"
#include "lstar/tokenizer/pipeline/added_tokens.h"
#include "lstar/tokenizer/pipeline/normalizer.h"
#include "lstar/tokenizer/pipeline/pre_tokenizer.h"

namespace lstar {

struct TokenizerPipeline {
  AddedTokens added;
  Normalizer normalizer;  // works on the text between the added tokens that match raw text
  PreTokenizer pre_tokenizer;
  bool byte_level = false;    // pieces spell bytes (byte_level.h)
  bool spell_words = false;   // the bytes of words are spelled here; else a step of pre_tokenizer has done it
  bool marks_spaces = false;  // pieces have "▁" for a space and "<0x0A>" for a byte
  WordModel model;
  std::vector<int32_t> prefix, suffix;  // special tokens around a text

  std::string source;                 // the file it came from, for messages
  std::vector<std::string> warnings;  // one line each

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

// tokenizer.json, as it is written; not finished, so that a folder's other files can name more tokens.
Result<PipelinePointer> read_tokenizer_json(const class JsonDocument& document);
Result<PipelinePointer> parse_tokenizer_json(std::string_view text, const std::string& source);

// The two files of GPT-2's own release, and the one of BERT's. What is done to a text before is the class's affair.
Result<WordModel> read_vocab_and_merges(const std::string& vocab_path, const std::string& merges_path);
Result<WordModel> read_vocab_txt(const std::string& path, const std::string& unknown);

void add_bert_pre_tokenizer(PreTokenizer& pre_tokenizer);  // cuts at white space and around punctuation

// SentencePiece's tokenizer.model; not finished. What is done to a text first stands in the file, but some classes of
// `transformers` have rules of their own.
// The first follows the file, with a space in front of each stretch between special tokens; the second with one in
// front of the text alone. Gemma's puts none there, and writes spaces as "▁".
enum class SentencePieceRule { as_the_file_says, file_first, llama_first, llama_always, llama_never, gemma };
struct VocabularyDefaults {
  std::string bos, eos;  // the pieces that the vocabulary itself means by them; empty for none
};
struct SentencePieceFile {
  PipelinePointer pipeline;
  VocabularyDefaults defaults;
  bool has_dummy_prefix = false;  // by the file's rule a "▁" goes in front of a text
  std::vector<AddedToken> lost;   // special tokens whose pieces were renamed: they get new ids behind all others
};
// `names` stand in place of the pieces with their ids, under the file's rules alone.
using PieceNames = std::map<int64_t, std::string>;
Result<SentencePieceFile> read_sentencepiece_model(const std::string& path, SentencePieceRule rule,
                                                   const PieceNames& names = {});
Result<SentencePieceFile> parse_sentencepiece_model(std::string_view bytes, SentencePieceRule rule,
                                                    const std::string& source, const PieceNames& names = {});

// Pieces that a class puts in front of a file's unigrams in place of the first `skipped`, and one behind all.
struct PiecesAround {
  std::vector<std::pair<std::string, double>> front;
  size_t skipped = 0;
  std::string last;
};
// The pipeline's model, character map and added tokens; how a text is cut is the class's.
Result<SentencePieceFile> read_sentencepiece_unigrams(const std::string& path, const PiecesAround& around,
                                                      int64_t unknown);

// Everything for a folder: the reader that fits, and what tokenizer_config.json and special_tokens_map.json add.
Result<PipelinePointer> read_tokenizer_folder(const std::string& folder);

Result<PipelinePointer> read_gguf_vocabulary(const class GgufMetadata& metadata);

}  // namespace lstar
