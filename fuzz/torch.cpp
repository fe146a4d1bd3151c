// A file of torch.save: a ZIP archive, or the older stream. Any other input is taken for a pickle, and put into an
// archive with two storages, so that what changes a pickle's length need not mend a directory.
#include "fuzz/support.h"
#include "lstar/base/json.h"
#include "lstar/checkpoint/mapped_checkpoint.h"
#include "lstar/checkpoint/torch_file.h"

namespace lstar::fuzz {
namespace {

class OneFile final : public MappedCheckpoint {
 public:
  Configuration configuration() const override { return {}; }
  TokenizerSource tokenizer() const override { return {}; }
  using MappedCheckpoint::take;
};

void append(std::string& bytes, uint64_t value, int count) {
  for (int i = 0; i < count; ++i, value >>= 8) bytes += static_cast<char>(value & 0xff);
}

std::string archive_of(std::string_view pickle) {
  const std::string storage(48, '\x3f');
  const std::pair<std::string_view, std::string_view> members[] = {
      {"a/data.pkl", pickle}, {"a/data/0", storage}, {"a/data/1", storage}};
  std::string bytes, directory;
  for (const auto& [name, content] : members) {
    std::string shared;
    append(shared, 20, 2);
    append(shared, 0, 12);  // flags, method, time, date, check sum
    append(shared, content.size(), 4);
    append(shared, content.size(), 4);
    append(shared, name.size(), 4);  // and no further fields
    directory += std::string("PK\1\2\x14\0", 6) + shared + std::string(10, '\0');
    append(directory, bytes.size(), 4);
    directory += name;
    bytes += "PK\3\4" + shared;
    bytes += name;
    bytes += content;
  }
  const size_t begin = bytes.size();
  bytes += directory + std::string("PK\5\6\0\0\0\0\3\0\3\0", 12);
  append(bytes, directory.size(), 4);
  append(bytes, begin, 6);  // and no comment
  return bytes;
}

void run(std::span<const std::byte> bytes) {
  MappedFile file = MappedFile::borrow(bytes, "memory");
  std::string archive;
  if (!is_torch_file(file)) {
    archive = archive_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    archive.shrink_to_fit();
    file = MappedFile::borrow(std::as_bytes(std::span(archive)), "memory");
  }
  auto tensors = read_torch_file(file);
  if (!succeeded(tensors)) return;
  for (const PlacedTensor& tensor : *tensors)
    require(tensor.bytes == 0 || (tensor.offset <= file.size() && tensor.bytes <= file.size() - tensor.offset),
            "a tensor lies inside its file");
  std::vector<MappedFile> files;
  files.push_back(std::move(file));
  OneFile checkpoint;
  if (succeeded(checkpoint.take(std::move(files), *std::move(tensors), SharedBytes::allowed))) read_rows(checkpoint);
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(std::as_bytes(std::span(data, size)));
  return 0;
}
