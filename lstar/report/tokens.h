// What `lstar tokenize` shows. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lstar {

std::string tokens_text(std::span<const int32_t> ids, const std::vector<std::string>& pieces);
std::string tokens_json(std::span<const int32_t> ids, const std::vector<std::string>& pieces,
                        const std::vector<std::string>& warnings);

}  // namespace lstar
