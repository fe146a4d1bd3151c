// Cuts a text into the words that BPE works on: a chain of small steps, each of which cuts what the step before it
// emits. A text runs through the chain depth first, so that nothing is stored but the word in hand.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/tokenizer/regex.h"
#include "lstar/tokenizer/unicode.h"

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
  std::variant<Regex, std::string> pattern;  // a regular expression, or text to be found as it is
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  // matches are the text between the pattern's
};
using PreTokenizerStep = std::variant<PrefixSpace, Gpt2Split, ByteSpelling, DigitSplit, PatternSplit>;

class WordSink {
 public:
  virtual void word(std::string_view word) = 0;

 protected:
  ~WordSink() = default;
};

class PreTokenizer {
 public:
  std::vector<PreTokenizerStep> steps;

  // Hands the words of a valid UTF-8 text to the sink, in order; none is empty.
  Result<void> split(std::string_view text, WordSink& sink) const;
};

}  // namespace lstar
