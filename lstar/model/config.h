// A checkpoint's configuration as a family reads it: lookups under every spelling that is in use (transformers 4 and 5,
// GGUF), with ranges checked. The first fault is kept, so that a family reads like a table and asks once at the end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "lstar/base/json.h"
#include "lstar/base/result.h"
#include "lstar/compute/backend.h"

namespace lstar {

using Keys = std::initializer_list<std::string_view>;  // spellings, tried in order

inline constexpr double kLargestRotaryBase = 1e12;

class Config {
 public:
  // `file` is named in errors: the config.json or the GGUF file.
  Config(Json object, std::string file) : object_(object), file_(std::move(file)) {}

  // A number of layers, heads, rows ...: required, 1 .. 2^24.
  int size(Keys keys);
  int size_or(Keys keys, int fallback);
  double number_or(Keys keys, double fallback);  // finite
  // Greater than 0 and at most `most`.
  double positive_or(Keys keys, double fallback, double most);
  bool flag_or(Keys keys, bool fallback);
  std::string text_or(Keys keys, std::string fallback);

  // An activation by the name that transformers gives it; a name that is not known is a fault.
  Activation activation(Keys keys, std::string_view fallback);
  // positive_or for rotary positions: transformers keeps them in "rope_scaling" or "rope_parameters", or at the top.
  double rotary_or(Keys keys, double fallback, double most);
  // Rotary scaling other than none is a fault: a wrong table would give wrong numbers without a word.
  void refuse_rotary_scaling();
  // Records a fault unless `holds`; `at` names the key.
  void require(bool holds, std::string_view at, std::string_view expected, std::string found);

  const std::string& file() const { return file_; }
  const std::optional<Error>& fault() const { return fault_; }

 private:
  std::optional<Json> find(Keys keys, std::string_view& key) const;
  void record(Error error);

  Json object_;
  std::string file_;
  std::optional<Error> fault_;
};

}  // namespace lstar
