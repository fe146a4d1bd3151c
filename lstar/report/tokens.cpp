#include "lstar/report/tokens.h"

#include <fmt/core.h>

#include "lstar/base/text.h"
#include "lstar/report/json/json_writer.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {

std::string tokens_text(std::span<const int32_t> ids, const std::vector<std::string>& pieces) {
  std::string out;
  for (size_t i = 0; i < ids.size(); ++i) out += fmt::format("{:>8}  {}\n", ids[i], one_line(pieces[i]));
  return out;
}

std::string tokens_json(std::span<const int32_t> ids, const std::vector<std::string>& pieces,
                        const std::vector<std::string>& warnings) {
  JsonValue json;
  json["ids"] = std::vector<int32_t>(ids.begin(), ids.end());
  json["pieces"] = JsonValue::array();
  for (const std::string& piece : pieces) json["pieces"].push_back(valid_utf8(piece));
  json["warnings"] = warnings;
  return json_line(json);
}

}  // namespace lstar
