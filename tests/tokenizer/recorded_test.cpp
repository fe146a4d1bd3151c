// Ids against those that `transformers` and `tokenizers` gave (tools/oracle/record_tokenizer.py). They are integers:
// equal or wrong.
#include "tests/support/sanitized.h"
#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

using namespace test;

class Recorded {
 public:
  Recorded()
      : document_(*JsonDocument::read(data_path("recorded.json"))),
        hashes_(file_bytes(data_path("recorded.bin"))),
        lines_(recorded_lines()) {}

  size_t line_count() const { return lines_.size(); }

  void check_all() {
    for (Json entry : document_.root()["tokenizers"].items()) {
      SCOPED_TRACE(*entry.string("name"));
      const auto tokenizer = open(entry);
      ASSERT_TRUE(tokenizer) << tokenizer.error().message();
      check(entry, *tokenizer);
    }
    EXPECT_EQ(position_, hashes_.size());
  }

 private:
  // The folder as it is, or one put together from some of its files and the settings of the entry.
  static Result<Tokenizer> open(Json entry) {
    const std::string source = source_path(*entry.string("folder"));
    const auto files = entry.find("copy");
    if (!files) return open_folder(source);
    const TokenizerFolder folder;
    for (Json file : files->items()) folder.copy(source + "/" + std::string(file.string().value()));
    for (const auto& setting : (*entry.find("write")).fields())
      folder.write(std::string(setting.key), setting.value.minified());
    return open_folder(folder.path());
  }

  void check(Json entry, const Tokenizer& tokenizer) {
    EXPECT_EQ(tokenizer.size(), static_cast<size_t>(*entry.integer("size")));
    const auto every = static_cast<size_t>(*entry.integer("every"));
    const Json whole = entry["ids"];
    size_t number = 0, wrong = 0;
    for (size_t i = 0; i < lines_.size(); i += every, ++number) {
      if (number % testing::kEvery != 0) {
        position_ += 4;
        continue;
      }
      const auto ids = tokenizer.encode(lines_[i]);
      ASSERT_TRUE(ids) << ids.error().message();
      if (number < whole.size()) {
        EXPECT_EQ(*ids, integers(*whole.at(number))) << "line " << i << ": " << lines_[i];
      }
      ASSERT_LE(position_ + 4, hashes_.size());
      const uint32_t expected = hash_at(hashes_, position_);
      position_ += 4;
      if (hash_ids(*ids) != expected && ++wrong <= 5) ADD_FAILURE() << "line " << i << ": " << lines_[i];
    }
    EXPECT_EQ(wrong, 0u) << "of " << number << " lines";
  }

  JsonDocument document_;
  std::string hashes_;
  std::vector<std::string> lines_;
  size_t position_ = 0;
};

TEST(RecordedIds, EqualOnEveryLine) {
  Recorded recorded;
  EXPECT_GE(recorded.line_count(), 10000u);
  recorded.check_all();
}

// Each small tokenizer holds one or two components; its ids come from `tokenizers`, which refused some of them.
TEST(RecordedIds, Components) {
  const auto document = JsonDocument::read(data_path("components.json"));
  ASSERT_TRUE(document) << document.error().message();
  int refused = 0, equal = 0;
  for (Json component : document->root().items()) {
    SCOPED_TRACE(*component.string("name"));
    const TokenizerFolder folder;
    folder.write("tokenizer.json", component["tokenizer"].minified());
    const auto tokenizer = open_folder(folder.path());
    if (component["ids"].is_string()) {
      EXPECT_FALSE(tokenizer);
      ++refused;
      continue;
    }
    ASSERT_TRUE(tokenizer) << tokenizer.error().message();
    const Json expected = component["ids"];
    size_t i = 0;
    for (Json text : component["texts"].items()) {
      const auto ids = tokenizer->encode(text.string().value());
      ASSERT_TRUE(ids) << ids.error().message();
      EXPECT_EQ(*ids, integers(*expected.at(i))) << "text " << i << ": " << text.string().value();
      ++i;
    }
    ++equal;
  }
  EXPECT_GE(equal, 200);
  EXPECT_GE(refused, 10);
}

}  // namespace
}  // namespace lstar
