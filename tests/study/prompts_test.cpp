#include "lstar/study/prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "lstar/base/atomic_file.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

// Prompts on one line each: texts in single quotes, ids between brackets, an id (a number bare) before a colon; then
// what they were read as. Or the error.
std::string shown(const Result<PromptFile>& file) {
  if (!file) return fmt::format("error: {}", file.error().message());
  std::string out;
  for (const Prompt& prompt : file->prompts) {
    if (!out.empty()) out += ' ';
    if (prompt.id) out += fmt::format("{0}{1}{0}:", prompt.id->is_number ? "" : "\"", prompt.id->text);
    if (prompt.text) out += fmt::format("'{}'", *prompt.text);
    for (size_t i = 0; i < prompt.ids.size(); ++i) out += fmt::format("{}{}", i ? "," : "[", prompt.ids[i]);
    if (!prompt.ids.empty()) out += ']';
  }
  return out + " | " + file->format;
}

std::string shown(const std::string& content, const std::string& name) { return shown(parse_prompts(content, name)); }

struct Row {
  std::string name, content, expected;
};

void expect(const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(shown(row.content, row.name), row.expected) << row.name << ": " << row.content;
}

TEST(Prompts, PlainText) {
  expect({
      {"p.txt", "one\n two \nthree", "'one' ' two ' 'three' | lines of text"},
      {"p.txt", "one\r\ntwo\r\n", "'one' 'two' | lines of text"},
      {"p.txt", "one\rtwo\r", "'one' 'two' | lines of text"},  // as an old Mac wrote it
      {"p", "\xef\xbb\xbfone\n", "'one' | lines of text"},
      {"p.txt", "one\n \t\n\xc2\xa0\n\xe3\x80\x80\n\ntwo", "'one' 'two' | lines of text"},
      {"p.txt", "{x | x > 0}\n[see below]\n\"So,\" she said\n42",
       "'{x | x > 0}' '[see below]' '\"So,\" she said' '42' | lines of text"},
      {"p.txt", "{\"a\", \"b\"} is a set", "'{\"a\", \"b\"} is a set' | lines of text"},
      {"p.txt", " \n\n", "error: p.txt: no prompts"},
      {"p.txt", "", "error: p.txt: no prompts"},
      {"README.md", "# one", "'# one' | lines of text"},
  });
}

TEST(Prompts, JsonWhateverTheName) {
  for (const std::string name : {"p.json", "p.jsonl", "p.NDJSON", "p.txt", "p", "-"})
    expect({
        {name, "[\"one\", \"two\"]", "'one' 'two' | JSON"},
        {name, "[\n  \"one\",\n  {\"prompt\": \"two\", \"id\": \"b\"},\n  [5, 6]\n]", "'one' \"b\":'two' [5,6] | JSON"},
        {name, "[[1, 2], [3]]", "[1,2] [3] | JSON"},
        {name, "[{\"text\": \"a\", \"id\": 7}, {\"input_ids\": [1, 2], \"id\": -0.5}]", "7:'a' -0.5:[1,2] | JSON"},
        {name, "{\n\"prompts\": [\"one\", {\"text\": \"two\"}]}", "'one' 'two' | JSON"},
        {name, "{\"text\": [\"one\", \"two\"], \"id\": [1, \"b\"]}", "1:'one' \"b\":'two' | JSON"},
        {name, "{\"text\": {\"0\": \"one\", \"1\": \"two\"}}", "'one' 'two' | JSON"},
        {name, "{\"prompt\": [5, 6]}", "[5,6] | JSON"},
        {name, "{\"data\": [{\"prompt\": \"one\"}]}", "'one' | JSON"},
        {name, "{\"text\": \"one\\ntwo\"}\n", "'one\ntwo' | JSON"},
        {name, "{\"text\": \"one\"}\n\n{\"prompt\": \"two\"}\n", "'one' 'two' | JSON Lines"},
        {name, "\"one\"\r\n\"two \\u00e9\"\r\n", "'one' 'two é' | JSON Lines"},
        {name, "[5, 6]\n{\"token_ids\": [7]}\n\"x\"", "[5,6] [7] 'x' | JSON Lines"},
        {name, "{\"text\": \"one\", \"token_ids\": []}", "'one' | JSON"},
        {name, "{\"text\": null, \"token_ids\": [4]}", "[4] | JSON"},
        {name, "{\"text\": \"a\", \"id\": 123456789012345678901234567890}",
         "123456789012345678901234567890:'a' | JSON"},
        {name, "{\"text\": \"a\", \"id\": NaN}", "\"NaN\":'a' | JSON"},
        // What pandas, tokenizers and the hub's viewer of datasets write.
        {name, "{\"columns\": [\"id\", \"text\"], \"index\": [0, 1], \"data\": [[7, \"one\"], [null, \"two\"]]}",
         "7:'one' 'two' | JSON"},
        {name, "{\"0\": {\"text\": \"one\", \"id\": 4}, \"1\": {\"text\": \"two\"}}", "4:'one' 'two' | JSON"},
        {name, "{\"rows\": [{\"row_idx\": 0, \"row\": {\"text\": \"one\"}, \"truncated_cells\": []}]}", "'one' | JSON"},
        {name, "{\"input_ids\": [[1, 2], [3]], \"attention_mask\": [[1, 1], [1]]}", "[1,2] [3] | JSON"},
        {name, "{\"input_ids\": [[1, 2]]}\n{\"input_ids\": [3]}", "[1,2] [3] | JSON Lines"},
    });
}

