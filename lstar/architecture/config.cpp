#include "lstar/architecture/config.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "lstar/architecture/llama_cpp.h"
#include "lstar/base/limits.h"

namespace lstar {
namespace {

// Arrays that families fill as they read have as many entries as there are layers, heads or experts.
struct Most {
  std::string_view key;
  int64_t size;
};
constexpr Most kMost[] = {
    {"num_hidden_layers", limits::kLayers},  {"num_attention_heads", limits::kHeads},
    {"num_key_value_heads", limits::kHeads}, {"num_kv_heads", limits::kHeads},
    {"num_experts", limits::kExperts},       {"num_local_experts", limits::kExperts},
};

// The most that a size may be, by the first of its spellings.
int64_t most_of(Keys keys) {
  for (const Most& most : kMost)
    if (most.key == *keys.begin()) return most.size;
  return limits::kWidth;
}

// What a list holds, in turn; of anything else nothing.
template <class Visit>
void each_item(const std::optional<Configuration>& list, const Visit& visit) {
  if (list && list->is_list()) list->each([&](std::string_view, const Configuration& item) { visit(item); });
}

std::string spelled(Keys keys) {
  std::string text;
  for (std::string_view key : keys) text += (text.empty() ? "key " : " or ") + std::string(key);
  return text;
}

}  // namespace

const Configuration& Config::holder_of(std::string_view key) const {
  return lower_ && !section_.has(key) ? *lower_ : section_;
}

std::optional<Configuration> Config::find(Keys keys, std::string_view& key) const {
  for (std::string_view candidate : keys) {
    if (auto value = holder_of(candidate).find(candidate)) {
      key = candidate;
      return value;
    }
    if (is_null(candidate)) {
      key = candidate;
      return std::nullopt;
    }
    if (!is_gguf_) continue;
    for (size_t nth = 0;; ++nth) {
      const std::string_view in_gguf = llama_cpp_key(candidate, nth);
      if (in_gguf.empty()) break;
      if (auto value = section_.find(in_gguf)) {
        key = in_gguf;
        return value;
      }
    }
  }
  return std::nullopt;
}

void Config::record(Error error) {
  if (!fault_) fault_ = std::move(error).in(file_);
}

// `key` is empty where none of the spellings is there.
template <class T>
T Config::without_value(std::string_view key, T absent, std::optional<T> null) {
  if (key.empty()) return absent;
  if (!null)
    record({.what = "null", .at = fmt::format("key {}", key), .expected = "a value, or no such key", .found = "null"});
  return null.value_or(absent);
}

std::optional<int> Config::assumed_size(Keys keys) const {
  for (std::string_view key : keys)
    for (const auto& [name, value] : assumed_)
      if (name == key) return value;
  return std::nullopt;
}

void Config::need_in_gguf(Keys keys) {
  for (std::string_view key : keys)
    if (is_gguf_ && !has(key))
      record({.what = "missing from the GGUF's keys", .at = fmt::format("key {}", llama_cpp_key(key))});
}

int Config::size(Keys keys) {
  std::string_view key;
  if (!find(keys, key)) {
    if (!key.empty()) return without_value<int>(key, 1, std::nullopt);
    if (const auto assumed = assumed_size(keys)) return *assumed;
    std::string at = spelled(keys);
    for (std::string_view candidate : keys)
      if (is_gguf_ && !llama_cpp_key(candidate).empty()) at = fmt::format("key {}", llama_cpp_key(candidate));
    record({.what = "missing from the configuration", .at = std::move(at)});
    return 1;
  }
  return size_or(keys, 1);
}

int Config::vocab_size() {
  if (!vocab_size_) return size({"vocab_size", "padded_vocab_size"});
  require(*vocab_size_ >= 1 && *vocab_size_ <= limits::kWidth, "vocabulary",
          fmt::format("1 to {} tokens", limits::kWidth), fmt::format("{}", *vocab_size_));
  return static_cast<int>(std::clamp<int64_t>(*vocab_size_, 1, limits::kWidth));
}

int Config::size_or(Keys keys, int fallback, std::optional<int> null) {
  std::string_view key;
  const auto value = find(keys, key);
  if (!value) return without_value(key, assumed_size(keys).value_or(fallback), null);
  const int64_t number = value->integer().value_or(0);
  if (number < 1 || number > most_of(keys)) {
    record({.what = "not a size",
            .at = fmt::format("key {}", key),
            .expected = fmt::format("an integer from 1 to {}", most_of(keys)),
            .found = value->shown()});
    return 1;
  }
  return static_cast<int>(number);
}

int Config::count_or(Keys keys, int fallback, std::optional<int> null) {
  std::string_view key;
  const auto value = find(keys, key);
  if (value && value->integer() == 0) return 0;
  return size_or(keys, fallback, null);
}

double Config::number_or(Keys keys, double fallback, std::optional<double> null) {
  std::string_view key;
  const auto value = find(keys, key);
  if (!value) return without_value(key, fallback, null);
  const std::optional<double> number = value->number();
  if (!number || !std::isfinite(*number)) {
    record({.what = "not a number", .at = fmt::format("key {}", key), .found = value->shown()});
    return fallback;
  }
  return *number;
}

bool Config::flag_or(Keys keys, bool fallback, std::optional<bool> null) {
  std::string_view key;
  const auto value = find(keys, key);
  if (!value) return without_value(key, fallback, null);
  const auto flag = value->boolean();
  if (!flag) record({.what = "not true or false", .at = fmt::format("key {}", key), .found = value->shown()});
  return flag.value_or(fallback);
}

std::string Config::text_or(Keys keys, std::string fallback) {
  std::string_view key;
  const auto value = find(keys, key);
  if (!value) return without_value(key, std::move(fallback), {});
  const auto text = value->string();
  if (!text) {
    record({.what = "not a text", .at = fmt::format("key {}", key), .found = value->shown()});
    return fallback;
  }
  return *text;
}

Activation Config::activation(Keys keys, std::string_view fallback) {
  struct Named {
    std::string_view name;
    Activation activation;
  };
  static constexpr Named kKnown[] = {
      {"relu", Activation::relu},
      {"relu2", Activation::relu_squared},
      {"gelu", Activation::gelu},
      {"gelu_python", Activation::gelu},
      {"gelu_accurate", Activation::gelu_new},
      {"gelu_new", Activation::gelu_new},
      {"gelu_fast", Activation::gelu_new},
      {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"quick_gelu", Activation::gelu_quick},
      {"silu", Activation::silu},
      {"swish", Activation::silu},
  };
  const std::string name = text_or(keys, std::string(fallback));
  for (const Named& known : kKnown)
    if (known.name == name) return known.activation;
  std::string names;
  for (const Named& known : kKnown) names += (names.empty() ? "" : ", ") + std::string(known.name);
  record({.kind = ErrorKind::unsupported,
          .what = "unknown activation",
          .at = spelled(keys),
          .expected = "one of " + names,
          .found = name});
  return Activation::relu;
}

double Config::positive_or(Keys keys, double fallback, double most, std::optional<double> null) {
  const double number = number_or(keys, fallback, null);
  if (number > 0 && number <= most) return number;
  record({.what = "out of range",
          .at = spelled(keys),
          .expected = fmt::format("greater than 0, at most {:g}", most),
          .found = fmt::format("{:g}", number)});
  return fallback;
}

std::vector<double> Config::numbers(std::string_view key, int count) {
  std::vector<double> values;
  const auto list = holder_of(key).find(key);
  bool are_positive = list && list->is_list();
  each_item(list, [&](const Configuration& item) {
    const double value = item.number().value_or(0);
    are_positive = are_positive && value > 0 && std::isfinite(value);
    values.push_back(value);
  });
  if (are_positive && values.size() == static_cast<size_t>(count)) return values;
  record({.what = "not a list of numbers",
          .at = fmt::format("key {}", key),
          .expected = fmt::format("{} numbers greater than 0", count),
          .found = list ? list->shown() : "none"});
  return std::vector<double>(static_cast<size_t>(count), 1.0);
}

std::vector<std::string> Config::texts(std::string_view key, int count) {
  std::vector<std::string> values;
  const auto list = holder_of(key).find(key);
  if (!list) return values;
  bool holds = list->is_list();
  each_item(list, [&](const Configuration& item) {
    const auto text = item.string();
    holds = holds && text;
    values.emplace_back(text.value_or(""));
  });
  if (holds && values.size() == static_cast<size_t>(count)) return values;
  record({.what = "not a list of names",
          .at = fmt::format("key {}", key),
          .expected = fmt::format("one for each of {} layers", count),
          .found = list->shown()});
  return std::vector<std::string>(static_cast<size_t>(count));
}

std::vector<int64_t> Config::integers(std::string_view key) {
  std::vector<int64_t> values;
  const auto list = holder_of(key).find(key);
  if (!list) return values;
  bool holds = list->is_list();
  each_item(list, [&](const Configuration& item) {
    const auto value = item.integer();
    holds = holds && value;
    values.push_back(value.value_or(0));
  });
  if (!holds) record({.what = "not a list of integers", .at = fmt::format("key {}", key), .found = list->shown()});
  return values;
}

std::vector<bool> Config::flags(std::string_view key, int count) {
  std::vector<bool> values;
  const auto list = holder_of(key).find(key);
  if (!list || !list->is_list()) return values;
  bool holds = true;
  each_item(list, [&](const Configuration& item) {
    const auto number = item.integer();
    const auto flag = number ? *number != 0 : item.boolean();
    holds = holds && flag;
    values.push_back(flag.value_or(false));
  });
  if (holds && values.size() == static_cast<size_t>(count)) return values;
  record({.what = "not a list of true and false",
          .at = fmt::format("key {}", key),
          .expected = fmt::format("one for each of {} layers", count),
          .found = list->shown()});
  return {};
}

std::vector<std::string> Config::repeated_texts(std::string_view key, int count) {
  std::vector<std::string> values;
  const auto list = holder_of(key).find(key);
  bool holds = list && list->is_list();
  each_item(list, [&](const Configuration& group) {
    std::vector<Configuration> pair;
    if (group.size() == 2) each_item(group, [&](const Configuration& part) { pair.push_back(part); });
    const auto names = pair.empty() ? std::nullopt : std::optional(pair[0]);
    const int64_t times = pair.empty() ? -1 : pair[1].integer().value_or(-1);
    holds = holds && names && names->is_list() && names->size() > 0 && times >= 0 && times <= count;
    for (int64_t i = 0; holds && i < times; ++i)
      each_item(names, [&](const Configuration& name) {
        const auto text = name.string();
        holds = holds && text && values.size() < static_cast<size_t>(count);
        values.emplace_back(text.value_or(""));
      });
  });
  if (holds && values.size() == static_cast<size_t>(count)) return values;
  record({.what = "not a list of repeated names",
          .at = fmt::format("key {}", key),
          .expected = fmt::format("[[[names], times], ...] for {} layers", count),
          .found = list ? list->shown() : "none"});
  return {};
}

std::optional<Config> Config::section(std::string_view key) const {
  const auto nested = holder_of(key).find(key);
  if (!nested || !nested->is_section()) return std::nullopt;
  return Config(*nested, file_);
}

void Config::absorb(const Config& section) {
  if (section.fault_) record(*section.fault_);
}

bool Config::has(std::string_view key) const {
  std::string_view found;
  return find({key}, found).has_value();
}

bool Config::is_list(std::string_view key) const {
  const auto value = holder_of(key).find(key);
  return value && value->is_list();
}

bool Config::is_null(std::string_view key) const { return holder_of(key).is_null(key); }

void Config::require(bool holds, std::string_view at, std::string_view expected, std::string found) {
  if (!holds)
    record({.kind = ErrorKind::unsupported,
            .what = "not supported",
            .at = std::string(at),
            .expected = std::string(expected),
            .found = std::move(found)});
}

}  // namespace lstar
