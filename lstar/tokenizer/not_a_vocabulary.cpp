#include "lstar/tokenizer/not_a_vocabulary.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include <fmt/format.h>

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

bool is_web_page(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string start(text.substr(0, 14));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return start.starts_with("<!doctype html") || start.starts_with("<html");
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
  const std::string start = error.file.empty() ? "" : start_of(error.file);
  const auto say = [&](std::string what) { return Error{.what = std::move(what), .file = error.file}; };
  if (start.starts_with("version https://git-lfs"))
    return say("a pointer of Git LFS, not the file itself: run git lfs pull, or hf download");
  if (is_web_page(start)) return say("a web page, not the file itself: download it again, by hf download");
  if (is_tiktoken(start)) return say(fmt::format("tiktoken's ranks, not SentencePiece: {}", kPutBeside));
  return error;
}

std::string unread_vocabulary(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name == "tekken.json" || name == "tiktoken.model" || name.ends_with(".tiktoken") || name.ends_with(".spm") ||
        name == "spiece.model" || name == "sentencepiece.bpe.model" || name == "bpe.codes")
      found.push_back(name);
  }
  if (found.empty()) return {};
  return fmt::format("{}, which is not read: {}", *std::min_element(found.begin(), found.end()), kPutBeside);
}

}  // namespace lstar
