// JSON as Python's json module reads it. The right sides are what json.loads of CPython 3.11 gives, written as JSON
// where JSON can hold it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lstar/base/json.h"
#include "lstar/base/python_json.h"

namespace lstar {
namespace {

std::string restated(const std::string& text) {
  const auto result = restate_python_json(text);
  return result ? *result : result.error().message();
}

std::string beyond(std::string_view literal) { return fmt::format("\"{}{}\"", kBeyondJson, literal); }

TEST(PythonJson, WhatTheStandardKnowsIsTheSame) {
  for (const char* text : {"null", "true", "false", "0", "-0", "-1.5e+300", "9223372036854775807",
                           "-9223372036854775808", "18446744073709551615", "1e-400", "0.001e-9223372036854775808",
                           "0.0e999999999999999999999", "\"\"", R"("a\"\\\/\b\f\n\r\t\u00e9")", R"("\ud83d\ude00")",
                           "[]", "{}", R"([1,[2,{"a":[{}]}],"x"])", R"({"a":{"k":1},"b":{"k":1}})"})
    EXPECT_EQ(restated(text), text);
  EXPECT_EQ(restated(" { \"a\" :\t[ 1 ,\r\n2 ] } "), R"({"a":[1,2]})");
}

TEST(PythonJson, NumbersThatJsonCannotHoldKeepTheirLiteral) {
  for (const char* literal :
       {"NaN", "Infinity", "-Infinity", "18446744073709551616", "-9223372036854775809", "1e400", "-1.0E+400",
        "1e9223372036854775807", "0.1e9223372036854775807", "1000000000000000019884624838656"})
    EXPECT_EQ(restated(literal), beyond(literal));
  EXPECT_EQ(restated(R"({"a": [0.0, Infinity], "b": NaN})"),
            fmt::format(R"({{"a":[0.0,{}],"b":{}}})", beyond("Infinity"), beyond("NaN")));
}

TEST(PythonJson, OfAKeyTwiceTheLastCounts) {
  EXPECT_EQ(restated(R"({"a": 1, "b": 2, "a": 3})"), R"({"b":2,"a":3})");
  EXPECT_EQ(restated(R"({"a": 1, "a": 2, "a": 3})"), R"({"a":3})");
  EXPECT_EQ(restated(R"({"\u0061": {"k": 1, "k": 2}, "a": {"k": 3, "k": 4}})"), R"({"a":{"k":4}})");
  EXPECT_EQ(restated(R"([{"x": {"y": [1, {"k": [1], "k": {}}]}}])"), R"([{"x":{"y":[1,{"k":{}}]}}])");
  EXPECT_EQ(restated(R"({"": 1, "": 2})"), R"({"":2})");
}

TEST(PythonJson, HalvesOfSurrogatePairsAreMarked) {
  EXPECT_EQ(restated(R"("a\ud800b")"), beyond("\\\"a\xf4\x8d\xa0\x80"
                                              "b"));
  EXPECT_EQ(restated(R"("\ude00\ud83d")"), beyond("\\\"\xf4\x8d\xb8\x80\xf4\x8d\xa0\xbd"));
  EXPECT_EQ(restated(R"("\ud83d\u0041\"\n")"), beyond("\\\"\xf4\x8d\xa0\xbd"
                                                      "A\\\"\\u000a"));
  EXPECT_EQ(restated(R"({"\ud800": 1, "\ud801": 2, "\ud800": 3})").find('1'), std::string::npos);
}

