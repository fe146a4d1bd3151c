#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "lstar/base/file_magic.h"
#include "lstar/base/text.h"
#include "lstar/base/text_file.h"
#include "lstar/checkpoint/handed_over.h"
#include "lstar/checkpoint/weight_files.h"

namespace lstar {
namespace {

using namespace std::string_view_literals;

// An id or the end of a name, as a template argument: most rows are nothing more.
template <size_t N>
struct Word {
  char letters[N];
  constexpr Word(const char (&text)[N]) { std::copy(text, text + N, letters); }
  constexpr std::string_view view() const { return {letters, N - 1}; }
};
template <Word id>
bool has(const FileStart& file, std::string&) {
  return has_magic(file.bytes, id.view());
}
template <Word ending>
bool is_named(const FileStart& file, std::string&) {
  return file.name.ends_with(ending.view());
}

std::string folder_of(const FileStart& file) {
  const size_t slash = file.path.find_last_of('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : file.path.substr(0, slash);
}

// The text behind white space and a byte order mark, in small letters.
std::string small_text(const FileStart& file) {
  std::string_view text = without_mark(std::string_view(file.bytes).substr(0, 512));
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return lower_ascii(text);
}

bool is_web_page(const FileStart& file, std::string&) {
  const std::string text = small_text(file);
  return text.starts_with("<!doctype html") || text.starts_with("<html") || text.starts_with("<head") ||
         text.starts_with("<!-- ");
}

bool is_error_in_xml(const FileStart& file, std::string&) {
  const std::string text = small_text(file);
  return text.starts_with("<error") || (text.starts_with("<?xml") && text.find("<error>") != text.npos);
}

// Nothing was written where a program had reserved the room.
bool is_zeros(const FileStart& file, std::string&) {
  return file.size >= 64 && file.bytes.find_first_not_of('\0') == std::string::npos;
}

// "x.gguf.part1of2", "x.gguf-split-a", "x.safetensors.part-00", "x.gguf.001": cut by bytes, to be put together again.
bool is_cut_by_bytes(const FileStart& file, std::string& detail) {
  size_t end = 0;  // behind the ending
  for (std::string_view ending : {".gguf"sv, ".safetensors"sv, ".bin"sv, ".pth"sv, ".pt"sv})
    if (const size_t at = file.name.rfind(ending); at != std::string::npos) end = std::max(end, at + ending.size());
  if (end == 0 || end + 2 > file.name.size() || is_unfinished_name(file.name)) return false;
  const std::string whole = file.name.substr(0, end), rest = file.name.substr(end);
  size_t at = rest.find_first_not_of(".-_");
  if (at == std::string::npos || at == 0) return false;
  bool has_word = false;
  for (std::string_view word : {"part"sv, "split"sv, "chunk"sv})
    if (rest.compare(at, word.size(), word) == 0) {
      has_word = true;
      at = std::min(rest.find_first_not_of(".-_", at + word.size()), rest.size());
    }
  std::string number = rest.substr(at);
  const bool is_number = number.find_first_not_of("0123456789of") == std::string::npos;
  const bool is_letters = number.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
  if (number.empty() || number.size() > 12 ||
      !(has_word ? is_number || (is_letters && number.size() <= 3) : is_number && number.size() >= 2))
    return false;
  const size_t of = number.find("of");
  if (of != std::string::npos) number = fmt::format("{} of {}", number.substr(0, of), number.substr(of + 2));
  const std::string name = plain_text(whole, 200);
  detail = fmt::format("part {} of a file cut by bytes: cat {}{}* > {}, and pass that", number, name,
                       plain_text(rest.substr(0, at), 20), name);
  return true;
}

bool is_unfinished(const FileStart& file, std::string&) { return is_unfinished_name(file.name); }

bool is_empty(const FileStart& file, std::string&) { return file.size == 0; }

// Whether it is what it is taken for in a folder, so that what is wrong with it has been said already.
bool looks_like_safetensors(const FileStart& file) {
  uint64_t length = 0;
  if (file.bytes.size() < 10 || file.bytes[8] != '{') return false;
  std::memcpy(&length, file.bytes.data(), sizeof length);
  return length <= file.size - 8;
}

// The names of entries stand in the clear in a ZIP archive's directory, at its end, and before each entry.
bool zip_holds(const FileStart& file, std::string_view name) {
  return has_magic(file.bytes, "zip") &&
         (file.bytes.find(name) != file.bytes.npos || file.tail.find(name) != file.tail.npos);
}

bool looks_like_torch(const FileStart& file) {
  constexpr std::string_view kStream = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20";
  return (has_magic(file.bytes, "pickle") && file.bytes.substr(0, 32).find(kStream) != std::string::npos) ||
         zip_holds(file, "data.pkl") || zip_holds(file, "/data/") || zip_holds(file, "/byteorder");
}

bool is_safetensors(const FileStart& file, std::string& detail) {
  detail = folder_of(file);
  return file.is_alone && looks_like_safetensors(file);
}

bool is_torch(const FileStart& file, std::string& detail) {
  detail = folder_of(file);
  return file.is_alone && looks_like_torch(file);
}

// Under the name of another kind of weights.
bool is_gguf_start(const FileStart& file, std::string&) {
  const auto is_named = [&](std::string_view ending) { return file.name.ends_with(ending); };
  return !file.is_alone && has_magic(file.bytes, "gguf") &&
         (is_named(".safetensors") || is_named(".bin") || is_named(".pt") || is_named(".pth"));
}

bool is_arrays_of_numpy(const FileStart& file, std::string&) {
  return has_magic(file.bytes, "numpy") || (zip_holds(file, ".npy") && !looks_like_torch(file));
}

// A whole one: of a truncated archive that is all there is to say.
bool is_zip_file(const FileStart& file, std::string&) {
  return (has_magic(file.bytes, "zip") || has_magic(file.bytes, "empty zip")) &&
         file.tail.find("PK\5\6") != std::string::npos && !looks_like_torch(file);
}

bool is_pickle(const FileStart& file, std::string&) {
  return has_magic(file.bytes, "pickle") && !looks_like_torch(file);
}

// Not in the table of first bytes, where it would keep those who read text from a script.
bool is_script(const FileStart& file, std::string&) { return file.starts_with("#!"); }

// What has no row of its own here, in the words of the table of first bytes. Text may begin with the letters of a
// signature, and safetensors whose length is broken as anything does.
template <FileGroup group>
bool is_any(const FileStart& file, std::string& detail) {
  const FileMagic* magic = magic_of(file.bytes);
  if (!magic || magic->group != group || (file.bytes.size() > 8 && file.bytes[8] == '{')) return false;
  if (check_text(file.bytes, file.name)) return false;
  detail = magic->what;
  return true;
}

// A version, the length of a name, the name of a specification ("TransformerDecoderModelSpec", "LlamaSpec").
bool is_ctranslate2(const FileStart& file, std::string&) {
  if (file.bytes.size() < 8) return false;
  uint32_t version = 0;
  uint16_t length = 0;
  std::memcpy(&version, file.bytes.data(), sizeof version);
  std::memcpy(&length, file.bytes.data() + 4, sizeof length);
  if (version == 0 || version > 100 || length < 5 || file.bytes.size() < 6u + length) return false;
  const std::string_view name = std::string_view(file.bytes).substr(6, length);  // with a zero at its end
  return name.substr(0, name.find('\0')).ends_with("Spec");
}

// A file of a model's folder that holds no weights itself.
bool is_of_a_folder(const FileStart& file, std::string& detail) {
  detail = folder_of(file);
  return file.is_alone &&
         (file.name.ends_with(".json") || file.name.starts_with("tokenizer") || file.name == "merges.txt");
}

// What a server says in place of a file: "Entry not found", "Invalid credentials".
bool is_short_text(const FileStart& file, std::string& detail) {
  constexpr uint64_t kLongest = 4096;
  if (file.size > kLongest || file.size < 5 || has_magic(file.bytes, "gguf")) return false;  // less is a file cut short
  for (std::string_view ending : {".json"sv, ".txt"sv, ".model"sv, ".jinja"sv, ".jsonl"sv})
    if (file.name.ends_with(ending)) return false;
  for (const char c : file.bytes)
    if ((c < ' ' || c > '~') && c != '\n' && c != '\r' && c != '\t') return false;
  detail = plain_text(std::string_view(file.bytes).substr(0, file.bytes.find_first_of("\r\n")), 80);
  return true;
}

constexpr std::string_view kPassFolder =
    "a model's weights without its configuration: pass the folder that holds both ({})";

constexpr ErrorKind kMissing = ErrorKind::missing;
constexpr FileKind kKinds[] = {
    {"git lfs pointer", has<"git lfs pointer">, "a Git LFS pointer: fetch the file itself (git lfs pull)", kMissing},
    {"empty", is_empty, "an empty file: fetch it again", kMissing},
    {"zeros", is_zeros, "nothing but zeros at its start, as a download leaves that is not finished: fetch it again",
     kMissing},
    {"cut by bytes", is_cut_by_bytes, "{}", kMissing},
    {"unfinished download", is_unfinished, "a download that is not finished: bring it to its end, or fetch it again",
     kMissing},
    {"web page", is_web_page, "a web page was saved under this name: fetch the file itself (its \"resolve\" address)",
     kMissing},
    {"error in XML", is_error_in_xml, "a server's error message was saved under this name: fetch the file again",
     kMissing},
    {"safetensors", is_safetensors, kPassFolder},
    {"torch file", is_torch, kPassFolder},
    {"gguf", is_gguf_start, "a GGUF file: pass the file itself, or give it a name that ends in .gguf"},
    {"ggml", has<"ggml">, "GGML of before August 2023: get the model as a GGUF, or convert it with llama.cpp"},
    {"ctranslate2", is_ctranslate2, "weights of CTranslate2: get the model in safetensors, or as a GGUF"},
    {"numpy", is_arrays_of_numpy, "arrays of NumPy: get the model in safetensors, or as a GGUF"},
    {"executorch", has<"executorch">, "a program of ExecuTorch: get the model in safetensors, or as a GGUF"},
    {"tensorflow lite", has<"tensorflow lite">, "a model of TensorFlow Lite: get it in safetensors, or as a GGUF"},
    {"hdf5", has<"hdf5">, "weights of Keras or TensorFlow (HDF5): get the model in safetensors, or as a GGUF"},
    {"onnx", is_named<".onnx">, "a graph of ONNX: get the model in safetensors, or as a GGUF"},
    {"flax", is_named<".msgpack">, "weights of Flax: get the model in safetensors, or as a GGUF"},
    {"nemo", is_named<".nemo">, "an archive of NeMo: export it to Hugging Face's layout first"},
    {"tensorrt", has<"tensorrt">, "an engine of TensorRT: get the model in safetensors, or as a GGUF"},
    {"keras", is_named<".keras">, "a model of Keras: get it in safetensors, or as a GGUF"},
    {"zip", is_zip_file, "a ZIP archive: unpack it (unzip) and pass the folder with config.json, or the GGUF"},
    {"gzip", has<"gzip">, "compressed by gzip: unpack it (gunzip, or tar -xzf) and pass what comes out"},
    {"zstd", has<"zstd">, "compressed by zstd: unpack it (unzstd) and pass what comes out"},
    {"xz", has<"xz">, "compressed by xz: unpack it (unxz) and pass what comes out"},
    {"bzip2", has<"bzip2">, "compressed by bzip2: unpack it (bunzip2) and pass what comes out"},
    {"lz4", has<"lz4">, "compressed by lz4: unpack it (unlz4) and pass what comes out"},
    {"7z", has<"7z">, "an archive of 7-Zip: unpack it (7z x) and pass what comes out"},
    {"rar", has<"rar">, "a RAR archive: unpack it (unrar x) and pass what comes out"},
    {"tar", has<"tar">, "a tar archive: unpack it (tar -xf) and pass the folder with config.json, or the GGUF"},
    {"torrent", has<"torrent">, "a torrent: bring what it names, and pass that"},
    {"script", is_script, "a script, no model"},
    {"pickle", is_pickle,
     "a pickle of something else than a state dict: save the model's state_dict() with torch.save"},
    {"table", is_any<FileGroup::table>, "{}: a table of data, no model"},
    {"packed", is_any<FileGroup::packed>, "{}: unpack it and pass what comes out"},
    {"other", is_any<FileGroup::other>, "{}, no model"},
    {"file of a folder", is_of_a_folder, "one file of a model: pass its folder ({})"},
    {"short text", is_short_text, "a text in place of a model: \"{}\""},
};

}  // namespace

bool is_unfinished_name(std::string_view name) {
  for (std::string_view ending : {".incomplete"sv, ".part"sv, ".partial"sv, ".crdownload"sv, ".download"sv, ".aria2"sv,
                                  ".tmp"sv, ".!ut"sv, ".opdownload"sv, ".filepart"sv})
    if (name.ends_with(ending)) return true;
  return false;
}

std::span<const FileKind> file_kinds() { return kKinds; }

}  // namespace lstar
