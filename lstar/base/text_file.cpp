#include "lstar/base/text_file.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/file_magic.h"
#include "lstar/base/text.h"

namespace lstar {
namespace {

using namespace std::string_view_literals;

// Text may open with a signature of a few plain letters, or hold it further on; then what follows says that it is text.
bool is_text_all_the_same(const FileMagic& magic, std::string_view content) {
  const auto is_letter = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; };
  if (!std::all_of(magic.bytes.begin(), magic.bytes.end(), is_letter)) return false;
  if (magic.at == 0 && magic.bytes.size() >= 5) return false;  // "%PDF-", "{\rtf", the pointers
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && std::string_view("\t\n\v\f\r\x1b").find(c) == std::string_view::npos;
  };
  const std::string_view head = content.substr(0, 4096);
  return std::none_of(head.begin(), head.end(), is_control) && is_utf8(content);
}

bool holds(std::string_view content, std::string_view name) { return content.find(name) != std::string_view::npos; }

// A ZIP archive by what is in it: names of entries stand in it as they are.
std::string_view archive(std::string_view content) {
  if (holds(content, "word/document.xml")) return "a Word document (docx); save it as plain text";
  if (holds(content, "xl/workbook.xml")) return "an Excel workbook (xlsx); save its sheet as CSV";
  if (holds(content, "opendocument")) return "an OpenDocument file (odt, ods); save it as plain text or CSV";
  if (holds(content, "ppt/presentation.xml")) return "a presentation (pptx); save its text";
  if (holds(content, "application/epub")) return "an EPUB book; save its text";
  if (holds(content, "/data.pkl")) return "a PyTorch file; write its texts as JSON Lines";
  if (holds(content, ".npy")) return "a numpy archive (npz); write its array as JSON (array.tolist())";
  return "a ZIP archive; unzip it first";
}

std::string sentence(const FileMagic& magic, std::string_view content) {
  if (magic.id == "zip") return std::string(archive(content));
  return magic.as_text.empty() ? std::string(magic.what) : fmt::format("{}; {}", magic.what, magic.as_text);
}

std::string_view wide_characters(std::string_view content) {
  constexpr std::string_view utf16 = "UTF-16; iconv -f utf-16 -t utf-8", utf32 = "UTF-32; iconv -f utf-32 -t utf-8";
  if (content.starts_with("\xff\xfe\0\0"sv) || content.starts_with("\0\0\xfe\xff"sv)) return utf32;
  if (content.starts_with("\xff\xfe"sv) || content.starts_with("\xfe\xff"sv)) return utf16;
  // Without a mark: letters of our alphabet leave every second byte, or three of four, zero.
  const std::string_view head = content.substr(0, 4096);
  std::array<size_t, 4> zeros{};
  for (size_t i = 0; i < head.size(); ++i) zeros[i % 4] += head[i] == '\0';
  const size_t most = head.size() / 4 * 3 / 4;
  if (most == 0) return {};
  const auto many = [&](size_t i) { return zeros[i] > most; };
  if (many(1) && many(2) && many(3) && !many(0)) return "UTF-32; iconv -f utf-32le -t utf-8";
  if (many(0) && many(1) && many(2) && !many(3)) return "UTF-32; iconv -f utf-32be -t utf-8";
  if (many(1) && many(3) && !many(0) && !many(2)) return "UTF-16; iconv -f utf-16le -t utf-8";
  if (many(0) && many(2) && !many(1) && !many(3)) return "UTF-16; iconv -f utf-16be -t utf-8";
  return {};
}

// Where the first character that is not UTF-8 begins.
size_t first_malformed(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const DecodedCharacter character = first_character(text.substr(i));
    if (!character.valid) break;
    i += character.bytes;
  }
  return i;
}

// Whether a malformed text ends before its first character does.
bool is_cut_short(std::string_view text) {
  return static_cast<unsigned char>(text[0]) >= 0xc2 && first_character(text).bytes == text.size();
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, size_t limit) {
  LSTAR_ASSIGN(std::string content, read_file(path, limit));
  LSTAR_TRY(check_text(content, path));
  return content;
}

Result<void> check_text(std::string_view content, const std::string& source) {
  if (const std::string_view wide = wide_characters(content); !wide.empty())
    return fail({.kind = ErrorKind::unsupported, .what = fmt::format("not UTF-8 but {}", wide), .file = source});
  for (const FileMagic& magic : file_magics())
    if (magic.fits(content) && !is_text_all_the_same(magic, content))
      return fail({.kind = magic.id == "git lfs pointer" ? ErrorKind::missing : ErrorKind::unsupported,
                   .what = fmt::format("not text but {}", sentence(magic, content)),
                   .file = source});
  if (const size_t nul = content.find('\0'); nul != std::string_view::npos)
    return fail({.what = "not text: a NUL", .file = source, .at = fmt::format("byte {}", nul)});
  return check_utf8(content, source);
}

Result<void> check_utf8(std::string_view content, const std::string& source) {
  if (is_utf8(content)) return {};
  const size_t at = first_malformed(content);
  const auto byte = static_cast<unsigned char>(content[at]);
  const auto refuse = [&](std::string_view why) {
    return fail({.what = fmt::format("not UTF-8 at byte {}: {}", at, why),
                 .file = source,
                 .found = fmt::format("0x{:02x}", byte)});
  };
  if (is_cut_short(content.substr(at))) return refuse("it ends in the middle of a character; was it cut?");
  if (content.substr(at).starts_with('\xed') && at + 1 < content.size() &&
      static_cast<unsigned char>(content[at + 1]) >= 0xa0)
    return refuse("half of a surrogate pair, which UTF-8 has no bytes for; write it anew with errors=\"replace\"");
  // Windows writes quotation marks and dashes where Latin-1 has control characters.
  const bool windows = std::any_of(content.begin(), content.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 && static_cast<unsigned char>(c) < 0xa0;
  });
  return refuse(windows ? "if it is Windows-1252, iconv -f windows-1252 -t utf-8"
                        : "if it is Latin-1, iconv -f latin1 -t utf-8");
}

std::string_view next_line(std::string_view& rest) {
  const size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end);
  if (rest.starts_with("\r\n"))
    rest.remove_prefix(2);
  else if (!rest.empty())
    rest.remove_prefix(1);
  return line;
}

bool is_blank(std::string_view text) {
  constexpr std::array<std::string_view, 13> spaces{
      " ",        "\t",           "\v",           "\f",           "\r",           "\n",          "\xc2\x85",
      "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f"};
  while (!text.empty()) {
    if (text.starts_with("\xe2\x80") && text.size() >= 3 && static_cast<unsigned char>(text[2]) <= 0x8a) {
      text.remove_prefix(3);  // U+2000 to U+200A
      continue;
    }
    const auto found =
        std::find_if(spaces.begin(), spaces.end(), [&](std::string_view space) { return text.starts_with(space); });
    if (found == spaces.end()) return false;
    text.remove_prefix(found->size());
  }
  return true;
}

}  // namespace lstar
