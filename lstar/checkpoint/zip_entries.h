// What a ZIP archive holds and where: PyTorch stores its tensors uncompressed, so they can be read where they lie.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/mapped_file.h"

namespace lstar {

struct ZipEntry {
  std::string name;
  uint64_t offset = 0;  // of its bytes in the file
  uint64_t bytes = 0;
  std::optional<Error> fault = std::nullopt;  // why its bytes cannot be read where they lie: compressed, encrypted
};

// Whether a file begins as a ZIP archive does.
bool is_zip(const MappedFile& mapped);

// Whether a file ends with an archive's directory, whatever stands before the archive.
bool ends_as_zip(const MappedFile& mapped);

// The entries, sorted by name; folders are left out. Refuses archives with two entries of one name, or with one that
// lies outside the file.
Result<std::vector<ZipEntry>> read_zip_entries(const MappedFile& mapped);

}  // namespace lstar
