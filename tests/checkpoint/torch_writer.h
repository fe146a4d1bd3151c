// Files as torch.save writes them, put together by hand so that tests can break them: pickles instruction by
// instruction, ZIP archives whose entries are stored, and the older stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/checkpoint_writer.h"

namespace lstar::testing {

// Instructions of protocol 2 that torch.save uses; each returns its bytes.
namespace pickle {
inline std::string text(std::string_view value) {
  std::string bytes = "X";
  append(bytes, static_cast<uint32_t>(value.size()));
  return bytes + std::string(value);
}
inline std::string whole(int64_t value) {
  std::string bytes = "\x8a\x08";
  append(bytes, value);
  return bytes;
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string bytes = "(";
  for (const std::string& item : items) bytes += item;
  return bytes + "t";
}
inline std::string numbers(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(whole(value));
  return tuple(items);
}
inline std::string call(const std::string& function, const std::vector<std::string>& arguments) {
  return function + tuple(arguments) + "R";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string bytes = "}(";
  for (const auto& [key, value] : entries) bytes += text(key) + value;
  return bytes + "u";
}
inline std::string list(const std::vector<std::string>& items) {
  std::string bytes = "](";
  for (const std::string& item : items) bytes += item;
  return bytes + "e";
}
inline std::string whole_pickle(const std::string& value) { return "\x80\x02" + value + "."; }

struct Tensor {
  std::string storage = "FloatStorage", key = "0";
  int64_t numel = 6, offset = 0;
  std::vector<int64_t> sizes{2, 3}, strides{3, 1};
};
inline std::string tensor(const Tensor& t, bool is_stream = false) {
  std::vector<std::string> name{text("storage"), global("torch", t.storage), text(t.key), text("cpu"), whole(t.numel)};
  if (is_stream) name.emplace_back("N");
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {tuple(name) + "Q", whole(t.offset), numbers(t.sizes), numbers(t.strides), "\x89",
               call(global("collections", "OrderedDict"), {})});
}
}  // namespace pickle

struct ZipMember {
  std::string name, content;
  uint16_t method = 0, flags = 0;
};

inline std::string zip_bytes(const std::vector<ZipMember>& members) {
  std::string bytes, directory;
  for (const ZipMember& member : members) {
    const auto size = static_cast<uint32_t>(member.content.size());
    const auto begin = static_cast<uint32_t>(bytes.size());
    // What a member's own header and its directory entry have in common.
    std::string shared;
    append(shared, uint16_t{20});
    append(shared, member.flags);
    append(shared, member.method);
    append(shared, uint32_t{0});  // time, date
    append(shared, uint32_t{0});  // check sum
    append(shared, size);
    append(shared, size);
    append(shared, static_cast<uint16_t>(member.name.size()));
    append(shared, uint16_t{0});
    bytes += "PK\3\4" + shared + member.name + member.content;
    directory += std::string("PK\1\2\x14\0", 6) + shared;
    directory += std::string(10, '\0');  // comment, disk, attributes
    append(directory, begin);
    directory += member.name;
  }
  const auto at = static_cast<uint32_t>(bytes.size()), size = static_cast<uint32_t>(directory.size());
  bytes += directory + std::string("PK\5\6\0\0\0\0", 8);
  append(bytes, static_cast<uint16_t>(members.size()));
  append(bytes, static_cast<uint16_t>(members.size()));
  append(bytes, size);
  append(bytes, at);
  append(bytes, uint16_t{0});
  return bytes;
}

// 2 x 3 numbers, 0 ... 5.
inline std::string six_floats() { return encode(StoredType::float32, {0, 1, 2, 3, 4, 5}); }

// An archive whose pickle holds this value, and whose storage "0" has six floats.
inline std::string archive_of(const std::string& value) {
  return zip_bytes({{"archive/data.pkl", pickle::whole_pickle(value)},
                    {"archive/byteorder", "little"},
                    {"archive/data/0", six_floats()},
                    {"archive/version", "3\n"}});
}

inline std::string stream_of(const std::string& value, const std::string& keys, const std::string& storages) {
  return std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") + "\x80\x02M\xe9\x03." +
         pickle::whole_pickle(pickle::dict({{"little_endian", "\x88"}})) + pickle::whole_pickle(value) +
         pickle::whole_pickle(keys) + storages;
}
inline std::string counted(int64_t count, const std::string& data) {
  std::string bytes;
  append(bytes, count);
  return bytes + data;
}

}  // namespace lstar::testing
