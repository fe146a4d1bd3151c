// A checkpoint's configuration as a family reads it: lookups under every spelling that is in use (transformers 4 and 5,
// GGUF), with ranges checked. The first fault is kept, so that a family reads like a table and asks once at the end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/configuration.h"
#include "lstar/compute/ops.h"

namespace lstar {

using Keys = std::initializer_list<std::string_view>;  // spellings, tried in order

inline constexpr double kLargestRotaryBase = 1e12;

class Config {
 public:
  // `file` is named in errors: the config.json or the GGUF file. A GGUF's keys are found under the names that
  // transformers gives them.
  Config(Configuration section, std::string file, bool is_gguf = false)
      : section_(section), file_(std::move(file)), is_gguf_(is_gguf) {}

  // A number of layers, heads, rows ...: required, 1 .. 2^24.
  int size(Keys keys);
  int vocab_size();
  // `fallback` is for a key that is left out. A null that is written down is another thing, for it overrides what a
  // class of transformers assumes: it stands for `null` where the class gives it a meaning, and is a fault where not.
  int size_or(Keys keys, int fallback, std::optional<int> null = std::nullopt);
  int count_or(Keys keys, int fallback, std::optional<int> null = std::nullopt);            // as size_or, and 0
  double number_or(Keys keys, double fallback, std::optional<double> null = std::nullopt);  // finite
  // Greater than 0 and at most `most`.
  double positive_or(Keys keys, double fallback, double most, std::optional<double> null = std::nullopt);
  bool flag_or(Keys keys, bool fallback, std::optional<bool> null = std::nullopt);
  std::string text_or(Keys keys, std::string fallback);
  // A list of `count` numbers greater than 0; anything else is a fault.
  std::vector<double> numbers(std::string_view key, int count);
  // A list of texts or integers, one a layer ("layer_types"); empty where there is none.
  std::vector<std::string> texts(std::string_view key, int count);
  std::vector<int64_t> integers(std::string_view key);
  // A list of true and false, or 1 and 0, one a layer; empty where there is no list.
  std::vector<bool> flags(std::string_view key, int count);
  // GPT-Neo's [[["global", "local"], 12]]: lists of texts, each repeated; `count` in all.
  std::vector<std::string> repeated_texts(std::string_view key, int count);

  // An activation by the name that transformers gives it; a name that is not known is a fault.
  Activation activation(Keys keys, std::string_view fallback);
  // The nested section of that name. Its faults are its own: absorb() takes them over.
  std::optional<Config> section(std::string_view key) const;
  void absorb(const Config& section);
  // Records a fault unless `holds`; `at` names the key.
  void require(bool holds, std::string_view at, std::string_view expected, std::string found);

  // The number of vocabulary rows, which a GGUF keeps in its embedding's shape alone.
  void set_vocab_size(int64_t rows) { vocab_size_ = rows; }

  // Of a GGUF only: keys for which llama.cpp has no default. (transformers' classes are for other files.)
  void need_in_gguf(Keys keys);

  // What a size is where the configuration leaves it out, as transformers' class has it.
  void assume(std::string_view key, int value) { assumed_.emplace_back(key, value); }

  // Lays another configuration under this one: a key that is left out here is as it is there. A null is not left out.
  void lay_over(Configuration lower) { lower_ = lower; }

  // Of the language model inside a model of text and images, whose masks may be made out there.
  void set_part(bool is_masked) { is_part_ = true, is_masked_ = is_masked; }
  bool is_part() const { return is_part_; }
  bool is_masked() const { return is_masked_; }

  bool has(std::string_view key) const;  // null counts as absent
  bool is_null(std::string_view key) const;
  bool is_empty() const { return section_.size() == 0; }
  bool is_list(std::string_view key) const;
  bool is_gguf() const { return is_gguf_; }
  const std::string& file() const { return file_; }
  const std::optional<Error>& fault() const { return fault_; }

 private:
  // The section that has the key: this one, or what lies under it.
  const Configuration& holder_of(std::string_view key) const;
  // The value of the first of the keys that is there, and that key; null is no value.
  std::optional<Configuration> find(Keys keys, std::string_view& key) const;
  template <class T>
  T without_value(std::string_view key, T absent, std::optional<T> null);
  std::optional<int> assumed_size(Keys keys) const;
  void record(Error error);

  Configuration section_;
  std::optional<Configuration> lower_;
  std::string file_;
  bool is_gguf_ = false, is_part_ = false, is_masked_ = false;
  std::optional<int64_t> vocab_size_;
  std::vector<std::pair<std::string_view, int>> assumed_;
  std::optional<Error> fault_;
};

}  // namespace lstar
