#include "lstar/base/expand.h"

#include <gtest/gtest.h>

namespace lstar {
namespace {

std::optional<std::string> value_of(const std::string& name) {
  if (name == "A") return "one";
  if (name == "EMPTY") return "";
  if (name == "LOOP") return "${A}";
  return std::nullopt;
}

std::string braced(const std::string& text) { return expanded_names(text, NameForm::braced, value_of); }
std::string any(const std::string& text) { return expanded_names(text, NameForm::any, value_of); }

TEST(Expand, NamesWithAValue) {
  EXPECT_EQ(braced("x/${A}/${EMPTY}y"), "x/one/y");
  EXPECT_EQ(any("x/${A}/$A/$EMPTY-$A"), "x/one/one/-one");
  EXPECT_EQ(any("$AB"), "$AB") << "the longest name counts";
  EXPECT_EQ(any("${LOOP}$LOOP"), "${A}${A}") << "a value is not looked through";
}

TEST(Expand, WhatIsNoNameStays) {
  for (const std::string text : {"", "$", "${", "${}", "${A", "${A-B}", "${NONE}", "a$", "$$", "100 $", "}${"}) {
    EXPECT_EQ(braced(text), text);
    EXPECT_EQ(any(text), text);
  }
  EXPECT_EQ(braced("$A"), "$A");
  EXPECT_EQ(any("$NONE/${A}"), "$NONE/one");
  EXPECT_EQ(braced("${${A}}"), "${one}");
}

}  // namespace
}  // namespace lstar
