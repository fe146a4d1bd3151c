#include "lstar/checkpoint/shard_name.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace lstar {

std::string ShardName::name(int shard) const { return fmt::format("{}{:05}-of-{:05}{}", before, shard, count, after); }

std::optional<ShardName> parse_shard_name(std::string_view name) {
  constexpr std::string_view kOf = "-of-";
  constexpr size_t kDigits = 5;
  const size_t of = name.rfind(kOf);
  if (of == name.npos || of < kDigits + 1 || name.size() < of + kOf.size() + kDigits) return std::nullopt;
  const std::string_view number = name.substr(of - kDigits, kDigits), count = name.substr(of + kOf.size(), kDigits);
  const auto all_digits = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!all_digits(number) || !all_digits(count)) return std::nullopt;
  ShardName shard{.before = std::string(name.substr(0, of - kDigits)),
                  .after = std::string(name.substr(of + kOf.size() + kDigits))};
  std::from_chars(number.data(), number.data() + kDigits, shard.number);
  std::from_chars(count.data(), count.data() + kDigits, shard.count);
  if (shard.number < 1 || shard.number > shard.count) return std::nullopt;
  return shard;
}

std::optional<ShardName> parse_gguf_part_name(std::string_view name) {
  auto shard = parse_shard_name(name);
  if (shard && (shard->after != ".gguf" || !shard->before.ends_with('-'))) shard.reset();
  return shard;
}

}  // namespace lstar
