#include "lstar/tokenizer/files/not_a_vocabulary.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "lstar/base/walk_folder.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPutBeside = "put the model's tokenizer.json beside it";

std::string start_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  std::array<char, 512> bytes{};
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), bytes.size());
  return {bytes.data(), static_cast<size_t>(file.gcount())};
}

// "IQ== 0": a piece in base64 and its rank.
bool is_tiktoken(std::string_view text) {
  constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  for (int line = 0; line < 2; ++line) {
    const size_t space = text.find_first_not_of(kBase64);
    if (space == 0 || space == std::string_view::npos || text[space] != ' ' || space % 4 != 0) return false;
    const size_t end = text.find_first_not_of("0123456789", space + 1);
    if (end == space + 1 || end == std::string_view::npos || (text[end] != '\n' && text[end] != '\r')) return false;
    text.remove_prefix(std::min(text.find('\n', end), text.size() - 1) + 1);
  }
  return true;
}

}  // namespace

Error explained_vocabulary(Error error) {
  if (!error.file.empty() && is_tiktoken(start_of(error.file)))
    return {.kind = ErrorKind::unsupported,
            .what = fmt::format("tiktoken's ranks, not SentencePiece: {}", kPutBeside),
            .file = std::move(error.file)};
  return error;
}

std::string unread_vocabulary(const std::string& folder) {
  std::vector<std::string> found;
  walk_folder(folder, [&](const FolderEntry& entry) {
    const std::string_view name = entry.name;
    if (name == "tekken.json" || name == "tiktoken.model" || name.ends_with(".tiktoken") || name.ends_with(".spm") ||
        name == "spiece.model" || name == "sentencepiece.bpe.model" || name == "bpe.codes")
      found.emplace_back(name);
    return true;
  });
  if (found.empty()) return {};
  return fmt::format("{}, which is not read: {}", *std::min_element(found.begin(), found.end()), kPutBeside);
}

}  // namespace lstar
