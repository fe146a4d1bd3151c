// What a file is by bytes at a fixed place: one table, for those who expected text and for those who expected a model.
// A row is one line to add; both then know it. Pure.
#pragma once

#include <span>
#include <string_view>

namespace lstar {

enum class FileGroup {
  table,   // rows and columns of data
  packed,  // another file, or several, compressed or in an archive
  unsure,  // a model, what a model may lie in, or bytes that a broken one may begin with: a model's reader looks closer
  other,   // documents, images, recordings, programs
};

struct FileMagic {
  std::string_view id;  // several rows may share one
  std::string_view bytes;
  size_t at = 0;
  FileGroup group = FileGroup::other;
  std::string_view what;  // "a Parquet file"
  std::string_view
      as_text;  // how its text comes out of it, "write its column as JSON Lines"; empty where none is in it

  bool fits(std::string_view content) const { return content.size() >= at && content.substr(at).starts_with(bytes); }
};

// In the order in which they are tried.
std::span<const FileMagic> file_magics();

// The first row that fits; null where none does.
const FileMagic* magic_of(std::string_view content);

// Whether one of the rows of that id fits.
bool has_magic(std::string_view content, std::string_view id);

}  // namespace lstar
