// The GGUFs of a folder, told by their first bytes: programs put a model, its vision projector, importance matrix and
// adapters side by side, under any names, and several quantisations of one model too.
#pragma once

#include <optional>

#include "lstar/base/result.h"
#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/mapped_file.h"

namespace lstar {

// The one language model that lies in the folder; the parts of a split one count as one. Nothing where the folder has
// no GGUF. Several models, other things alone, and a .gguf that cannot be opened are an error that names them.
Result<std::optional<MappedFile>> find_gguf(const Listing& listing);

}  // namespace lstar
