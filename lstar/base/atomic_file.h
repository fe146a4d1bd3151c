// Output files appear whole or not at all: written beside their final place under a temporary name, synced, renamed.
#pragma once

#include <string>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

// Replaces `path` by `content`. On failure nothing is left behind and an existing file is untouched.
Result<void> write_file(const std::string& path, std::string_view content);

// The same where nothing lies at `path` yet; false, and nothing is done, where something does, whoever made it when.
Result<bool> write_new_file(const std::string& path, std::string_view content);

// Makes a folder and those above it, and sees that files can be made in it.
Result<void> make_folder(const std::string& path);

// The whole of a small text file (prompts, manifests). At most `limit` bytes; a longer file is an error.
Result<std::string> read_file(const std::string& path, size_t limit = size_t{1} << 30);

}  // namespace lstar
