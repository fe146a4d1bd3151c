#include "lstar/study/store/content.h"

#include <algorithm>

#include "lstar/base/atomic_file.h"
#include "lstar/base/catch_memory.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/digest.h"
#include "lstar/study/store/bytes.h"

namespace lstar {
namespace {

constexpr size_t kLargestConfig = size_t{64} << 20;  // published ones have some kilobytes
constexpr int64_t kPiece = int64_t{1} << 20;         // doubles read at a time

void update(Digest& digest, std::string_view bytes) {
  digest.update(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

Result<std::string> finished(Digest& digest, const Checkpoint& checkpoint) {
  std::string content = digest.finish();
  if (content.empty())
    return fail(
        {.kind = ErrorKind::unreachable, .what = "SHA-256 is not available from OpenSSL", .file = checkpoint.path()});
  return content;
}

}  // namespace

Result<std::string> content_of_files(const Checkpoint& checkpoint, std::span<const FileIdentity> files) {
  return catch_memory("hashing the configuration", checkpoint.path(), [&]() -> Result<std::string> {
    if (files.empty())
      return fail({.kind = ErrorKind::argument, .what = "no hashes of its weight files", .file = checkpoint.path()});
    ByteWriter parts;
    parts.text("files");
    parts.number(static_cast<uint64_t>(files.size()));
    for (const FileIdentity& file : files) parts.text(file.sha256);
    if (checkpoint.format() != "gguf") {
      LSTAR_ASSIGN(const std::string config, read_file(checkpoint.path() + "/config.json", kLargestConfig));
      parts.text(config);
    }
    Digest digest = Digest::sha256();
    update(digest, parts.take());
    return finished(digest, checkpoint);
  });
}

Result<std::string> content_of_tensors(const Checkpoint& checkpoint, std::string_view config) {
  return catch_memory("hashing the tensors", checkpoint.path(), [&]() -> Result<std::string> {
    Digest digest = Digest::sha256();
    ByteWriter head;
    head.text("tensors");
    head.text(config);
    head.number(static_cast<uint64_t>(checkpoint.tensors().size()));
    update(digest, head.take());
    std::vector<double> values;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
      ByteWriter described;
      described.text(tensor.name);
      described.text(info(tensor.type).name);
      described.numbers(std::span(tensor.shape.dims));
      update(digest, described.take());
      if (!info(tensor.type).is_weight) continue;  // no number is read from it
      const int64_t rows = tensor.shape.rows(), cols = std::max<int64_t>(tensor.shape.cols(), 1);
      const int64_t step = std::max<int64_t>(kPiece / cols, 1);
      for (int64_t begin = 0; begin < rows && tensor.shape.cols() > 0; begin += step) {
        const RowRange range{begin, std::min(rows, begin + step)};
        values.resize(static_cast<size_t>(range.count() * cols));
        LSTAR_TRY(checkpoint.read(tensor, range, std::span(values)));
        ByteWriter bytes;
        for (const double value : values) bytes.number(value);
        update(digest, bytes.take());
      }
      checkpoint.drop(tensor);
    }
    return finished(digest, checkpoint);
  });
}

}  // namespace lstar