TEST(Prompts, MixedLinesOfText) {
  expect({{"p.txt", "one\n{\"text\": \"two\"}\n{\"token_ids\": [5, 6]}\n{y}",
           "'one' 'two' [5,6] '{y}' | lines of text and of JSON"},
          {"p.txt", "one\n{\"txt\": \"two\"}",
           "error: p.txt: line 2: no prompt in this object: expected \"text\" or \"token_ids\""}});
  EXPECT_THAT(shown("one\n{\"text\": \"two}\n", "p.txt"), HasSubstr("error: p.txt: line 2: not valid JSON"));
}

TEST(Prompts, JsonThatHoldsNoPrompt) {
  const std::string chat = "chat turns; apply the chat template and pass its text";
  expect({
      {"p.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}", "error: p.jsonl: messages: " + chat},
      {"p.jsonl", "\"one\"\n{\"messages\": []}", "error: p.jsonl: line 2: messages: " + chat},
      {"p.txt", "{\"conversations\": [{\"from\": \"human\", \"value\": \"hi\"}]}",
       "error: p.txt: conversations: " + chat},
      {"p.json", "[{\"role\": \"user\", \"content\": \"hi\"}]", "error: p.json: " + chat},
      {"p.json", "[[{\"role\": \"user\", \"content\": \"hi\"}]]", "error: p.json: item 1: " + chat},
      {"p.jsonl", "{\"prompt\": [{\"role\": \"user\", \"content\": \"hi\"}]}", "error: p.jsonl: prompt: " + chat},
      {"p.jsonl", "{\"text\": 5}", "error: p.jsonl: text is not a text: found 5"},
      {"p.jsonl", "5\n6",
       "error: p.jsonl: line 1: not a prompt: expected a text, a list of token ids, or an object, found 5"},
      {"p.jsonl", "{\"text\": \"a\", \"prompt\": \"b\"}", "error: p.jsonl: both text and prompt: expected one of them"},
      {"p.jsonl", "{\"text\": \"a\", \"input_ids\": [1]}",
       "error: p.jsonl: both text and input_ids: expected one of them"},
      {"p.jsonl", "\"a\"\n{\"token_ids\": [-1]}", "error: p.jsonl: line 2: not a token id: found -1"},
      {"p.jsonl", "{\"token_ids\": []}", "error: p.jsonl: no token ids"},
      {"p.jsonl", "\"a\"\n[\"b\"]", "error: p.jsonl: line 2: not a token id: found \"b\""},
      {"p.jsonl", "{\"text\": \"a\", \"id\": [1]}", "error: p.jsonl: id is neither a text nor a number: found [1]"},
      {"p.json", "[]", "error: p.json: no prompts"},
      {"p.jsonl", "\"a\"\n{\"text\": \"a\\ud800b\"}",
       "error: p.jsonl: line 2: text holds half of a surrogate pair, which no UTF-8 text does"},
      {"p.jsonl", "\"\\ud800\"", "error: p.jsonl: holds half of a surrogate pair, which no UTF-8 text does"},
      {"p.jsonl", "{\"text\": 123456789012345678901234567890}",
       "error: p.jsonl: text is not a text: found 123456789012345678901234567890"},
      {"p.jsonl", "{\"text\": NaN}", "error: p.jsonl: text is not a text: found NaN"},
      {"p.jsonl", "[5, 123456789012345678901234567890]",
       "error: p.jsonl: not a token id: found 123456789012345678901234567890"},
      {"p.json", "{\"question\": \"a\", \"answer\": \"b\"}",
       "error: p.json: no prompts in this object: expected \"text\" or \"token_ids\", or a list of prompts under "
       "\"prompts\", found question, answer"},
      {"p.json", "{\"input_ids\": [[1, 2], [3, 0]], \"attention_mask\": [[1, 1], [1, 0]]}",
       "error: p.json: attention_mask leaves tokens out; give the ids without their padding"},
      {"p.jsonl", "\"a\"\n{\"input_ids\": [0, 3], \"attention_mask\": [0, 1]}",
       "error: p.jsonl: line 2: attention_mask leaves tokens out; give the ids without their padding"},
      {"p.json", "{\"columns\": [\"id\", \"text\"], \"data\": [[7, \"one\"], [8]]}",
       "error: p.json: item 2: cells: expected 2, as in columns, found 1"},
      {"p.json", "{\"columns\": [\"id\", \"question\"], \"data\": [[7, \"one\"]]}",
       "error: p.json: no prompts in this table: expected \"text\" or \"token_ids\", found [\"id\",\"question\"]"},
      {"p.json", "{\"text\": [\"a\"], \"id\": [1, 2]}",
       "error: p.json: key id: columns of different lengths: expected 1, as in text, found 2"},
  });
  EXPECT_THAT(
      shown("Once upon a time", "p.json"),
      HasSubstr(
          "error: p.json: line 1, column 1: not valid JSON: expected a JSON document, or a JSON value on each line"));
  EXPECT_THAT(shown("\"a\"\nb\n", "p.jsonl"), HasSubstr("error: p.jsonl: line 2: not valid JSON"));
}

