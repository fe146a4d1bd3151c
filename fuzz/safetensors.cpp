// A safetensors file: its header, and rows of its tensors.
#include "lstar/checkpoint/safetensors.h"
#include "fuzz/support.h"
#include "lstar/base/json.h"
#include "lstar/checkpoint/mapped_checkpoint.h"

namespace lstar::fuzz {
namespace {

class OneFile final : public MappedCheckpoint {
 public:
  Configuration configuration() const override { return {}; }
  TokenizerSource tokenizer() const override { return {}; }
  using MappedCheckpoint::take;
};

void run(std::span<const std::byte> bytes) {
  MappedFile file = MappedFile::borrow(bytes, "memory");
  auto tensors = read_safetensors_header(file);
  if (!succeeded(tensors)) return;
  for (const PlacedTensor& tensor : *tensors) {
    require(tensor.offset >= 8 && tensor.offset <= bytes.size() && tensor.bytes <= bytes.size() - tensor.offset,
            "a tensor lies inside its file");
    const auto expected = stored_bytes(tensor.info.type, tensor.info.shape);
    require(succeeded(expected) && *expected == tensor.bytes, "a tensor is as large as its shape");
  }
  std::vector<MappedFile> files;
  files.push_back(std::move(file));
  OneFile checkpoint;
  if (succeeded(checkpoint.take(std::move(files), *std::move(tensors)))) read_rows(checkpoint);
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(std::as_bytes(std::span(data, size)));
  return 0;
}
