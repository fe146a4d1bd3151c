// Each source of a configuration is asked the same questions, and answers them as the others do.
#include "lstar/checkpoint/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lstar/base/json.h"
#include "lstar/checkpoint/checkpoint.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::ElementsAre;
using Type = Configuration::Type;
using List = ConfigurationValue::List;
using Section = ConfigurationValue::Section;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kAll = std::string::npos;

// What is asked of a value, and the answers.
struct Answers {
  const char* key;
  Type type;
  std::optional<bool> boolean = {};
  std::optional<int64_t> integer = {};
  std::optional<double> number = {};
  std::optional<std::string> string = {};
  size_t size = 0;
  const char* shown = "";
};
const Answers kAnswers[] = {
    {.key = "absent", .type = Type::null},
    {.key = "nothing", .type = Type::null, .shown = "null"},
    {.key = "yes", .type = Type::boolean, .boolean = true, .shown = "true"},
    {.key = "no", .type = Type::boolean, .boolean = false, .shown = "false"},
    {.key = "whole", .type = Type::integer, .integer = 12, .number = 12, .shown = "12"},
    {.key = "least",
     .type = Type::integer,
     .integer = std::numeric_limits<int64_t>::min(),
     .number = -0x1p63,
     .shown = "-9223372036854775808"},
    {.key = "real", .type = Type::number, .number = 1.5, .shown = "1.5"},
    {.key = "round", .type = Type::number, .number = 2, .shown = "2.0"},
    {.key = "small", .type = Type::number, .number = 1e-5, .shown = "1e-05"},
    {.key = "smallish", .type = Type::number, .number = -0.00012, .shown = "-0.00012"},
    {.key = "large", .type = Type::number, .number = 1e15, .shown = "1e+15"},
    {.key = "largish", .type = Type::number, .number = 123456789012345, .shown = "123456789012345.0"},
    {.key = "third", .type = Type::number, .number = 1.0 / 3, .shown = "0.3333333333333333"},
    {.key = "tenth", .type = Type::number, .number = 0.1, .shown = "0.1"},
    {.key = "zero", .type = Type::number, .number = -0.0, .shown = "-0.0"},
    {.key = "text",
     .type = Type::string,
     .string = "a\"\\\n\x01 \xc3\xa9",
     .shown = "\"a\\\"\\\\\\n\\u0001 \xc3\xa9\""},
    {.key = "integers", .type = Type::list, .size = 3, .shown = "[1,-2,3]"},
    {.key = "numbers", .type = Type::list, .size = 2, .shown = "[0.5,-2.0]"},
    {.key = "empty", .type = Type::list, .size = 0, .shown = "[]"},
};

void expect_answers(const Configuration& root) {
  EXPECT_EQ(root.type(), Type::section);
  EXPECT_FALSE(root.boolean() || root.integer() || root.number() || root.string());
  for (const Answers& expected : kAnswers) {
    SCOPED_TRACE(expected.key);
    const bool is_there = expected.key != std::string_view("absent");
    EXPECT_EQ(root.has(expected.key), is_there);
    EXPECT_EQ(root.is_null(expected.key), is_there && expected.type == Type::null);
    EXPECT_EQ(root.boolean(expected.key), expected.boolean);
    EXPECT_EQ(root.integer(expected.key), expected.integer);
    EXPECT_EQ(root.number(expected.key), expected.number);
    EXPECT_EQ(root.string(expected.key), expected.string);
    const auto value = root.find(expected.key);
    EXPECT_EQ(value.has_value(), expected.type != Type::null);
    if (!value) continue;
    EXPECT_EQ(value->type(), expected.type);
    EXPECT_EQ(value->boolean(), expected.boolean);
    EXPECT_EQ(value->integer(), expected.integer);
    EXPECT_EQ(value->number(), expected.number);
    if (expected.number) {
      EXPECT_EQ(std::signbit(*value->number()), std::signbit(*expected.number));
    }
    EXPECT_EQ(value->string(), expected.string);
    EXPECT_EQ(value->size(), expected.size);
    EXPECT_EQ(value->shown(), expected.shown);
    size_t items = 0;
    value->each([&](std::string_view key, const Configuration& item) {
      EXPECT_EQ(key, "");
      EXPECT_TRUE(item.number());
      ++items;
    });
    EXPECT_EQ(items, expected.size);
    EXPECT_FALSE(value->find("whole") || value->has("whole") || value->is_null("nothing"));  // of no section
  }
}

