#include "lstar/study/store/content.h"

#include <algorithm>
#include <bit>
#include <map>

#include "lstar/base/atomic_file.h"
#include "lstar/base/catch_memory.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/digest.h"
#include "lstar/study/store/bytes.h"

namespace lstar {
namespace {

constexpr size_t kLargestConfig = size_t{64} << 20;  // published ones have some kilobytes
constexpr int64_t kPiece = int64_t{1} << 20;         // numbers read at a time

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

// A value by its type and what it says, whatever it was read from: a section's keys in their order as bytes.
void write(const Configuration& value, ByteWriter& out) {
  out.number(static_cast<uint8_t>(value.type()));
  switch (value.type()) {
    case Configuration::Type::null: break;
    case Configuration::Type::boolean: out.flag(*value.boolean()); break;
    case Configuration::Type::integer:
    case Configuration::Type::number:
      out.optional(value.integer(), [&](int64_t whole) { out.number(whole); });
      if (!value.integer()) out.number(*value.number());
      break;
    case Configuration::Type::string: {
      const auto text = value.string();
      out.text(text ? *text : value.shown(std::string::npos));  // half a surrogate pair, NaN as a word
      break;
    }
    case Configuration::Type::list:
      out.number(static_cast<uint64_t>(value.size()));
      value.each([&](std::string_view, const Configuration& item) { write(item, out); });
      break;
    case Configuration::Type::section: {
      std::map<std::string_view, Configuration> sorted;
      value.each([&](std::string_view key, const Configuration& field) { sorted.emplace(key, field); });
      out.number(static_cast<uint64_t>(sorted.size()));
      for (const auto& [key, field] : sorted) {
        out.text(key);
        write(field, out);
      }
    }
  }
}

// The numbers of a tensor in the order of its rows, as they are.
template <class T>
Result<void> update(Digest& digest, const Checkpoint& checkpoint, const TensorInfo& tensor) {
  static_assert(std::endian::native == std::endian::little);
  std::vector<T> values;
  const int64_t rows = tensor.shape.rows(), cols = std::max<int64_t>(tensor.shape.cols(), 1);
  const int64_t step = std::max<int64_t>(kPiece / cols, 1);
  for (int64_t begin = 0; begin < rows && tensor.shape.cols() > 0; begin += step) {
    const RowRange range{begin, std::min(rows, begin + step)};
    values.resize(static_cast<size_t>(range.count() * cols));
    LSTAR_TRY(checkpoint.read(tensor, range, std::span(values)));
    digest.update(std::as_bytes(std::span(values)));
  }
  return {};
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

Result<std::string> content_of_tensors(const Checkpoint& checkpoint) {
  return catch_memory("hashing the tensors", checkpoint.path(), [&]() -> Result<std::string> {
    if (!checkpoint.configuration().is_section())
      return fail({.kind = ErrorKind::argument,
                   .what = "has neither files nor a configuration, by which its content would be known",
                   .file = checkpoint.path()});
    Digest digest = Digest::sha256();
    ByteWriter head;
    head.text("tensors");
    write(checkpoint.configuration(), head);
    head.number(static_cast<uint64_t>(checkpoint.tensors().size()));
    update(digest, head.take());
    for (const TensorInfo& tensor : checkpoint.tensors()) {
      ByteWriter described;
      described.text(tensor.name);
      described.text(info(tensor.type).name);
      described.numbers(std::span(tensor.shape.dims));
      update(digest, described.take());
      if (!info(tensor.type).is_weight) continue;  // no number is read from it
      if (is_exact(tensor.type, Dtype::float32))
        LSTAR_TRY(update<float>(digest, checkpoint, tensor));
      else
        LSTAR_TRY(update<double>(digest, checkpoint, tensor));
      checkpoint.drop(tensor);
    }
    return finished(digest, checkpoint);
  });
}

Result<std::string> content_of(const Checkpoint& checkpoint, std::span<const FileIdentity> files) {
  return checkpoint.files().empty() ? content_of_tensors(checkpoint) : content_of_files(checkpoint, files);
}

}  // namespace lstar
