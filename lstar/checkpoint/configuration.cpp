#include "lstar/checkpoint/configuration.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include <fmt/core.h>

#include "lstar/base/json.h"
#include "lstar/base/text.h"

namespace lstar {
namespace {

using Type = Configuration::Type;
using Place = Configuration::Place;

// A Json is a place already.
class JsonSource final : public Configuration::Source {
 public:
  static Place place(Json value) { return std::bit_cast<Place>(value); }
  static Json at(Place place) { return std::bit_cast<Json>(place); }

  Type type(Place place) const override {
    switch (at(place).type()) {
      case Json::Type::null: return Type::null;
      case Json::Type::boolean: return Type::boolean;
      case Json::Type::integer: return Type::integer;
      case Json::Type::number: return Type::number;
      case Json::Type::string: return at(place).literal() ? Type::number : Type::string;
      case Json::Type::array: return Type::list;
      case Json::Type::object: return Type::section;
    }
    return Type::null;
  }
  std::optional<bool> boolean(Place place) const override { return at(place).boolean(); }
  std::optional<int64_t> integer(Place place) const override { return at(place).integer(); }
  std::optional<double> number(Place place) const override { return at(place).number(); }
  std::optional<std::string> string(Place place) const override {
    const auto text = at(place).string();
    return text ? std::optional<std::string>(*text) : std::nullopt;
  }
  std::optional<Place> find(Place section, std::string_view key) const override {
    const Json value = at(section)[key];
    return value == Json() ? std::nullopt : std::optional(place(value));
  }
  void each(Place all, const Configuration::Visit& visit) const override {
    for (const Json item : at(all).items()) visit({}, Configuration(*this, place(item)));
    for (const auto& [key, value] : at(all).fields()) visit(key, Configuration(*this, place(value)));
  }
  size_t size(Place all) const override { return at(all).size(); }
  std::string shown(Place place, size_t most) const override { return at(place).shown(most); }
};

class ValueSource final : public Configuration::Source {
 public:
  static Place place(const ConfigurationValue& value) { return {.at = &value}; }

  Type type(Place place) const override {
    constexpr Type kTypes[] = {Type::null,   Type::boolean, Type::integer, Type::number,
                               Type::string, Type::list,    Type::section};
    return kTypes[at(place).value.index()];
  }
  std::optional<bool> boolean(Place place) const override { return held<bool>(place); }
  std::optional<int64_t> integer(Place place) const override { return held<int64_t>(place); }
  std::optional<double> number(Place place) const override {
    if (const auto whole = held<int64_t>(place)) return static_cast<double>(*whole);
    return held<double>(place);
  }
  std::optional<std::string> string(Place place) const override {
    const auto* text = std::get_if<std::string>(&at(place).value);
    return text ? std::optional(valid_utf8(*text)) : std::nullopt;
  }
  std::optional<Place> find(Place all, std::string_view key) const override {
    const auto* section = std::get_if<ConfigurationValue::Section>(&at(all).value);
    if (!section) return std::nullopt;
    const auto found = section->find(key);
    return found == section->end() ? std::nullopt : std::optional(place(found->second));
  }
  void each(Place all, const Configuration::Visit& visit) const override {
    if (const auto* list = std::get_if<ConfigurationValue::List>(&at(all).value))
      for (const ConfigurationValue& item : *list) visit({}, Configuration(*this, place(item)));
    if (const auto* section = std::get_if<ConfigurationValue::Section>(&at(all).value))
      for (const auto& [key, value] : *section) visit(key, Configuration(*this, place(value)));
  }
  size_t size(Place all) const override {
    if (const auto* list = std::get_if<ConfigurationValue::List>(&at(all).value)) return list->size();
    const auto* section = std::get_if<ConfigurationValue::Section>(&at(all).value);
    return section ? section->size() : 0;
  }

 private:
  static const ConfigurationValue& at(Place place) { return *static_cast<const ConfigurationValue*>(place.at); }
  template <class T>
  static std::optional<T> held(Place place) {
    const T* value = std::get_if<T>(&at(place).value);
    return value ? std::optional(*value) : std::nullopt;
  }
};

const JsonSource kJson{};
const ValueSource kValues{};

// A value in Python's JSON, as far as `most` bytes and a little more: a long list is not written out to be cut.
class Writer {
 public:
  explicit Writer(size_t most) : most_(most) {}

