// The mapped files that a handler of SIGBUS knows by name (end_at_shortened_files in mapped_file.h). Thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace lstar::shortened_files {

// Its place, to be given back; negative where all are taken, and the file goes without a name.
int watch(std::span<const std::byte> mapping, const std::string& path);
void forget(int place);

}  // namespace lstar::shortened_files
