#include "lstar/base/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace lstar {
namespace {

const std::vector<std::string> kNames{"run", "trace", "predict", "inspect", "tokenize", "detect", "fetch"};

std::string meant(std::string_view given, const std::vector<std::string>& known = kNames) {
  return nearest(given, known).value_or("nothing");
}

TEST(Nearest, OneEditOfEachKind) {
  EXPECT_EQ(meant("trac"), "trace") << "left out";
  EXPECT_EQ(meant("traace"), "trace") << "put in";
  EXPECT_EQ(meant("trece"), "trace") << "replaced";
  EXPECT_EQ(meant("rtace"), "trace") << "swapped";
  EXPECT_EQ(meant("urn"), "run") << "a swap is one edit, not two";
  EXPECT_EQ(meant("Fetch"), "fetch");
  EXPECT_EQ(meant("trace"), "trace");
}

TEST(Nearest, AThirdOfTheLengthAtMost) {
  EXPECT_EQ(meant("tokeniser"), "tokenize") << "two of nine";
  EXPECT_EQ(meant("inpsetc"), "inspect") << "two swaps";
  EXPECT_EQ(meant("ru"), "run");
  EXPECT_EQ(meant("r"), "nothing");
  EXPECT_EQ(meant("version"), "nothing");
  EXPECT_EQ(meant(""), "nothing");
  EXPECT_EQ(meant("xyz"), "nothing");
}

TEST(Nearest, TheFewestEditsThenTheFirst) {
  EXPECT_EQ(meant("gpt2-12x21", {"gpt2-12x22", "gpt2-12x12", "gpt2-12x2"}), "gpt2-12x22") << "one edit each";
  EXPECT_EQ(meant("gpt2-12x21", {"gpt2-6x22", "gpt2-12x12"}), "gpt2-12x12");
}

TEST(Nearest, TheBeginningOfOneName) {
  EXPECT_EQ(meant("argmax", {"argmax_step", "sign_change"}), "argmax_step");
  EXPECT_EQ(meant("Central", {"argmax_step", "central_difference"}), "central_difference");
  EXPECT_EQ(meant("weights", {"weights_only", "weights_alone_of_all"}), "nothing") << "two begin so";
  EXPECT_EQ(meant("ar", {"argmax_step"}), "nothing");
}

TEST(Nearest, LongNamesAreNotCompared) {
  const std::string longest(256, 'a'), longer(257, 'a');
  EXPECT_EQ(meant(longest, {longest}), longest);
  EXPECT_EQ(meant(longer, {longer}), "nothing");
  EXPECT_EQ(meant(longest, {longer}), "nothing");
}

}  // namespace
}  // namespace lstar
