// The envelope of everything that the store keeps as bytes: what it is, in which version of its format, and a checksum,
// for SQLite has none of its own. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

// The third byte of a record.
enum class RecordKind : char {
  measurement = 'M',  // a whole one
  model = 'W',        // what was seen of a checkpoint without a prompt
  prompt = 'P',       // what was seen of one prompt
  study = 'S',        // what was asked
  outcome = 'O',      // what became of one model of a study
};

// Raised when any of the formats changes; a reader knows all versions up to its own.
inline constexpr uint8_t kRecordVersion = 2;

struct OpenedRecord {
  std::string_view payload;
  uint8_t version = kRecordVersion;  // of the format that it is in
};

// "ls", the kind, the version, the payload, and the first eight bytes of the SHA-256 of all before.
std::string seal_record(RecordKind, std::string_view payload, uint8_t version = kRecordVersion);

// An intact record of this kind; its payload is within `bytes`. `source` names it in errors.
Result<OpenedRecord> open_record(RecordKind, std::string_view bytes, const std::string& source);

// The SHA-256 as 32 bytes, which is how the store writes those it looks things up by.
std::string sha256_bytes(std::string_view bytes);
std::string hex_of(std::string_view bytes);

}  // namespace lstar
