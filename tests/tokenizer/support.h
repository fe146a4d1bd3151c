// What several tokenizer tests need.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/base/json.h"
#include "lstar/tokenizer/tokenizer.h"
#include "tests/support/temporary_folder.h"

namespace lstar::test {

inline std::string source_path(const std::string& path) { return std::string(LSTAR_SOURCE_DIR) + "/" + path; }
inline std::string data_path(const std::string& name) { return source_path("tests/data/tokenizer/" + name); }

inline std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The lines that were recorded: varied text of many scripts (tools/oracle/tokenizer_lines.py).
inline std::vector<std::string> recorded_lines() {
  std::string text(1, '[');
  text += file_bytes(data_path("lines.jsonl"));
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') text[i] = ',';  // within strings newlines are escaped
  text.back() = ']';
  const auto document = JsonDocument::parse(text, "lines.jsonl");
  EXPECT_TRUE(document) << document.error().message();
  std::vector<std::string> lines;
  for (Json line : document->root().items()) lines.emplace_back(line.string().value());
  return lines;
}

inline std::vector<int32_t> integers(Json list) {
  std::vector<int32_t> values;
  for (Json value : list.items()) values.push_back(static_cast<int32_t>(value.integer().value()));
  return values;
}

inline uint32_t hash_ids(const std::vector<int32_t>& ids) {
  uint32_t hash = 0x811c9dc5;  // FNV-1a over the little-endian bytes of the ids
  for (const int32_t id : ids)
    for (int shift = 0; shift < 32; shift += 8)
      hash = (hash ^ (static_cast<uint32_t>(id) >> shift & 0xff)) * 0x01000193;
  return hash;
}

// The recorded hash at a byte of a file; 0 past its end.
inline uint32_t hash_at(const std::string& hashes, size_t position) {
  uint32_t hash = 0;
  if (position + 4 <= hashes.size()) std::memcpy(&hash, hashes.data() + position, 4);
  return hash;
}

// A folder of a test's own, to be filled with a tokenizer's files.
class TokenizerFolder : public testing::TemporaryFolder {
 public:
  void write(const std::string& name, std::string_view content) const {
    std::ofstream(*this / name, std::ios::binary) << content;
  }
  void copy(const std::string& from) const {
    std::filesystem::copy_file(from, *this / std::filesystem::path(from).filename().string());
  }
};

inline Result<Tokenizer> open_folder(const std::string& folder) { return open_tokenizer({.folder = folder}); }

// A tokenizer.json of this text, or the message of its error with the folder's name taken out.
inline std::string error_of_json(const std::string& content) {
  const TokenizerFolder folder;
  folder.write("tokenizer.json", content);
  const auto tokenizer = open_folder(folder.path());
  if (tokenizer) return "no error";
  std::string message = tokenizer.error().message();
  if (const size_t at = message.find(folder.path() + "/"); at != std::string::npos)
    message.erase(at, folder.path().size() + 1);
  return message;
}

}  // namespace lstar::test
