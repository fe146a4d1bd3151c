// Rows of delimited text (CSV, TSV) as spreadsheets and pandas write them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

struct DelimitedRow {
  int line = 0;  // on which it begins, from 1
  std::vector<std::string> cells;
};

// Cells may stand in double quotes, in which "" is one quote and line breaks belong to the text. Lines end in LF, CRLF
// or CR; those that hold nothing are skipped. Where quotes are not well formed, a comma-separated file is refused, and
// a tab-separated one has them as they stand. `first_line` is the number of the text's first line in its file.
Result<std::vector<DelimitedRow>> read_delimited(std::string_view text, char delimiter, const std::string& source,
                                                 int first_line = 1);

}  // namespace lstar
