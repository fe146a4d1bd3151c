#include "lstar/base/text_file.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <simdjson.h>

#include "lstar/base/atomic_file.h"

namespace lstar {
namespace {

using namespace std::string_view_literals;

constexpr auto kOtherFormats = std::to_array<OtherFormat>({
    // Tables
    {"PAR1"sv, 0, "a Parquet file; write its column as JSON Lines"},
    {"PARE"sv, 0, "an encrypted Parquet file; write its column as JSON Lines"},
    {"ARROW1\0\0"sv, 0, "an Arrow (Feather) file; write its column as JSON Lines"},
    {"FEA1"sv, 0, "a Feather file; write its column as JSON Lines"},
    {"\xff\xff\xff\xff"sv, 0, "an Arrow stream; write its column as JSON Lines"},
    {"ORC"sv, 0, "an ORC file; write its column as JSON Lines"},
    {"Obj\x01"sv, 0, "an Avro file; write its field as JSON Lines"},
    {"SQLite format 3\0"sv, 0, "an SQLite database; write its column as JSON Lines or CSV"},
    {"DUCK"sv, 8, "a DuckDB database; write its column as JSON Lines or CSV"},
    {"\x89HDF\r\n\x1a\n"sv, 0, "an HDF5 file; write its column as JSON Lines"},
    {"\x93NUMPY"sv, 0, "a numpy array; write it as JSON (array.tolist()) or text (numpy.savetxt)"},
    // Compressed and packed
    {"\x1f\x8b"sv, 0, "compressed by gzip; zcat it first"},
    {"\x1f\x9d"sv, 0, "compressed by compress; zcat it first"},
    {"\x28\xb5\x2f\xfd"sv, 0, "compressed by zstd; zstdcat it first"},
    {"\xfd\x37zXZ\0"sv, 0, "compressed by xz; xzcat it first"},
    {"\x5d\0\0"sv, 0, "compressed by lzma; xzcat --format=lzma it first"},
    {"BZh"sv, 0, "compressed by bzip2; bzcat it first"},
    {"\x04\x22\x4d\x18"sv, 0, "compressed by lz4; lz4cat it first"},
    {"\xff\x06\0\0sNaPpY"sv, 0, "compressed by snappy; decompress it first"},
    {"PK\x05\x06"sv, 0, "an empty ZIP archive"},
    {"7z\xbc\xaf\x27\x1c"sv, 0, "a 7-Zip archive; unpack it first"},
    {"Rar!\x1a\x07"sv, 0, "a RAR archive; unpack it first"},
    {"ustar"sv, 257, "a tar archive; unpack it first"},
    // Documents
    {"%PDF-"sv, 0, "a PDF document; save its text (pdftotext)"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, 0, "an old Office document (doc, xls); save it as text or CSV"},
    {"{\\rtf"sv, 0, "an RTF document; save it as plain text"},
    {"%!PS"sv, 0, "a PostScript document; save its text (ps2ascii)"},
    // Images, sound, programs
    {"\x89PNG"sv, 0, "a PNG image"},
    {"\xff\xd8\xff"sv, 0, "a JPEG image"},
    {"GIF8"sv, 0, "a GIF image"},
    {"WEBP"sv, 8, "a WebP image"},
    {"WAVE"sv, 8, "a WAV recording"},
    {"II*\0"sv, 0, "a TIFF image"},
    {"MM\0*"sv, 0, "a TIFF image"},
    {"ftyp"sv, 4, "a video, a recording or a HEIF image"},
    {"ID3"sv, 0, "an MP3 recording"},
    {"OggS"sv, 0, "an Ogg recording"},
    {"fLaC"sv, 0, "a FLAC recording"},
    {"\x7f"
     "ELF"sv,
     0, "a program"},
    // Models and pointers to what is elsewhere
    {"GGUF"sv, 0, "a GGUF model; it is a MODEL"},
    {"{\""sv, 8, "a safetensors file; it is part of a MODEL"},  // behind its length, which holds a NUL
    {"version https://git-lfs.github.com/spec/"sv, 0, "a pointer of git-lfs, not the file; git lfs pull"},
});

// Text may open with a signature of a few plain letters; then what follows says that it is text.
bool is_text_all_the_same(const OtherFormat& format, std::string_view content) {
  const auto is_letter = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; };
  if (!std::all_of(format.bytes.begin(), format.bytes.end(), is_letter)) return false;
  if (format.bytes.size() >= 5) return false;  // "%PDF-", "{\rtf", the pointer
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && std::string_view("\t\n\v\f\r\x1b").find(c) == std::string_view::npos;
  };
  const std::string_view head = content.substr(0, 4096);
  return std::none_of(head.begin(), head.end(), is_control) && simdjson::validate_utf8(content.data(), content.size());
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

// A pickle opens with its protocol and closes with a full stop.
bool is_pickle(std::string_view content) {
  return content.size() > 2 && content[0] == '\x80' && content[1] >= 2 && content[1] <= 5 && content.back() == '.';
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
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (i + length > text.size() || !simdjson::validate_utf8(text.data() + i, length)) return i;
    i += length;
  }
  return i;
}

}  // namespace

std::span<const OtherFormat> other_formats() { return kOtherFormats; }

Result<std::string> read_text_file(const std::string& path, size_t limit) {
  LSTAR_ASSIGN(std::string content, read_file(path, limit));
  LSTAR_TRY(check_text(content, path));
  return content;
}

Result<void> check_text(std::string_view content, const std::string& source) {
  const auto refuse = [&](std::string_view what) {
    return fail({.what = fmt::format("not text but {}", what), .file = source});
  };
  if (const std::string_view wide = wide_characters(content); !wide.empty())
    return fail({.what = fmt::format("not UTF-8 but {}", wide), .file = source});
  if (content.starts_with("PK\x03\x04")) return refuse(archive(content));
  for (const OtherFormat& format : kOtherFormats)
    if (content.size() >= format.at && content.substr(format.at).starts_with(format.bytes) &&
        !is_text_all_the_same(format, content))
      return refuse(format.what);
  if (is_pickle(content)) return refuse("a pickle; write its texts as JSON Lines");
  if (const size_t nul = content.find('\0'); nul != std::string_view::npos)
    return fail({.what = "not text: a NUL", .file = source, .at = fmt::format("byte {}", nul)});
  if (simdjson::validate_utf8(content.data(), content.size())) return {};
  const size_t at = first_malformed(content);
  const auto byte = static_cast<unsigned char>(content[at]);
  // Windows writes quotation marks and dashes where Latin-1 has control characters.
  const bool windows = std::any_of(content.begin(), content.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 && static_cast<unsigned char>(c) < 0xa0;
  });
  return fail({.what = fmt::format(
                   "not UTF-8 at byte {}: if it is {}", at,
                   windows ? "Windows-1252, iconv -f windows-1252 -t utf-8" : "Latin-1, iconv -f latin1 -t utf-8"),
               .file = source,
               .found = fmt::format("0x{:02x}", byte)});
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
