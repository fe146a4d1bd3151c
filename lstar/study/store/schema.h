// The tables of a store. docs/store.md describes them for people.
#pragma once

#include "lstar/base/result.h"

namespace lstar {

class Database;

// "LSTR": who opens the file by other means sees whose it is.
inline constexpr int kApplicationId = 0x4c535452;
// Raised when the tables change. The records in them have a version of their own (record.h).
inline constexpr int kSchemaVersion = 1;

// Whether a database is a store that this lstar reads, to the letter of its schema; one that is empty becomes a store
// where `may_create`. A file of another program is not touched.
Result<void> check_schema(Database&, bool may_create);

}  // namespace lstar
