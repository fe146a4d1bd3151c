#include "lstar/checkpoint/torch_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/pickle.h"
#include "lstar/checkpoint/torch_tensor.h"
#include "lstar/checkpoint/zip_entries.h"

namespace lstar {
namespace {

using Kind = PickleValue::Kind;

// The dict that names tensors: the outermost, or one that it wraps under a usual name.
constexpr std::string_view kUnder[] = {"state_dict", "model_state_dict", "model",  "module", "model_state",
                                       "net",        "params",           "weights"};

bool is_wrapper(std::string_view key) {
  return std::find(std::begin(kUnder), std::end(kUnder), key) != std::end(kUnder);
}

// What is wrapped goes before tensors beside it: a training script's step, its losses, its random states.
const PickleValue* find_state(const Pickle& pickle, const TensorReader& reader, const PickleValue& dict,
                              int depth = 3) {
  if (dict.kind != Kind::dict || depth == 0) return nullptr;
  bool has_tensors = false;
  for (size_t i = 0; i < dict.items.size(); i += 2) {
    const PickleValue &key = pickle.at(dict.items[i]), &value = pickle.at(dict.items[i + 1]);
    if (key.kind != Kind::text) continue;
    has_tensors = has_tensors || reader.is_tensor(value);
    if (value.kind != Kind::dict || !is_wrapper(key.text)) continue;
    if (const PickleValue* inner = find_state(pickle, reader, value, depth - 1)) return inner;
  }
  return has_tensors ? &dict : nullptr;
}

// Of a pickle without a dict of tensors: what there is in its place.
Error no_state(const MappedFile& mapped, const Pickle& pickle, const TensorReader& reader) {
  Error error{.kind = ErrorKind::unsupported,
              .what = "holds no tensors by name",
              .file = mapped.path(),
              .expected = "a dict of tensors, or one under state_dict or model"};
  const PickleValue& root = pickle.root();
  if (root.kind == Kind::call && !reader.is_tensor(root)) {
    error.what = "a whole object, which only its own code could make: save its state_dict() in its place";
    error.found = plain_text(pickle.callee(root));
    return error;
  }
  for (size_t i = 0; root.kind == Kind::dict && i < root.items.size(); i += 2) {
    const PickleValue &key = pickle.at(root.items[i]), &value = pickle.at(root.items[i + 1]);
    if (key.kind != Kind::text || (root.items.size() > 2 && !is_wrapper(key.text))) continue;
    const auto why = reader.why_not(value);
    if (!why) continue;
    error.at = plain_text(fmt::format("key {}", key.text));
    error.what += ": " + why->what;
    error.found = why->found;
    return error;
  }
  return error;
}

Result<std::vector<PlacedTensor>> read_state(const MappedFile& mapped, size_t file, const Pickle& pickle,
                                             const Storages& storages, UnreadTensors& unread) {
  TensorReader reader(pickle, storages);
  const PickleValue* state = find_state(pickle, reader, pickle.root());
  if (!state) return fail(no_state(mapped, pickle, reader));
  if (state->items.size() > 2 * size_t{pickle.size()})  // its keys alone are as many values
    return fail({.what = "names more tensors than there are values in its pickle", .file = mapped.path()});
  std::vector<PlacedTensor> tensors;
  std::optional<Error> first;
  for (size_t i = 0; i < state->items.size(); i += 2) {
    const PickleValue &key = pickle.at(state->items[i]), &value = pickle.at(state->items[i + 1]);
    if (key.kind != Kind::text) continue;
    std::optional<Error> error;
    if (reader.is_tensor(value)) {
      auto tensor = reader.read(key.text, value);
      if (tensor) {
        tensor->file = file;
        tensors.push_back(*std::move(tensor));
        continue;
      }
      error = std::move(tensor).error();
      if (!first) first = error;
    } else {
      error = reader.why_not(value);
    }
    if (!error) continue;
    error->file = mapped.path();
    error->at = tensor_label(key.text);
    if (first && first->file.empty()) first = error;
    unread.emplace(key.text, *std::move(error));
  }
  if (tensors.empty() && first) return fail(*std::move(first));
  return tensors;
}

Result<std::vector<PlacedTensor>> read_archive(const MappedFile& mapped, size_t file, UnreadTensors& unread) {
  constexpr std::string_view kPickle = "data.pkl";
  LSTAR_ASSIGN(const std::vector<ZipEntry> entries, read_zip_entries(mapped));
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const ZipEntry& entry) {
    return entry.name.ends_with(kPickle) &&
           entry.name.find('/') + 1 == (entry.name.size() == kPickle.size() ? 0 : entry.name.size() - kPickle.size());
  });
  if (found == entries.end())
    return fail({.kind = ErrorKind::unsupported,
                 .what = "a ZIP archive that torch.save did not write",
                 .file = mapped.path(),
                 .expected = "an entry data.pkl"});
  const std::string prefix = found->name.substr(0, found->name.size() - kPickle.size());
  const auto bytes_of = [&](const ZipEntry& entry) { return mapped.bytes().subspan(entry.offset, entry.bytes); };
  Storages storages;
  for (const ZipEntry& entry : entries) {
    if (!entry.name.starts_with(prefix)) continue;
    const std::string name = entry.name.substr(prefix.size());
    if (name == "constants.pkl")
      return fail({.kind = ErrorKind::unsupported,
                   .what = "a TorchScript program, which is not read",
                   .file = mapped.path(),
                   .expected = "a state dict"});
    if (name == "byteorder" && !entry.fault) {
      const auto order = bytes_of(entry);
      if (std::string_view(reinterpret_cast<const char*>(order.data()), order.size()) != "little")
        return fail({.kind = ErrorKind::unsupported,
                     .what = "numbers are not little-endian",
                     .file = mapped.path(),
                     .at = "entry " + entry.name});
    }
    if (name.starts_with("data/")) storages.emplace(name.substr(5), StorageSpan{entry.offset, entry.bytes});
  }
  // Of what is read: a program's code, say, is compressed beside it.
  for (const ZipEntry& entry : entries)
    if (entry.fault && (&entry == &*found || entry.name.starts_with(prefix + "data/"))) {
      Error error = *entry.fault;
      error.file = mapped.path();
      return fail(std::move(error));
    }
  LSTAR_ASSIGN(const Pickle pickle,
               Pickle::read(mapped.bytes().first(found->offset + found->bytes), found->offset, mapped.path()));
  return read_state(mapped, file, pickle, storages, unread);
}

