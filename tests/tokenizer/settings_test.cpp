// Folders whose settings lie over their vocabulary, against AutoTokenizer (tools/oracle/tokenizer_settings.py): which
// class it picks for each model_type and name, and what each class makes of each setting.
#include "tests/support/sanitized.h"
#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

using namespace test;

// A tokenizer.json: the base, with some of its components replaced.
std::string with_components(Json base, Json replaced) {
  std::string text(1, '{');
  const auto add = [&](std::string_view key, Json value) {
    if (text.size() > 1) text += ',';
    text.append(1, '"').append(key).append("\":").append(value.minified());
  };
  for (const auto field : base.fields())
    if (!replaced.has(field.key)) add(field.key, field.value);
  for (const auto field : replaced.fields()) add(field.key, field.value);
  return text + "}";
}

void write_base(const TokenizerFolder& folder, const std::string& name, Json base, Json replaced) {
  if (replaced.is_object()) return folder.write("tokenizer.json", with_components(base, replaced));
  if (base.is_array()) {
    std::string pieces;
    for (Json piece : base.items()) pieces.append(piece.string().value()).append(1, '\n');
    return folder.write("vocab.txt", pieces);
  }
  if (name.ends_with(".bpe.model")) {
    std::filesystem::copy_file(source_path(std::string(base.string().value())), folder / "sentencepiece.bpe.model");
    return;
  }
  if (base.is_string()) return folder.copy(source_path(std::string(base.string().value())));
  folder.write("vocab.json", base["model"]["vocab"].minified());
  std::string merges;
  for (Json merge : base["model"]["merges"].items()) merges.append(merge.string().value()).append(1, '\n');
  folder.write("merges.txt", merges);
}

// How many folders give the ids that were recorded.
void hold_recorded(const char* recorded, size_t at_least) {
  const auto document = JsonDocument::read(data_path(recorded));
  ASSERT_TRUE(document) << document.error().message();
  const Json root = document->root();
  std::vector<Json> replacements, results;
  for (Json value : root["replacements"].items()) replacements.push_back(value);
  for (Json value : root["results"].items()) results.push_back(value);
  size_t equal = 0, wrong = 0, number = 0;
  const TokenizerFolder folder;
  for (Json row : root["cases"].items()) {
    const std::string base(row.at(0)->string().value());
    const Json replaced = replacements[row.at(1)->unsigned_integer().value()];
    const Json result = results[row.at(2)->unsigned_integer().value()];
    if (result.is_string()) continue;  // `transformers` gave an error
    if (number++ % testing::kEvery != 0) continue;
    std::vector<std::string> written;
    for (const auto file : row.at(3)->fields()) {
      folder.write(std::string(file.key), file.value.minified());
      written.emplace_back(file.key);
    }
    write_base(folder, base, root["bases"][base], replaced);
    const auto tokenizer = open_folder(folder.path());
    std::string fault = tokenizer ? "" : tokenizer.error().message();
    if (tokenizer && tokenizer->size() != result.at(0)->unsigned_integer().value())
      fault = "size " + std::to_string(tokenizer->size()) + ", not " + result.at(0).value().minified();
    size_t i = 0;
    if (fault.empty())
      for (Json text : root["texts"][base].items()) {
        const auto ids = tokenizer->encode(text.string().value());
        const std::vector<int32_t> expected = integers(result.at(++i).value());
        if (ids && *ids == expected) continue;
        fault = "text " + std::string(text.string().value()) + ": " + ::testing::PrintToString(*ids) + ", not " +
                ::testing::PrintToString(expected);
        break;
      }
    if (fault.empty())
      ++equal;
    else if (++wrong <= 10)
      ADD_FAILURE() << row.minified() << "\n" << replaced.minified() << "\n" << fault;
    for (const std::string& name : written) std::filesystem::remove(folder / name);
    for (const char* name :
         {"tokenizer.json", "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "sentencepiece.bpe.model"})
      std::filesystem::remove(folder / name);
  }
  EXPECT_EQ(wrong, 0u) << "of " << equal + wrong;
  EXPECT_GE(equal, at_least / testing::kEvery);
}

TEST(RecordedSettings, EqualInEveryFolder) { hold_recorded("settings.json", 8000); }
TEST(RecordedSettings, EqualOverVocabularyFilesAlone) { hold_recorded("settings_files.json", 200); }

}  // namespace
}  // namespace lstar
