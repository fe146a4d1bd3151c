// Which tokenizer class of `transformers` a folder means, by the rules of AutoTokenizer in 5.24, and what that class
// builds by itself. Most classes take the vocabulary, the merges and the special tokens around a text from a
// tokenizer.json, and have their own way of changing and cutting a text, whatever the file says of it; a folder of no
// such class has its tokenizer.json taken as it is. A class is data here, as a family is.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lstar {

// The special tokens that every class knows, in the order in which they get new ids.
inline constexpr std::array<std::string_view, 7> kTokenRoles{"bos_token", "eos_token", "unk_token", "sep_token",
                                                             "pad_token", "cls_token", "mask_token"};

struct TokenizerClass {
  enum class Pieces : uint8_t { merges, word_pieces, unigrams };
  // How a text is changed and cut into words.
  enum class Text : uint8_t {
    gpt2,             // GPT-2's split, spelled in bytes
    nfc_gpt2,         // composed characters first
    nfc_digits,       // and each digit a word
    nfc_qwen2,        // Qwen2's split
    bert,             // BERT's cleaning, white space and punctuation
    mark_first,       // no words; "▁" for spaces, one in front of the text, or of each stretch where `legacy` says so
    mark_first_only,  // the same whatever `legacy` says
    mark,             // no words; "▁" for spaces
    words_marked,     // white space cuts, and each word has "▁" in front
  };
  // The special tokens around a text.
  enum class Ends : uint8_t {
    file,            // those of tokenizer.json, else what add_bos_token and add_eos_token ask for
    flags,           // what add_bos_token and add_eos_token ask for, and neither where there is a tokenizer.json
    bos,             // bos, unless add_bos_token says no; the same
    cls_sep,         // cls and sep; ids 2 and 3 where there is no such token
    cls_sep_needed,  // cls and sep
    bos_eos,         // bos and eos
  };
  // How a tokenizer.model is read that has no tokenizer.json beside it.
  enum class SentencePiece : uint8_t {
    not_read,
    as_it_says,
    llama,        // and "▁" in front as the settings ask for
    behind_four,  // unigrams from the fourth on behind bos, pad, eos and unk, as fairseq numbered them, and mask at the
                  // end
    behind_five,  // from the second on behind five of CamemBERT's
  };
  // What it does to its special tokens once all are there.
  enum class Specials : uint8_t { as_given, plain, special };

  std::string_view name;
  Pieces pieces = Pieces::merges;
  Text text = Text::gpt2;
  Ends ends = Ends::file;
  SentencePiece sentencepiece = SentencePiece::not_read;
  Specials specials = Specials::as_given;
  std::array<std::string_view, 7> tokens;  // by role, where the settings do not name one; empty for none
  std::string_view other_tokens;           // words: roles and tokens in turn, or tokens where the settings list none
  bool mask_takes_space = false;           // the mask token, where it is named by its text alone
  int unknown_id = -1;                     // of unigrams; found by its text where it is negative

  bool spells_bytes() const {
    return text == Text::gpt2 || text == Text::nfc_gpt2 || text == Text::nfc_digits || text == Text::nfc_qwen2;
  }
};

std::span<const TokenizerClass> tokenizer_classes();

// Null for a class that takes a tokenizer.json as it is, and for one that is not known.
const TokenizerClass* find_tokenizer_class(std::string_view name);

// Whether it runs Python of its own over a text, whatever a tokenizer.json beside it says.
bool runs_python(std::string_view name);

// Whether `transformers` has a class of this name that builds a pipeline of its own which find_tokenizer_class() does
// not have: its ids may be others than those of the vocabulary's file taken as it is.
bool is_not_followed(std::string_view name, bool has_tokenizer_json);

// What a folder says about its class.
struct ClassHints {
  std::string declared;     // tokenizer_class of tokenizer_config.json, or empty
  std::string in_config;    // tokenizer_class of config.json, or empty
  std::string model_type;   // of config.json, or empty
  bool has_code = false;    // auto_map of tokenizer_config.json names Python code, which is never executed
  bool byte_level = false;  // a component of tokenizer.json spells bytes
};

// The class that is used, without "Fast"; empty where tokenizer.json is taken as it is.
std::string choose_tokenizer_class(const ClassHints& hints);

}  // namespace lstar
