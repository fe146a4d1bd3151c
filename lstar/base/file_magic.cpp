#include "lstar/base/file_magic.h"

#include <algorithm>
#include <array>

namespace lstar {
namespace {

using namespace std::string_view_literals;

constexpr FileGroup kTable = FileGroup::table, kPacked = FileGroup::packed, kUnsure = FileGroup::unsure,
                    kOther = FileGroup::other;
constexpr std::string_view kModel = "it is a MODEL", kColumn = "write its column as JSON Lines",
                           kUnpack = "unpack it first";

constexpr auto kMagics = std::to_array<FileMagic>({
    // Models. Safetensors first: their length may begin as anything does. It takes eight bytes, of which four are zero
    // in every file whose header is shorter than 4 GiB.
    {"safetensors", "\0\0\0\0{\""sv, 4, kUnsure, "a safetensors file", "it is part of a MODEL"},
    {"gguf", "GGUF"sv, 0, kUnsure, "a GGUF model", kModel},
    {"ggml", "lmgg"sv, 0, kUnsure, "a GGML model", kModel},  // 'ggml', 'ggmf', 'ggjt' and 'ggla' as integers
    {"ggml", "fmgg"sv, 0, kUnsure, "a GGML model", kModel},
    {"ggml", "tjgg"sv, 0, kUnsure, "a GGML model", kModel},
    {"ggml", "algg"sv, 0, kUnsure, "a GGML model", kModel},
    {"executorch", "ET1"sv, 4, kUnsure, "a program of ExecuTorch", ""},
    {"tensorflow lite", "TFL3"sv, 4, kUnsure, "a model of TensorFlow Lite", ""},
    {"tensorrt", "ptrt"sv, 0, kUnsure, "an engine of TensorRT", ""},
    // What holds weights, or other things
    {"pickle", "\x80\x02"sv, 0, kUnsure, "a pickle", "write its texts as JSON Lines"},
    {"pickle", "\x80\x03"sv, 0, kUnsure, "a pickle", "write its texts as JSON Lines"},
    {"pickle", "\x80\x04"sv, 0, kUnsure, "a pickle", "write its texts as JSON Lines"},
    {"pickle", "\x80\x05"sv, 0, kUnsure, "a pickle", "write its texts as JSON Lines"},
    {"hdf5", "\x89HDF\r\n\x1a\n"sv, 0, kUnsure, "an HDF5 file", kColumn},
    {"numpy", "\x93NUMPY"sv, 0, kUnsure, "a numpy array", "write it as JSON (array.tolist()) or text (numpy.savetxt)"},
    {"zip", "PK\3\4"sv, 0, kUnsure, "a ZIP archive", "unzip it first"},
    {"zip", "PK\7\10"sv, 0, kUnsure, "a ZIP archive", "unzip it first"},  // that was meant to be in several files
    {"empty zip", "PK\5\6"sv, 0, kUnsure, "an empty ZIP archive", ""},
    // Tables
    {"parquet", "PAR1"sv, 0, kTable, "a Parquet file", kColumn},
    {"parquet", "PARE"sv, 0, kTable, "an encrypted Parquet file", kColumn},
    {"arrow", "ARROW1\0\0"sv, 0, kTable, "an Arrow (Feather) file", kColumn},
    {"feather", "FEA1"sv, 0, kTable, "a Feather file", kColumn},
    {"arrow stream", "\xff\xff\xff\xff"sv, 0, kUnsure, "an Arrow stream", kColumn},
    {"orc", "ORC"sv, 0, kTable, "an ORC file", kColumn},
    {"avro", "Obj\x01"sv, 0, kTable, "an Avro file", "write its field as JSON Lines"},
    {"sqlite", "SQLite format 3\0"sv, 0, kTable, "an SQLite database", "write its column as JSON Lines or CSV"},
    {"duckdb", "DUCK"sv, 8, kTable, "a DuckDB database", "write its column as JSON Lines or CSV"},
    // Compressed and packed
    {"gzip", "\x1f\x8b"sv, 0, kPacked, "compressed by gzip", "zcat it first"},
    {"compress", "\x1f\x9d"sv, 0, kPacked, "compressed by compress", "zcat it first"},
    {"zstd", "\x28\xb5\x2f\xfd"sv, 0, kPacked, "compressed by zstd", "zstdcat it first"},
    {"xz", "\xfd\x37zXZ\0"sv, 0, kPacked, "compressed by xz", "xzcat it first"},
    {"lzma", "\x5d\0\0"sv, 0, kPacked, "compressed by lzma", "xzcat --format=lzma it first"},
    {"bzip2", "BZh"sv, 0, kPacked, "compressed by bzip2", "bzcat it first"},
    {"lz4", "\x04\x22\x4d\x18"sv, 0, kPacked, "compressed by lz4", "lz4cat it first"},
    {"snappy", "\xff\x06\0\0sNaPpY"sv, 0, kPacked, "compressed by snappy", "decompress it first"},
    {"7z", "7z\xbc\xaf\x27\x1c"sv, 0, kPacked, "a 7-Zip archive", kUnpack},
    {"rar", "Rar!\x1a\x07"sv, 0, kPacked, "a RAR archive", kUnpack},
    {"tar", "ustar"sv, 257, kPacked, "a tar archive", kUnpack},
    // Documents
    {"pdf", "%PDF-"sv, 0, kOther, "a PDF document", "save its text (pdftotext)"},
    {"office", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, 0, kOther, "an old Office document (doc, xls)",
     "save it as text or CSV"},
    {"rtf", "{\\rtf"sv, 0, kOther, "an RTF document", "save it as plain text"},
    {"postscript", "%!PS-"sv, 0, kOther, "a PostScript document", "save its text (ps2ascii)"},
    // Images, recordings, programs
    {"png", "\x89PNG"sv, 0, kOther, "a PNG image", ""},
    {"jpeg", "\xff\xd8\xff"sv, 0, kOther, "a JPEG image", ""},
    {"gif", "GIF8"sv, 0, kOther, "a GIF image", ""},
    {"webp", "WEBP"sv, 8, kOther, "a WebP image", ""},
    {"wav", "WAVE"sv, 8, kOther, "a WAV recording", ""},
    {"tiff", "II*\0"sv, 0, kOther, "a TIFF image", ""},
    {"tiff", "MM\0*"sv, 0, kOther, "a TIFF image", ""},
    {"mp4", "ftyp"sv, 4, kOther, "a video, a recording or a HEIF image", ""},
    {"mp3", "ID3"sv, 0, kOther, "an MP3 recording", ""},
    {"ogg", "OggS"sv, 0, kOther, "an Ogg recording", ""},
    {"flac", "fLaC"sv, 0, kOther, "a FLAC recording", ""},
    {"elf", "\x7f\x45LF"sv, 0, kOther, "a program", ""},
    // Pointers to what is elsewhere
    {"git lfs pointer", "version https://git-lfs.github.com/spec/"sv, 0, kOther, "a pointer of git-lfs, not the file",
     "git lfs pull"},
    {"git lfs pointer", "version https://hawser.github.com/spec/"sv, 0, kOther, "a pointer of git-lfs, not the file",
     "git lfs pull"},
    {"git lfs pointer", "# xet version "sv, 0, kOther, "a pointer of git-xet, not the file", "git lfs pull"},
    {"torrent", "d8:announce"sv, 0, kOther, "a torrent, not the file", ""},
});

}  // namespace

std::span<const FileMagic> file_magics() { return kMagics; }

const FileMagic* magic_of(std::string_view content) {
  const auto* const found =
      std::find_if(kMagics.begin(), kMagics.end(), [&](const FileMagic& magic) { return magic.fits(content); });
  return found == kMagics.end() ? nullptr : found;
}

bool has_magic(std::string_view content, std::string_view id) {
  return std::any_of(kMagics.begin(), kMagics.end(),
                     [&](const FileMagic& magic) { return magic.id == id && magic.fits(content); });
}

}  // namespace lstar
