// The names in a folder on disk, or of the files of a repository on the hub, so that one rule can judge both: which
// files hold weights (weight_files.h), and what a thing is that holds none (handed_over.h). Plain data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

struct Listing {
  std::string folder;              // on disk; empty for a repository
  std::vector<std::string> names;  // sorted; a folder's ends in '/'; a repository's files have their whole paths

  bool has(std::string_view name) const;  // a file, or a folder where the name ends in '/'
  // The names of plain files right here that begin and end so.
  std::vector<std::string> files(std::string_view begin, std::string_view end) const;
  bool any(std::string_view begin, std::string_view end = {}) const { return !files(begin, end).empty(); }
  std::vector<std::string> folders() const;  // right here, without the '/'; of more than 1000 the first
  // A folder's own listing; empty where it cannot be read.
  Listing under(const std::string& name) const;
};

// Says why a folder cannot be read. Of more than 100,000 names the first are taken.
Result<Listing> list_folder(const std::string& path);

// Whether a path leads to something. A link to what is not there, and whatever the system does not let us know
// ("Permission denied"), are errors: neither is the same as absent.
Result<bool> is_there(const std::string& path);

// The same for a file that is to be read.
Result<bool> is_readable(const std::string& path);

// The first few of many names, as one can show them: "a, b, c and 7 more".
std::string first_few(const std::vector<std::string>& names, size_t count = 6);

// A text from a file as one can show it: printable ASCII, at most `longest` of it.
std::string plain_text(std::string_view text, size_t longest = 100);

}  // namespace lstar