TEST(Configuration, OfJson) {
  const auto document = JsonDocument::parse(
      R"({"nothing": null, "yes": true, "no": false, "whole": 12, "least": -9223372036854775808, "real": 1.50,
          "round": 2.0, "small": 0.00001, "smallish": -1.2e-4, "large": 1e15, "largish": 123456789012345.0,
          "third": 0.33333333333333333333, "tenth": 0.1, "zero": -0.0, "text": "a\"\\\n\u0001 \u00e9", "integers": [1, -2, 3],
          "numbers": [0.5, -2.0], "empty": []})",
      "config.json");
  ASSERT_TRUE(document);
  expect_answers(Configuration(document->root()));
}

const ConfigurationValue kValues(Section{{"nothing", {}},
                                         {"yes", true},
                                         {"no", false},
                                         {"whole", 12},
                                         {"least", std::numeric_limits<int64_t>::min()},
                                         {"real", 1.5},
                                         {"round", 2.0},
                                         {"small", 1e-5},
                                         {"smallish", -1.2e-4},
                                         {"large", 1e15},
                                         {"largish", 123456789012345.0},
                                         {"third", 1.0 / 3},
                                         {"tenth", 0.1},
                                         {"zero", -0.0},
                                         {"text", "a\"\\\n\x01 \xc3\xa9"},
                                         {"integers", List{1, -2, 3}},
                                         {"numbers", List{0.5, -2.0}},
                                         {"empty", List{}}});

TEST(Configuration, OfKeysAndValues) { expect_answers(Configuration(kValues)); }

std::unique_ptr<Checkpoint> open_gguf_of(const testing::GgufPairs& pairs) {
  const testing::TemporaryFolder folder;
  testing::write_gguf(folder / "model.gguf", pairs, {});
  auto opened = open_checkpoint(folder / "model.gguf");
  EXPECT_TRUE(opened) << opened.error().message();
  return *std::move(opened);
}

TEST(Configuration, OfAGguf) {
  const auto checkpoint = open_gguf_of({{"general.architecture", std::string("llama")},
                                        {"nothing", std::numeric_limits<float>::quiet_NaN()},
                                        {"llama.yes", true},
                                        {"no", false},
                                        {"llama.whole", uint8_t{12}},
                                        {"least", std::numeric_limits<int64_t>::min()},
                                        {"llama.real", 1.5f},
                                        {"round", 2.0},
                                        {"small", 1e-5},
                                        {"smallish", -1.2e-4},
                                        {"large", 1e15},
                                        {"largish", 123456789012345.0},
                                        {"third", 1.0 / 3},
                                        {"tenth", 0.1},
                                        {"zero", -0.0f},
                                        {"text", std::string("a\"\\\n\x01 \xc3\xa9")},
                                        {"llama.integers", std::vector<int32_t>{1, -2, 3}},
                                        {"llama.numbers", std::vector<float>{0.5f, -2}},
                                        {"llama.empty", std::vector<uint32_t>{}}});
  const Configuration root = checkpoint->configuration();
  expect_answers(root);
  EXPECT_EQ(root.string("model_type"), "llama");
  EXPECT_EQ(root.size(), std::size(kAnswers) - 1 + 2);
}