TEST(Prompts, Tables) {
  expect({
      {"p.csv", "text\none\ntwo\n", "'one' 'two' | CSV, column text"},
      {"p.csv", "id,prompt,label\n007,one,0\nb,\"two, \"\"three\"\"\nfour\",1\n",
       "\"007\":'one' \"b\":'two, \"three\"\nfour' | CSV, column prompt"},
      {"p.CSV", "\xef\xbb\xbfid,Text \r\n1,one\r\n\r\n2,two\r\n", "\"1\":'one' \"2\":'two' | CSV, column text"},
      {"p.csv", "text\rone\rtwo\r", "'one' 'two' | CSV, column text"},
      {"p.csv", "id;text\n1;one, two\n", "\"1\":'one, two' | CSV, column text"},
      {"p.csv", "sep=;\nid;text\n1;one\n", "\"1\":'one' | CSV, column text"},
      {"p.csv", "sep=;\nid;text\n1;one\n2\n", "error: p.csv: line 4: cells: expected 2, as in the header, found 1"},
      {"p.csv", "sep=;\nid;txt\n", "error: p.csv: line 2: no column text, prompt or token_ids; found id, txt"},
      {"p.tsv", "id\ttext\n1\tone, two\n2\t\"three\tfour\"\n3\t\"So,\" she said\n",
       "\"1\":'one, two' \"2\":'three\tfour' \"3\":'\"So,\" she said' | TSV, column text"},
      {"p.csv", "text,id\none,\n,\n", "'one' | CSV, column text"},
      {"p.csv", "id,token_ids\n1,\"[5, 17]\"\n2,[5 17]\n3,5 17 \n4,6\n",
       "\"1\":[5,17] \"2\":[5,17] \"3\":[5,17] \"4\":[6] | CSV, column token_ids"},
      {"p.csv", "input_ids\n[5 x]\n", "error: p.csv: line 2: not a token id: found x"},
      {"p.csv", "id,input_ids\n1,\n", "error: p.csv: line 2: no token ids"},
      {"p.csv", "text,input_ids\na,5\n", "error: p.csv: line 1: columns text and input_ids, of which one is wanted"},
      {"p.csv", "id,question\n1,one\n",
       "error: p.csv: line 1: no column text, prompt or token_ids; found id, question"},
      {"p.csv", "text,prompt\na,b\n", "error: p.csv: line 1: columns text and prompt, of which one is wanted"},
      {"p.csv", "id,messages\n1,x\n",
       "error: p.csv: line 1: column messages: chat turns; apply the chat template and pass its text"},
      {"p.csv", "id,text\n1,one, two\n",
       "error: p.csv: line 2: cells: expected 2, as in the header, found 3; a text with the delimiter in it stands in "
       "quotes"},
      {"p.csv", "id,text\n1,\"a\nb\"\n2\n", "error: p.csv: line 4: cells: expected 2, as in the header, found 1"},
      {"p.csv", "text\n\"one\n",
       "error: p.csv: line 2: a quoted cell is not closed, or text follows its closing quote: expected \"...\" with "
       "\"\" for a quote inside"},
      {"p.csv", "text\n", "error: p.csv: no prompts"},
      // Where the name does not say so: a header of plain names, one of them a prompt's.
      {"-", "id,text\n1,one\n", "\"1\":'one' | CSV, column text"},
      {"p.txt", "id\tprompt\n1\tone\n", "\"1\":'one' | TSV, column prompt"},
      {"p.txt", "The prompt, text\nor not", "'The prompt, text' 'or not' | lines of text"},
  });
}