// The number 0x1950a86a20f9469cfc6c, pickled.
constexpr std::string_view kStreamMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
constexpr int64_t kStreamVersion = 1001;

// Five pickles (the magic number, the format's version, about the writer's machine, the object, the keys of its
// storages), then for each key a count of eight bytes and so many elements.
Result<std::vector<PlacedTensor>> read_stream(const MappedFile& mapped, size_t file, UnreadTensors& unread) {
  const auto next = [&](uint64_t begin) { return Pickle::read(mapped.bytes(), begin, mapped.path()); };
  LSTAR_ASSIGN(const Pickle magic, next(0));
  LSTAR_ASSIGN(const Pickle version, next(magic.end()));
  if (version.root().kind != Kind::integer || version.root().integer != kStreamVersion)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "version of PyTorch's format is not read",
                 .file = mapped.path(),
                 .expected = fmt::format("{}", kStreamVersion),
                 .found = fmt::format("{}", version.root().integer)});
  LSTAR_ASSIGN(const Pickle machine, next(version.end()));
  for (size_t i = 0; machine.root().kind == Kind::dict && i < machine.root().items.size(); i += 2)
    if (machine.at(machine.root().items[i]).text == "little_endian" &&
        machine.at(machine.root().items[i + 1]).integer == 0)
      return fail({.kind = ErrorKind::unsupported, .what = "numbers are not little-endian", .file = mapped.path()});
  LSTAR_ASSIGN(const Pickle pickle, next(machine.end()));
  LSTAR_ASSIGN(const Pickle keys, next(pickle.end()));

  std::map<std::string_view, uint64_t> widths;  // bytes of an element, by key
  for (uint32_t i = 0; i < pickle.size(); ++i) {
    if (pickle.at(i).kind != Kind::persistent) continue;
    const auto name = read_storage_name(pickle, pickle.at(i));  // else a module's source, or nobody's storage
    if (name) widths.emplace(name->key, name->width);
  }
  if (keys.root().kind != Kind::list) return fail({.what = "has no list of storages", .file = mapped.path()});
  Storages storages;
  uint64_t place = keys.end();
  for (const uint32_t item : keys.root().items) {
    const std::string_view key = keys.at(item).text;
    const auto refuse = [&](Error error) {
      error.file = mapped.path();
      error.at = fmt::format("storage {}", key);
      return fail(std::move(error));
    };
    const auto width = widths.find(key);
    if (width == widths.end()) return refuse({.what = "no tensor names it"});
    int64_t count = 0;
    const uint64_t left = mapped.size() - place;
    if (left < sizeof count) return refuse({.what = "truncated"});
    std::memcpy(&count, mapped.bytes().data() + place, sizeof count);
    const uint64_t most = (left - sizeof count) / width->second;
    if (count < 0 || static_cast<uint64_t>(count) > most)
      return refuse({.what = "more elements than the file holds (is it truncated?)",
                     .expected = fmt::format("at most {}", most),
                     .found = fmt::format("{}", count)});
    const StorageSpan span{place + sizeof count, static_cast<uint64_t>(count) * width->second};
    if (!storages.emplace(key, span).second) return refuse({.what = "appears twice"});
    place = span.offset + span.bytes;
  }
  return read_state(mapped, file, pickle, storages, unread);
}

// A pickle whose first value is the magic number, whatever its protocol (which may put a frame before it).
bool is_stream(const MappedFile& mapped) {
  const std::string_view head(reinterpret_cast<const char*>(mapped.bytes().data()),
                              std::min<uint64_t>(mapped.size(), 32));
  return head.starts_with('\x80') && head.find(kStreamMagic) != head.npos;
}

// PyTorch before 0.1.10 wrote tar archives.
bool is_tar(const MappedFile& mapped) {
  constexpr size_t kAt = 257;
  return mapped.size() > kAt + 5 && std::memcmp(mapped.bytes().data() + kAt, "ustar", 5) == 0;
}

}  // namespace

bool is_torch_file(const MappedFile& mapped) { return is_zip(mapped) || is_stream(mapped); }

Result<std::vector<PlacedTensor>> read_torch_file(const MappedFile& mapped, size_t file, UnreadTensors* unread) {
  UnreadTensors ignored;
  UnreadTensors& others = unread ? *unread : ignored;
  if (is_zip(mapped)) return read_archive(mapped, file, others);
  if (is_stream(mapped)) return read_stream(mapped, file, others);
  Error error{.kind = is_tar(mapped) ? ErrorKind::unsupported : ErrorKind::malformed,
              .what = "not a file that torch.save wrote",
              .file = mapped.path(),
              .expected = "a ZIP archive, or PyTorch's older stream of pickles"};
  if (is_tar(mapped)) error.found = "a tar archive";
  return fail(std::move(error));
}

}  // namespace lstar
