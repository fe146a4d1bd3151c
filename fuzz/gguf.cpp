// A GGUF file: its metadata, its tensors, rows of them, the model that it describes and its vocabulary.
#include "lstar/checkpoint/gguf.h"
#include "fuzz/tokens.h"
#include "lstar/architecture/family.h"
#include "lstar/architecture/weights.h"

namespace lstar::fuzz {
namespace {

void run(std::span<const std::byte> bytes, std::string_view text) {
  const auto opened = open_gguf(MappedFile::borrow(bytes, "memory-00001-of-00001.gguf"));
  if (!succeeded(opened)) return;
  const Checkpoint& checkpoint = **opened;
  read_rows(checkpoint);
  const auto architecture = read_architecture(checkpoint);
  if (succeeded(architecture)) succeeded(bind(*architecture, checkpoint));
  const auto tokenizer = open_tokenizer(checkpoint.tokenizer());
  if (succeeded(tokenizer)) encode_some(*tokenizer, text);
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(std::as_bytes(std::span(data, size)), lstar::fuzz::text_of(data, size));
  return 0;
}