  void write(const Configuration& value) {
    switch (value.type()) {
      case Type::null: out_ += "null"; break;
      case Type::boolean: out_ += *value.boolean() ? "true" : "false"; break;
      case Type::integer:
        if (const auto whole = value.integer())
          out_ += fmt::format("{}", *whole);
        else
          write(*value.number());  // beyond int64
        break;
      case Type::number: write(*value.number()); break;
      case Type::string: write(*value.string()); break;
      case Type::list:
      case Type::section: write_all(value); break;
    }
  }
  std::string take() {
    if (out_.size() <= most_) return std::move(out_);
    size_t end = most_;
    while (end > 0 && (out_[end] & 0xC0) == 0x80) --end;
    return out_.substr(0, end);
  }

 private:
  void write_all(const Configuration& value) {
    const bool is_section = value.is_section();
    out_ += is_section ? '{' : '[';
    bool is_first = true;
    value.each([&](std::string_view key, const Configuration& entry) {
      if (out_.size() > most_) return;
      if (!std::exchange(is_first, false)) out_ += ',';
      if (is_section) {
        write(valid_utf8(key));
        out_ += ':';
      }
      write(entry);
    });
    out_ += is_section ? '}' : ']';
  }

  void write(const std::string& text) {
    out_ += '"';
    for (const char c : text) {
      if (out_.size() > most_) return;
      const size_t known = std::string_view("\"\\\b\f\n\r\t").find(c);
      if (known != std::string_view::npos)
        out_.append("\\").push_back("\"\\bfnrt"[known]);
      else if (static_cast<unsigned char>(c) < 0x20)
        out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      else
        out_ += c;
    }
    out_ += '"';
  }

  // The shortest digits that give the number again, laid out as in JSON that was read and is shown.
  void write(double number) {
    if (std::isnan(number)) out_ += "NaN";
    if (std::isinf(number)) out_ += number > 0 ? "Infinity" : "-Infinity";
    if (!std::isfinite(number)) return;
    constexpr int kLeast = -5, kMost = 15;  // decimal exponents that are written
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
    const std::string_view written(buffer, static_cast<size_t>(end - buffer));
    const size_t point = written.find('.'), mark = written.find('e');
    const char* sign = written.data() + mark + 1;
    int exponent = 0;
    std::from_chars(sign + (*sign == '+'), end, exponent);
    const int decimals = (point == written.npos ? 0 : static_cast<int>(mark - point) - 1) - exponent;
    if (exponent <= kLeast || exponent >= kMost)
      out_ += written;
    else
      out_ += fmt::format("{:.{}f}", number, std::max(decimals, 1));
  }

  const size_t most_;
  std::string out_;
};

}  // namespace

Configuration::Configuration(Json value) : Configuration(kJson, JsonSource::place(value)) {}
Configuration::Configuration(const ConfigurationValue& value) : Configuration(kValues, ValueSource::place(value)) {}

Type Configuration::type() const { return source_ ? source_->type(place_) : Type::null; }

std::optional<bool> Configuration::boolean() const { return source_ ? source_->boolean(place_) : std::nullopt; }
std::optional<int64_t> Configuration::integer() const { return source_ ? source_->integer(place_) : std::nullopt; }
std::optional<double> Configuration::number() const { return source_ ? source_->number(place_) : std::nullopt; }
std::optional<std::string> Configuration::string() const { return source_ ? source_->string(place_) : std::nullopt; }

std::optional<Configuration> Configuration::find(std::string_view key) const {
  const auto place = source_ ? source_->find(place_, key) : std::nullopt;
  if (!place || source_->type(*place) == Type::null) return std::nullopt;
  return Configuration(*source_, *place);
}

std::optional<bool> Configuration::boolean(std::string_view key) const {
  const auto value = find(key);
  return value ? value->boolean() : std::nullopt;
}
std::optional<int64_t> Configuration::integer(std::string_view key) const {
  const auto value = find(key);
  return value ? value->integer() : std::nullopt;
}
std::optional<double> Configuration::number(std::string_view key) const {
  const auto value = find(key);
  return value ? value->number() : std::nullopt;
}
std::optional<std::string> Configuration::string(std::string_view key) const {
  const auto value = find(key);
  return value ? value->string() : std::nullopt;
}

bool Configuration::has(std::string_view key) const { return source_ && source_->find(place_, key); }

bool Configuration::is_null(std::string_view key) const {
  const auto place = source_ ? source_->find(place_, key) : std::nullopt;
  return place && source_->type(*place) == Type::null;
}

void Configuration::each(const Visit& visit) const {
  if (source_) source_->each(place_, visit);
}

size_t Configuration::size() const { return source_ ? source_->size(place_) : 0; }

std::string Configuration::shown(size_t most) const { return source_ ? source_->shown(place_, most) : "null"; }

std::string Configuration::Source::shown(Place place, size_t most) const {
  Writer writer(most);
  writer.write(Configuration(*this, place));
  return writer.take();
}

}  // namespace lstar
