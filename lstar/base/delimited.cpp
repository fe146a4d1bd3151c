#include "lstar/base/delimited.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

namespace lstar {
namespace {

bool is_line_end(char c) { return c == '\n' || c == '\r'; }

class Reader {
 public:
  Reader(std::string_view text, char delimiter, int first_line)
      : text_(text), delimiter_(delimiter), line_(first_line) {}

  Result<std::vector<DelimitedRow>> rows(const std::string& source) {
    std::vector<DelimitedRow> rows;
    while (at_ < text_.size()) {
      DelimitedRow row{.line = line_};
      for (bool more = true; more;) {
        auto cell = next_cell();
        if (!cell)
          return fail({.what = "a quoted cell is not closed, or text follows its closing quote",
                       .file = source,
                       .at = fmt::format("line {}", line_),
                       .expected = "\"...\" with \"\" for a quote inside"});
        row.cells.push_back(*std::move(cell));
        more = at_ < text_.size() && text_[at_] == delimiter_;
        if (more) ++at_;
      }
      end_line();
      if (row.cells.size() > 1 || !row.cells[0].empty()) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  // None where quotes are malformed and must not be.
  std::optional<std::string> next_cell() {
    if (at_ < text_.size() && text_[at_] == '"') {
      if (auto cell = quoted()) return cell;
      if (delimiter_ != '\t') return std::nullopt;
    }
    const char ends[] = {delimiter_, '\n', '\r', '\0'};
    const size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    std::string cell(text_.substr(at_, end - at_));
    at_ = end;
    return cell;
  }

  // The quoted cell that opens here, if a delimiter or the end of its line follows it.
  std::optional<std::string> quoted() {
    std::string cell;
    int lines = 0;
    for (size_t i = at_ + 1; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c != '"') {
        cell += c;
        lines += c == '\n' || (c == '\r' && !text_.substr(i).starts_with("\r\n"));
        continue;
      }
      if (text_.substr(i).starts_with("\"\"")) {
        cell += text_[i++];
        continue;
      }
      if (i + 1 < text_.size() && text_[i + 1] != delimiter_ && !is_line_end(text_[i + 1])) return std::nullopt;
      at_ = i + 1;
      line_ += lines;
      return cell;
    }
    return std::nullopt;
  }

  void end_line() {
    if (text_.substr(at_).starts_with("\r\n")) ++at_;
    ++at_;
    ++line_;
  }

  std::string_view text_;
  char delimiter_;
  size_t at_ = 0;
  int line_;
};

}  // namespace

Result<std::vector<DelimitedRow>> read_delimited(std::string_view text, char delimiter, const std::string& source,
                                                 int first_line) {
  return Reader(text, delimiter, first_line).rows(source);
}

}  // namespace lstar
