// What a store is opened for.
#pragma once

#include <cstdint>

namespace lstar {

// read: what is there, also from where nothing can be written. write: what is there. create: a new one where there is
// none.
enum class StoreAccess : uint8_t { read, write, create };

}  // namespace lstar
