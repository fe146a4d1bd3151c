// A checkpoint's configuration as its readers need it, wherever it comes from: a config.json, a GGUF's metadata, or
// keys and values that a program put together. A Configuration is a view of one value, most often of a section of keys;
// as cheap to copy as three pointers, it lives no longer than what holds the value (the checkpoint, a JsonDocument, a
// ConfigurationValue). Reading is safe from several threads.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lstar {

class Json;
struct ConfigurationValue;

class Configuration {
 public:
  enum class Type { null, boolean, integer, number, string, list, section };
  class Source;
  // Where a value lies, in the words of its source.
  struct Place {
    const void* at = nullptr;
    size_t number = 0;
  };

  Configuration() = default;  // null
  explicit Configuration(Json value);
  explicit Configuration(const ConfigurationValue& value);
  explicit Configuration(ConfigurationValue&&) = delete;  // which would not live long enough
  Configuration(const Source& source, Place place) : source_(&source), place_(place) {}

  Type type() const;
  bool is_list() const { return type() == Type::list; }
  bool is_section() const { return type() == Type::section; }

  // The value, nothing where it is of another type.
  std::optional<bool> boolean() const;
  std::optional<int64_t> integer() const;
  std::optional<double> number() const;  // any number, the nearest double of one that is no double; NaN and infinities
  std::optional<std::string> string() const;  // UTF-8

  // Lookups in a section that answer "absent" for a missing key, for null, and for a value of another type.
  std::optional<Configuration> find(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<std::string> string(std::string_view key) const;
  bool has(std::string_view key) const;      // were it null
  bool is_null(std::string_view key) const;  // there, and null

  // What a list or a section holds, in its order; of anything else there is nothing. The key is empty in a list.
  using Visit = std::function<void(std::string_view key, Configuration value)>;
  void each(const Visit& visit) const;
  size_t size() const;

  // A value as Python's json module would write it, for messages: at most `most` bytes, whole characters.
  std::string shown(size_t most = 60) const;

 private:
  const Source* source_ = nullptr;
  Place place_;
};

// What holds configurations of one kind: an adapter. Asked only of places that it gave itself.
class Configuration::Source {
 public:
  virtual ~Source() = default;
  virtual Type type(Place) const = 0;
  // Nothing where the value is of another type.
  virtual std::optional<bool> boolean(Place) const = 0;
  virtual std::optional<int64_t> integer(Place) const = 0;
  virtual std::optional<double> number(Place) const = 0;
  virtual std::optional<std::string> string(Place) const = 0;
  // Of anything but a section nothing; of anything but a list or a section none.
  virtual std::optional<Place> find(Place section, std::string_view key) const = 0;
  virtual void each(Place, const Visit&) const = 0;
  virtual size_t size(Place) const = 0;
  virtual std::string shown(Place, size_t most) const;
};

// A configuration, or a part of one, as plain data: what a program puts together instead of a config.json.
struct ConfigurationValue {
  using List = std::vector<ConfigurationValue>;
  using Section = std::map<std::string, ConfigurationValue, std::less<>>;

  ConfigurationValue() = default;     // null
  template <std::same_as<bool> Bool>  // and no pointer
  ConfigurationValue(Bool of) : value(of) {}
  template <std::integral Whole>
    requires(sizeof(Whole) >= sizeof(int))  // neither a truth nor a character
  ConfigurationValue(Whole of) {
    if (std::in_range<int64_t>(of))
      value = static_cast<int64_t>(of);
    else
      value = static_cast<double>(of);
  }
  ConfigurationValue(double of) : value(of) {}
  ConfigurationValue(std::string of) : value(std::move(of)) {}
  ConfigurationValue(std::string_view of) : value(std::string(of)) {}
  ConfigurationValue(const char* of) : value(std::string(of)) {}
  ConfigurationValue(List of) : value(std::move(of)) {}
  ConfigurationValue(Section of) : value(std::move(of)) {}

  std::variant<std::monostate, bool, int64_t, double, std::string, List, Section> value;
};

}  // namespace lstar
