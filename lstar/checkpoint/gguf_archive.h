// A llamafile: one program for several systems with a ZIP archive behind it, in which the model lies as a stored entry.
#pragma once

#include <optional>

#include "lstar/base/result.h"
#include "lstar/checkpoint/gguf.h"
#include "lstar/checkpoint/mapped_file.h"

namespace lstar {

// Where the one language model lies among an archive's entries. Nothing where a file has no archive's directory at its
// end, or no *.gguf in it; a compressed one and several models are errors that name them.
Result<std::optional<GgufWindow>> find_gguf_in_archive(const MappedFile& mapped);

}  // namespace lstar
