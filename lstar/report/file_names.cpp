#include "lstar/report/file_names.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "lstar/base/atomic_file.h"

namespace lstar {
namespace {

// A timestamp may be any text; in a file's name it keeps what is harmless there.
std::string for_file_name(std::string text) {
  for (char& c : text) {
    const bool harmless = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                          c == '-' || c == '.' || c == '+';
    if (!harmless) c = '_';
  }
  return text;
}

}  // namespace

FileNames::FileNames(std::string folder, const std::string& timestamp, std::vector<std::string_view> stems)
    : folder_(std::move(folder)), timestamp_(for_file_name(timestamp)), stems_(std::move(stems)) {}

std::string FileNames::path(std::string_view stem, std::string_view extension) const {
  const std::string number = number_ == 1 ? "" : fmt::format("_{}", number_);
  return (std::filesystem::path(folder_) / fmt::format("{}_{}{}.{}", stem, timestamp_, number, extension)).string();
}

bool FileNames::is_taken() const {
  std::error_code ignored;
  for (const char* extension : {"csv", "png", "svg", "pdf"})
    for (const std::string_view stem : stems_)
      if (std::filesystem::exists(path(stem, extension), ignored)) return true;
  return false;
}

Result<void> FileNames::claim(const std::string& content) {
  constexpr int kMost = 10'000;  // runs of one second, or under one --deterministic-timestamp
  for (int i = 0; i < kMost; ++i, ++number_) {
    std::error_code ignored;
    if (std::filesystem::exists(json(), ignored)) {
      if (const auto there = read_file(json()); there && *there == content) return {};
      continue;
    }
    if (is_taken()) continue;
    LSTAR_ASSIGN(const bool is_new, write_new_file(json(), content));
    if (is_new) return {};
  }
  return fail({.kind = ErrorKind::unreachable, .what = "too many runs of one time here", .file = json()});
}

Result<std::string> FileNames::write(std::string_view stem, std::string_view extension,
                                     std::string_view content) const {
  std::string to = path(stem, extension);
  // A run that is made again leaves what it finds the same, and what it does not find needs no name on its way.
  LSTAR_ASSIGN(const bool is_new, write_new_file(to, content));
  if (const auto there = is_new ? Result<std::string>(content) : read_file(to); !there || *there != content)
    LSTAR_TRY(write_file(to, content));
  return to;
}

}  // namespace lstar