// Every rule by which metadata becomes a configuration, as one text.
TEST(Configuration, OfAGgufInOneText) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const auto checkpoint = open_gguf_of({{"general.architecture", std::string("llama")},
                                        {"general.name", std::string("a \xff\xe2\x82 name")},  // not UTF-8
                                        {"model_type", std::string("other")},  // the architecture's name stands
                                        {"llama.model_type", std::string("another")},
                                        {"llama.a", uint32_t{1}},
                                        {"a", uint32_t{2}},
                                        {"zz", uint32_t{3}},
                                        {"llama.zz", uint32_t{4}},
                                        {"llama.list", std::vector<float>{1, nan, infinity}},
                                        {"list", uint32_t{5}},  // the architecture's own list stands
                                        {"others", std::vector<int32_t>{1}},
                                        {"llama.texts", std::vector<std::string>{"t"}},
                                        {"texts", uint32_t{6}},  // no list stands in its way
                                        {"llama.longest", std::vector<int32_t>(10'000, 7)},
                                        {"llama.longer", std::vector<int32_t>(10'001, 7)},
                                        {"llama.", -infinity},
                                        {"llama.llama.b", int8_t{-1}},
                                        {"largest", std::numeric_limits<uint64_t>::max()},
                                        {"single", 1e-5f},
                                        {"llamas.c", uint16_t{8}}});
  std::string longest = "7";
  for (int i = 1; i < 10'000; ++i) longest += ",7";
  EXPECT_EQ(checkpoint->configuration().find("largest")->shown(), "18446744073709551615");
  EXPECT_EQ(checkpoint->configuration().integer("largest"), std::nullopt);
  EXPECT_EQ(checkpoint->configuration().number("largest"), 0x1p64);
  EXPECT_FALSE(checkpoint->configuration().has("llama.a"));
  EXPECT_EQ(
      checkpoint->configuration().shown(kAll),
      "{\"\":null,\"a\":1,\"general.architecture\":\"llama\",\"general.name\":\"a \xef\xbf\xbd\xef\xbf\xbd name\","
      "\"largest\":1.8446744073709552e+19,\"list\":[1.0,null,null],\"llama.b\":-1,\"llamas.c\":8,\"longest\":[" +
          longest + "],\"model_type\":\"llama\",\"single\":9.999999747378752e-06,\"texts\":6,\"zz\":4}");
}

// Sections, lists of texts and lists of lists, which a GGUF has none of.
void expect_nested(const Configuration& root) {
  const auto inner = root.find("inner");
  ASSERT_TRUE(inner && inner->is_section());
  EXPECT_EQ(inner->integer("layers"), 3);
  EXPECT_TRUE(inner->is_null("window"));
  EXPECT_FALSE(root.has("layers"));
  std::string walked;
  root.each([&](std::string_view key, const Configuration& value) {
    walked += fmt::format("{}={};", key, value.size());
    value.each([&](std::string_view inner_key, const Configuration& one) {
      walked += fmt::format("{}:{} ", inner_key, one.shown());
    });
  });
  EXPECT_EQ(walked, "inner=2;layers:3 window:null nested=2;:[[\"a\",\"b\"],2] :[] texts=2;:\"full\" :\"sliding\" ");
  EXPECT_EQ(root.shown(kAll),
            R"({"inner":{"layers":3,"window":null},"nested":[[["a","b"],2],[]],"texts":["full","sliding"]})");
  EXPECT_EQ(root.shown(20), R"({"inner":{"layers":3)");
  EXPECT_EQ(root.shown(0), "");
}

TEST(Configuration, SectionsAndLists) {
  const auto document = JsonDocument::parse(
      R"({"inner": {"layers": 3, "window": null}, "nested": [[["a", "b"], 2], []], "texts": ["full", "sliding"]})",
      "config.json");
  ASSERT_TRUE(document);
  expect_nested(Configuration(document->root()));
  const ConfigurationValue values(Section{{"texts", List{"full", "sliding"}},
                                          {"nested", List{List{List{"a", "b"}, 2}, List{}}},
                                          {"inner", Section{{"window", {}}, {"layers", 3}}}});
  expect_nested(Configuration(values));
}

// What Python's JSON has and the standard does not; the same as values.
TEST(ConfigurationValue, TakesWholeNumbersOfEveryWidth) {
  const ConfigurationValue values(Section{
      {"size", size_t{7}}, {"short of", 8U}, {"largest", std::numeric_limits<uint64_t>::max()}, {"flag", true}});
  const Configuration all(values);
  EXPECT_EQ(all.integer("size"), 7);
  EXPECT_EQ(all.integer("short of"), 8);
  EXPECT_EQ(all.integer("largest"), std::nullopt);
  EXPECT_EQ(all.number("largest"), 18446744073709551616.0);
  EXPECT_EQ(all.boolean("flag"), true);
}

TEST(Configuration, NumbersBeyondJson) {
  const auto document = JsonDocument::parse(
      R"({"nan": NaN, "most": Infinity, "least": -Infinity, "digits": 123456789012345678901234567890, "half": "\ud800"})",
      "config.json");
  ASSERT_TRUE(document);
  const Configuration json(document->root());
  const ConfigurationValue values(Section{{"nan", kNaN}, {"most", kInfinity}, {"least", -kInfinity}});
  for (const Configuration& root : {json, Configuration(values)}) {
    EXPECT_EQ(root.find("nan")->type(), Type::number);
    EXPECT_TRUE(std::isnan(*root.number("nan")));
    EXPECT_EQ(root.number("most"), kInfinity);
    EXPECT_EQ(root.number("least"), -kInfinity);
    EXPECT_EQ(root.find("nan")->shown(), "NaN");
    EXPECT_EQ(root.find("most")->shown(), "Infinity");
    EXPECT_EQ(root.find("least")->shown(), "-Infinity");
    EXPECT_FALSE(root.integer("most") || root.string("nan"));
  }
  EXPECT_EQ(json.find("digits")->type(), Type::number);
  EXPECT_EQ(json.number("digits"), 123456789012345678901234567890.0);
  EXPECT_EQ(json.integer("digits"), std::nullopt);
  EXPECT_EQ(json.find("digits")->shown(), "123456789012345678901234567890");
  EXPECT_EQ(json.find("half")->type(), Type::string);
  EXPECT_EQ(json.string("half"), std::nullopt);
  EXPECT_EQ(json.find("half")->shown(), "\"\\ud800\"");
}

TEST(Configuration, OfNothingIsNull) {
  const Configuration nothing;
  EXPECT_EQ(nothing.type(), Type::null);
  EXPECT_FALSE(nothing.boolean() || nothing.integer() || nothing.number() || nothing.string());
  EXPECT_FALSE(nothing.find("a") || nothing.has("a") || nothing.is_null("a") || nothing.integer("a"));
  EXPECT_EQ(nothing.size(), 0u);
  nothing.each([](std::string_view, const Configuration&) { ADD_FAILURE(); });
  EXPECT_EQ(nothing.shown(), "null");
  static_assert(std::is_trivially_copyable_v<Configuration> && sizeof(Configuration) == 3 * sizeof(void*));
}

TEST(Configuration, TextsOfValuesAreUtf8) {
  const ConfigurationValue values(Section{{"t", "a\xff"}, {"\xff", 1}});
  EXPECT_EQ(Configuration(values).string("t"), "a\xef\xbf\xbd");
  EXPECT_EQ(Configuration(values).shown(), "{\"t\":\"a\xef\xbf\xbd\",\"\xef\xbf\xbd\":1}");
  EXPECT_EQ(Configuration(values).shown(8), "{\"t\":\"a") << "whole characters";
}

// A list is walked where it lies, and of what is shown only the beginning is written.
TEST(Configuration, LongValues) {
  constexpr int64_t kLong = 3'000'000;
  std::string text = "[7";
  for (int64_t i = 1; i < kLong; ++i) text += ",7";
  const auto document = JsonDocument::parse("{\"list\": " + text + "]}", "config.json");
  ASSERT_TRUE(document);
  const ConfigurationValue values(Section{{"list", List(kLong, 7)}});
  for (const Configuration& root : {Configuration(document->root()), Configuration(values)}) {
    const auto list = root.find("list");
    int64_t sum = 0;
    list->each([&](std::string_view, const Configuration& item) { sum += *item.integer(); });
    EXPECT_EQ(sum, 7 * kLong);
    EXPECT_EQ(list->size(), kLong);
    EXPECT_EQ(list->shown(6), "[7,7,7");
  }
}

}  // namespace
}  // namespace lstar
