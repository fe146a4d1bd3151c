// Output files appear whole or not at all: written without a name, synced, and only then given one. Where the file
// system has no files without a name, they are written beside their final place under a temporary one and renamed, and
// a process that is killed meanwhile leaves that behind; so does one that is killed in the moment of replacing a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "lstar/base/result.h"

namespace lstar {

// Replaces `path` by `content`. On failure nothing is left behind and an existing file is untouched.
Result<void> write_file(const std::string& path, std::string_view content);

// The same where nothing lies at `path` yet; false, and nothing is done, where something does, whoever made it when.
Result<bool> write_new_file(const std::string& path, std::string_view content);

// Whether a path leads to something, as far as the system lets us know.
bool file_exists(const std::string& path);

// Makes a folder and those above it. One that is there needs no rights to write.
std::error_code make_folders(const std::string& path);

// The same, and sees that files can be made in it.
Result<void> make_writable_folder(const std::string& path);

// Whether a pipe may stand in a file's place. Only one that the user put there himself, `<(...)`, ends of its own
// accord; one that lies in somebody's folder would be waited for without end.
enum class Pipes : uint8_t { refused, allowed };

// The whole of a small file. At most `limit` bytes; a longer file is an error.
Result<std::string> read_file(const std::string& path, size_t limit = size_t{1} << 30, Pipes pipes = Pipes::refused);

}  // namespace lstar
