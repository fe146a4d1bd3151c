#include "lstar/base/expand.h"

#include <cctype>

namespace lstar {

std::string expanded_names(const std::string& text, NameForm form,
                           const std::function<std::optional<std::string>(const std::string& name)>& value) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const bool is_braced = text.compare(i, 2, "${") == 0;
    if (!is_braced && (text[i] != '$' || form == NameForm::braced)) {
      out += text[i++];
      continue;
    }
    const size_t begin = i + (is_braced ? 2 : 1);
    size_t end = begin;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    const bool is_named = end > begin && (!is_braced || (end < text.size() && text[end] == '}'));
    const auto found = is_named ? value(text.substr(begin, end - begin)) : std::nullopt;
    const size_t next = is_named ? end + (is_braced ? 1 : 0) : i + 1;
    out += found ? *found : text.substr(i, next - i);
    i = next;
  }
  return out;
}

}  // namespace lstar
