#include "lstar/study/store/record.h"

#include <fmt/core.h>

#include "lstar/checkpoint/digest.h"

namespace lstar {
namespace {

constexpr std::string_view kMark = "ls";
constexpr size_t kHead = 4, kChecksum = 8;

std::string checksum(std::string_view bytes) { return sha256_bytes(bytes).substr(0, kChecksum); }

}  // namespace

std::string sha256_bytes(std::string_view bytes) {
  Digest digest = Digest::sha256();
  digest.update(std::as_bytes(std::span(bytes.data(), bytes.size())));
  return digest.finish_bytes();
}

std::string hex_of(std::string_view bytes) {
  std::string digits;
  for (const char byte : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return digits;
}

std::string seal_record(RecordKind kind, std::string_view payload, uint8_t version) {
  std::string record(kMark);
  record.push_back(static_cast<char>(kind));
  record.push_back(static_cast<char>(version));
  record += payload;
  return record + checksum(record);
}

Result<OpenedRecord> open_record(RecordKind kind, std::string_view bytes, const std::string& source) {
  const auto damaged = [&](const std::string& what) {
    return fail({.what = "a damaged record: " + what, .file = source});
  };
  if (bytes.size() < kHead + kChecksum || !bytes.starts_with(kMark)) return damaged("none begins here");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksum);
  if (checksum(body) != bytes.substr(body.size())) return damaged("its checksum is another");
  if (body[2] != static_cast<char>(kind)) return damaged("of another kind");
  const auto version = static_cast<uint8_t>(body[3]);
  if (version > kRecordVersion)
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("a record of a newer lstar (version {}, this one reads up to {}): use that, or "
                                     "measure again into another store",
                                     version, kRecordVersion),
                 .file = source});
  if (version == 0) return damaged("without a version");
  return OpenedRecord{body.substr(kHead), version};
}

}  // namespace lstar
