// The tokenizer's innards and the forward pass in one file, as a program that uses both has them: no name of one is a
// name of the other, and objects of both live side by side.
#include <gtest/gtest.h>

#include "lstar/model/forward.h"
#include "lstar/tokenizer/models/word_model.h"
#include "lstar/tokenizer/pipeline/pipeline.h"

namespace lstar {
namespace {

TEST(OneFile, HoldsTokenizerAndModel) {
  const auto pipeline = read_tokenizer_folder("zoo/gpt2-12x12");
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  const auto model = open_model("zoo/gpt2-12x12");
  ASSERT_TRUE(model) << model.error().message();
  ASSERT_TRUE((*pipeline)->finish());
  const WordModel words = (*pipeline)->model;
  EXPECT_LE(words.vocabulary().size(), model->architecture.vocab);
  const auto ids = (*pipeline)->encode("one file", true);
  ASSERT_TRUE(ids) << ids.error().message();
  EXPECT_FALSE(ids->empty());
  EXPECT_TRUE(check_prompt(model->architecture, *ids));
}

}  // namespace
}  // namespace lstar
