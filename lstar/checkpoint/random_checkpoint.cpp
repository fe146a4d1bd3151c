#include "lstar/checkpoint/random_checkpoint.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/core.h>

namespace lstar {
namespace {

// A counter-based generator: the mixing function of SplitMix64 (Steele, Lea and Flood, 2014) over a key and a counter.
uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

uint64_t key_of(std::string_view name, uint64_t seed) {
  uint64_t key = mixed(seed);
  for (const char c : name) key = mixed(key ^ static_cast<unsigned char>(c));
  return key;
}

// In (0, 1].
double uniform(uint64_t key, uint64_t counter) {
  return static_cast<double>((mixed(key ^ mixed(counter)) >> 11) + 1) * 0x1p-53;
}

// Box and Muller's pair number `pair` of standard normal numbers.
std::pair<double, double> normals(uint64_t key, uint64_t pair) {
  const double radius = std::sqrt(-2 * std::log(uniform(key, 2 * pair)));
  const double angle = 2 * std::numbers::pi * uniform(key, 2 * pair + 1);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

RandomCheckpoint::RandomCheckpoint(std::vector<RandomTensor> tensors, uint64_t seed, std::string name) {
  path_ = std::move(name);
  format_ = "random";
  std::sort(tensors.begin(), tensors.end(),
            [](const RandomTensor& a, const RandomTensor& b) { return a.info.name < b.info.name; });
  for (RandomTensor& tensor : tensors) {
    sources_.push_back({tensor.mean, tensor.deviation, key_of(tensor.info.name, seed)});
    tensor.info.type = StoredType::float32;
    tensors_.push_back(std::move(tensor.info));
  }
}

template <class T>
Result<void> RandomCheckpoint::draw(const TensorInfo& asked, RowRange rows, std::span<T> out) const {
  const TensorInfo* tensor = find(asked.name);
  const int64_t all_rows = asked.shape.rows(), cols = asked.shape.cols();
  if (!tensor || tensor->shape != asked.shape || rows.begin < 0 || rows.begin > rows.end || rows.end > all_rows ||
      out.size() != static_cast<size_t>(rows.count() * cols))
    return fail({.kind = ErrorKind::argument,
                 .what = "rows out of range",
                 .file = path_,
                 .at = "tensor " + asked.name,
                 .expected = fmt::format("within 0..{}", all_rows),
                 .found = fmt::format("{}..{}", rows.begin, rows.end)});
  const Source& source = sources_[static_cast<size_t>(tensor - tensors_.data())];
  const auto value = [&](double normal) {
    return static_cast<T>(static_cast<float>(source.mean + source.deviation * normal));
  };
  if (source.deviation == 0) {
    std::fill(out.begin(), out.end(), value(0));
    return {};
  }
  const auto first = static_cast<uint64_t>(rows.begin * cols), last = static_cast<uint64_t>(rows.end * cols);
  for (uint64_t pair = first / 2; 2 * pair < last; ++pair) {
    const auto [even, odd] = normals(source.key, pair);
    if (2 * pair >= first) out[2 * pair - first] = value(even);
    if (2 * pair + 1 < last) out[2 * pair + 1 - first] = value(odd);
  }
  return {};
}

Result<void> RandomCheckpoint::read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const {
  return draw(tensor, rows, out);
}

Result<void> RandomCheckpoint::read(const TensorInfo& tensor, RowRange rows, std::span<double> out) const {
  return draw(tensor, rows, out);
}

}  // namespace lstar