TEST(Prompts, OtherFormatsAreNamed) {
  const std::string gzip = "\x1f\x8b\x08\0\0"s;
  expect({
      {"p.parquet", "PAR1\x15\x04\0PAR1"s,
       "error: p.parquet: not text but a Parquet file; write its column as JSON Lines"},
      {"p.arrow", "ARROW1\0\0\xff\xff\xff\xff"s,
       "error: p.arrow: not text but an Arrow (Feather) file; write its column as JSON Lines"},
      {"p.arrow", "\xff\xff\xff\xff\x10\0"s,
       "error: p.arrow: not text but an Arrow stream; write its column as JSON Lines"},
      {"p.jsonl", gzip, "error: p.jsonl: not text but compressed by gzip; zcat it first"},
      {"p.txt", "\xff\xfeo\0n\0"s, "error: p.txt: not UTF-8 but UTF-16; iconv -f utf-16 -t utf-8"},
      {"p.csv", "\xfe\xff\0o\0n"s, "error: p.csv: not UTF-8 but UTF-16; iconv -f utf-16 -t utf-8"},
      {"p.txt", "o\0n\0e\0 \0t\0w\0o\0\n\0"s, "error: p.txt: not UTF-8 but UTF-16; iconv -f utf-16le -t utf-8"},
      {"p.txt", "\xff\xfe\0\0o\0\0\0"s, "error: p.txt: not UTF-8 but UTF-32; iconv -f utf-32 -t utf-8"},
      {"p.txt", "caf\xe9\n",
       "error: p.txt: not UTF-8 at byte 3: if it is Latin-1, iconv -f latin1 -t utf-8: found 0xe9"},
      {"p.txt", "\x93quoted\x94",
       "error: p.txt: not UTF-8 at byte 0: if it is Windows-1252, iconv -f windows-1252 -t utf-8: found 0x93"},
      {"p.txt", "ab\xe4\xb8",
       "error: p.txt: not UTF-8 at byte 2: it ends in the middle of a character; was it cut?: found 0xe4"},
      {"p.txt", "a\xed\xa0\x80 b",
       "error: p.txt: not UTF-8 at byte 1: half of a surrogate pair, which UTF-8 has no bytes for; write it anew with "
       "errors=\"replace\": found 0xed"},
      {"p.txt", "é\xc3(", "error: p.txt: not UTF-8 at byte 2: if it is Latin-1, iconv -f latin1 -t utf-8: found 0xc3"},
      {"p.txt", "one\0two"s, "error: p.txt: byte 3: not text: a NUL"},
      {"p.pdf", "%PDF-1.7\n", "error: p.pdf: not text but a PDF document; save its text (pdftotext)"},
      {"p.docx", "PK\x03\x04\0\0word/document.xml"s,
       "error: p.docx: not text but a Word document (docx); save it as plain text"},
      {"p.xlsx", "PK\x03\x04\0\0xl/workbook.xml"s,
       "error: p.xlsx: not text but an Excel workbook (xlsx); save its sheet as CSV"},
      {"p.npz", "PK\x03\x04\0\0text.npy"s,
       "error: p.npz: not text but a numpy archive (npz); write its array as JSON (array.tolist())"},
      {"p.zip", "PK\x03\x04\0\0"s, "error: p.zip: not text but a ZIP archive; unzip it first"},
      {"p.pkl", "\x80\x04]\x94."s, "error: p.pkl: not text but a pickle; write its texts as JSON Lines"},
      {"p.html", "<!DOCTYPE html>\n<html>", "error: p.html: an HTML page; save its text"},
      {"p.yaml", "- one\n", "error: p.yaml: YAML is not read; write its texts as JSON Lines"},
      {"p.toml", "a = 1\n", "error: p.toml: a study's manifest; it goes behind --manifest"},
      // Text that opens with letters of a signature is text.
      {"p.txt", "PAR1 is a word", "'PAR1 is a word' | lines of text"},
      {"p.txt", "BZh, she said", "'BZh, she said' | lines of text"},
      {"p.txt", "GIF89a", "'GIF89a' | lines of text"},
  });
}

TEST(Prompts, AFolderAndAMissingFile) {
  testing::TemporaryFolder folder;
  EXPECT_EQ(shown(read_prompt_file(folder / "no.txt")),
            "error: " + (folder / "no.txt") + ": cannot be read: No such file or directory");
  EXPECT_EQ(shown(read_prompt_file(folder.path())), "error: " + folder.path() + ": cannot be read: Is a directory");
}

}  // namespace
}  // namespace lstar
