// Cuts a text into the words that BPE works on: a chain of small steps, each of which cuts what the step before it
// emits. A text runs through the chain depth first, so that nothing is stored but the word in hand.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/tokenizer/pipeline/added_tokens.h"
#include "lstar/tokenizer/pipeline/pattern.h"
#include "lstar/tokenizer/pipeline/unicode.h"

namespace lstar {

// What becomes of the text that a Split's pattern matches.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

struct PrefixSpace {};   // puts a space in front, where there is none
struct Gpt2Split {};     // see gpt2_pattern.h
struct ByteSpelling {};  // see byte_level.h; only where it is not the last step (a pipeline spells its words itself)
struct DigitSplit {
  bool individual = false;  // each digit a word, or each run of digits
};
struct PatternSplit {
  Pattern pattern;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  // matches are the text between the pattern's
};
struct CharacterSplit {
  enum class Set : uint8_t { space, punctuation, one };
  Set set = Set::space;
  uint32_t character = 0;                            // of Set::one
  SplitBehavior behavior = SplitBehavior::isolated;  // each character of the set is a match of its own
};
struct WordSplit {};  // runs of \w and runs of other visible characters; what is between them is dropped
struct LengthSplit {
  size_t length = 5;  // characters a word
};
struct MarkSpaces {
  enum class Prepend : uint8_t { first, never, always };
  std::string marker;                 // takes the place of spaces
  Prepend prepend = Prepend::always;  // put in front where it is not there: of the text's first piece, or of every one
};
struct PieceSplit {  // each of these, written in a text, is a word
  std::shared_ptr<const AddedTokens> pieces;
};
using PreTokenizerStep = std::variant<PrefixSpace, Gpt2Split, ByteSpelling, DigitSplit, PatternSplit, CharacterSplit,
                                      WordSplit, LengthSplit, MarkSpaces, PieceSplit>;

class WordSink {
 public:
  virtual void word(std::string_view word) = 0;

 protected:
  ~WordSink() = default;
};

class PreTokenizer {
 public:
  std::vector<PreTokenizerStep> steps;

  // Hands the words of a valid UTF-8 text to the sink, in order; none is empty. `first`: the text is the beginning of
  // what the user gave. Fails only where the text takes more than the budget has.
  Result<void> split(std::string_view text, bool first, WordSink& sink, TextBudget& budget) const;
};

}  // namespace lstar