TEST(PythonJson, WhatPythonRefusesIsRefusedByPlace) {
  EXPECT_EQ(restated(""), "line 1, column 1: not valid JSON: expected a value, found the end of the text");
  EXPECT_EQ(restated("{\"a\": 1,\n }"),
            "line 2, column 2: not valid JSON: expected a key in quotation marks, found '}'");
  EXPECT_EQ(restated("{\"a\" 1}"), "line 1, column 6: not valid JSON: expected ':', found '1'");
  EXPECT_EQ(restated("[1 2]"), "line 1, column 4: not valid JSON: expected ',' or ']', found '2'");
  for (const char* text : {"{",
                           "[1,",
                           "[1,]",
                           "{\"a\"",
                           "{'a': 1}",
                           "nan",
                           "inf",
                           "-NaN",
                           "+1",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "--1",
                           "\"a\nb\"",
                           "\"\\x41\"",
                           "\"\\u12g4\"",
                           "\"open",
                           "\"\\",
                           "\"\\u12",
                           "tru",
                           "1 2",
                           "{\"a\": 1} trailing",
                           "0x10"})
    EXPECT_FALSE(restate_python_json(text)) << text;
  EXPECT_FALSE(restate_python_json(std::string(100000, '[')));
  EXPECT_FALSE(JsonDocument::parse("\"\xff\"", "source"));  // not UTF-8
}

TEST(PythonJson, DocumentsGiveBackWhatWasWritten) {
  const auto document = JsonDocument::parse(
      "\xef\xbb\xbf{\"big\": 1000000000000000019884624838656, \"nan\": NaN, \"low\": -Infinity, \"huge\": 1e400, "
      "\"half\": \"x\\ud800\", \"t\": 1, \"t\": \"last\", \"list\": [NaN, \"y\"]}",
      "source");
  ASSERT_TRUE(document) << document.error().message();
  const Json root = document->root();
  EXPECT_EQ(root.number("big"), 1e30);
  EXPECT_TRUE(std::isnan(*root.number("nan")));
  EXPECT_EQ(root.number("low"), -INFINITY);
  EXPECT_EQ(root.number("huge"), INFINITY);
  EXPECT_EQ(root.integer("big"), std::nullopt);
  EXPECT_EQ(root.find("big")->literal(), "1000000000000000019884624838656");
  EXPECT_EQ(root.string("nan"), std::nullopt);
  EXPECT_EQ(root.string("half"), std::nullopt);
  EXPECT_EQ(root.find("half")->literal(), std::nullopt);
  EXPECT_EQ(root.string("t"), "last");
  EXPECT_EQ(root.find("list")->shown(), "[NaN,\"y\"]");
  EXPECT_EQ(root.find("big")->shown(4), "1000");
  EXPECT_EQ(root.find("half")->shown(), "\"x\\ud800\"");
  const auto whole = JsonDocument::parse("[\"\xf4\x8d\xa0\x80\"]", "source");  // a character of its own
  EXPECT_EQ(whole->root().shown(), "[\"\xf4\x8d\xa0\x80\"]");
}

TEST(PythonJson, ATextThatBeginsLikeAMarkIsAText) {
  const auto document = JsonDocument::parse(R"({"t": "\uffffabc", "l": ["\uffffNaNs", "a\"\uffff1"]})", "source");
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_EQ(document->root().string("t"),
            "\xef\xbf\xbf"
            "abc");
  EXPECT_EQ(document->root().number("t"), std::nullopt);
  EXPECT_EQ(document->root().find("l")->shown(),
            "[\"\xef\xbf\xbf"
            "NaNs\",\"a\\\"\xef\xbf\xbf"
            "1\"]");
}

TEST(PythonJson, ManyMarksAreShownInOneWalk) {
  std::string text = "[NaN";
  for (int i = 0; i < 1'000'000; ++i) text += ",NaN";
  const auto document = JsonDocument::parse(text + "]", "source");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().shown(12), "[NaN,NaN,NaN");
}

TEST(PythonJson, AStrictReaderRefusesAll) {
  for (const char* text : {"NaN", "1000000000000000019884624838656", "\"\\ud800\""})
    EXPECT_FALSE(JsonDocument::parse(text, "source", JsonDialect::strict)) << text;
  EXPECT_EQ(JsonDocument::parse(R"({"a": 1, "a": 3})", "source", JsonDialect::strict).error().message(),
            "source: key a: key appears twice in one object");
}

}  // namespace
}  // namespace lstar
