// Tokens that are found in a text as they are written, before it is normalised and cut into words: "<|endoftext|>" and
// its like. Filled while a tokenizer is read, immutable afterwards.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/tokenizer/models/vocabulary.h"
#include "lstar/tokenizer/pipeline/normalizer.h"

namespace lstar {

struct AddedToken {
  std::string content;
  bool special = false;
  bool normalized = true;    // looked for in the normalised text, in its normalised form
  bool left_strip = false;   // takes white space in front of it
  bool right_strip = false;  // and behind it
  bool single_word = false;  // not inside a word
  int32_t id = -1;           // given by AddedTokens::add

  // Whether it is looked for in the same way.
  bool is_like(const AddedToken& other) const {
    return content == other.content && special == other.special && normalized == other.normalized &&
           left_strip == other.left_strip && right_strip == other.right_strip && single_word == other.single_word;
  }
};

class AddedTokens {
 public:
  // Gives the token the id that the vocabulary has for its text, else the next free one. A token that is there already
  // keeps its id, gets the new flags, and stays special where it was; an empty one changes nothing.
  void add(AddedToken token, const Vocabulary& vocabulary);

  // Special tokens written out in a text are text like any other.
  void split_special() { splits_special_ = true; }

  // Builds what split() looks things up in. Called once, after the last add(). All tokens together are one text, as far
  // as normalising them goes.
  Result<void> finish(const Normalizer& normalizer);

  // The id of an added token's text, or -1; the token of an id, or null.
  int32_t find(std::string_view content) const;
  const AddedToken* token(int32_t id) const;
  int32_t size() const { return size_; }  // one more than the largest id of an added token; 0 without any

  struct Part {
    std::string_view text;  // between added tokens
    int32_t id = -1;        // >= 0: an added token, and `text` is what it took
  };

  // Cuts a text at the tokens that are looked for in raw text, or at those of normalised text. Of several that begin at
  // one place the longest counts. Fails only where the text takes more than the budget has.
  Result<void> split(std::string_view text, bool normalized, std::vector<Part>& parts, TextBudget& budget) const;
  bool any(bool normalized) const { return !(normalized ? in_normalized_ : in_raw_).patterns.empty(); }

 private:
  struct Pattern {
    std::string text;
    size_t token;
  };
  struct Finder {
    std::vector<Pattern> patterns;      // sorted by text, no two alike
    std::array<bool, 256> begins = {};  // whether a pattern begins with this byte
    void build(std::vector<Pattern> all);
    const Pattern* longest_at(std::string_view text, size_t position, TextBudget& budget) const;
  };
  std::vector<AddedToken> tokens_;  // in the order they were added
  std::map<std::string, size_t, std::less<>> by_content_;
  std::map<int32_t, size_t> by_id_;
  Finder in_raw_, in_normalized_;
  int32_t size_ = 0;
  bool splits_special_ = false;
};

}  // namespace lstar
