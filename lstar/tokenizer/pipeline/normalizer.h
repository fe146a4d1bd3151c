// What is done to a text before it is cut into words: a chain of small steps, each of which rewrites the whole text.
// Filled while a tokenizer is read, immutable afterwards.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/tokenizer/pipeline/charsmap.h"
#include "lstar/tokenizer/pipeline/pattern.h"
#include "lstar/tokenizer/pipeline/unicode.h"

namespace lstar {

struct Lowercase {};
struct StripMarks {};  // removes combining marks, which a decomposed accent is
struct StripSpace {
  bool left = true, right = true;
};
struct PrependText {
  std::string text;
  bool at_start_only = false;  // only in front of the whole text, not of what follows an added token
};
struct ReplaceText {
  Pattern pattern;
  std::string content;
};
struct BertText {
  bool clean = true;             // removes control characters; white space of every kind becomes a space
  bool separate_chinese = true;  // puts spaces around CJK ideographs
  bool strip_accents = true;
  bool lowercase = true;
};
struct NmtText {};       // control characters and odd spaces, as Google's translation models treat them
struct SpelledBytes {};  // see byte_level.h
struct MappedText {
  std::shared_ptr<const Charsmap> map;
};
using NormalizerStep = std::variant<UnicodeForm, Lowercase, StripMarks, StripSpace, PrependText, ReplaceText, BertText,
                                    NmtText, SpelledBytes, MappedText>;

class Normalizer {
 public:
  std::vector<NormalizerStep> steps;

  struct Normalized {
    std::string_view text;     // the given text where nothing was to be done, else in `buffer`
    bool begins_first = true;  // whether its first character comes from the first character of the given text
  };
  // Fails only where the text takes more than the budget has. `at_start`: the text is the beginning of what the user
  // gave. `buffer` holds what the result looks at.
  Result<Normalized> apply(std::string_view text, bool at_start, std::string& buffer, TextBudget& budget) const;
};

}  // namespace lstar
