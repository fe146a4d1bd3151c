#include "lstar/checkpoint/mxfp4_pairs.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "lstar/checkpoint/widen.h"

namespace lstar {
namespace {

constexpr std::string_view kBlocks = "_blocks", kScales = "_scales";
constexpr int64_t kGroup = 32, kGroupBytes = 16;

bool is_half(const PlacedTensor& tensor, std::string_view suffix) {
  return tensor.info.name.ends_with(suffix) && tensor.info.type == StoredType::uint8 && tensor.strides.empty();
}

Result<PlacedTensor> joined(const PlacedTensor& blocks, const PlacedTensor& scales, std::string name) {
  std::vector<int64_t> dims = blocks.info.shape.dims;
  const bool has_groups = dims.size() >= 2 && dims.back() == kGroupBytes;
  if (has_groups) dims.pop_back();
  if (!has_groups || scales.info.shape.dims != dims)
    return fail({.what = "MXFP4 blocks and scales do not fit",
                 .expected = "shapes [..., groups, 16] and [..., groups]",
                 .found = fmt::format("{} and {}", blocks.info.shape.text(), scales.info.shape.text())});
  PlacedTensor pair{.info = {.name = std::move(name), .type = StoredType::mxfp4_pair, .shape = {}},
                    .file = blocks.file,
                    .offset = blocks.offset,
                    .bytes = blocks.bytes,
                    .scales = {scales.file, scales.offset, scales.bytes}};
  if (__builtin_mul_overflow(dims.back(), kGroup, &dims.back()))
    return fail({.what = "shape has too many elements", .found = blocks.info.shape.text()});
  pair.info.shape = {std::move(dims)};
  LSTAR_TRY(stored_bytes(pair.info.type, pair.info.shape));
  return pair;
}

// Brings scale and numbers of a group together as one block, some groups at a time, and widens these.
template <class T>
void widen_pair(const std::byte* blocks, const std::byte* scales, std::span<T> out) {
  constexpr size_t kPiece = 32, kBytes = kGroupBytes + 1;
  std::array<std::byte, kPiece * kBytes> piece;
  while (!out.empty()) {
    const size_t count = std::min(kPiece, out.size() / kGroup);
    for (size_t i = 0; i < count; ++i, blocks += kGroupBytes) {
      piece[i * kBytes] = *scales++;
      std::memcpy(&piece[i * kBytes + 1], blocks, kGroupBytes);
    }
    widen(StoredType::mxfp4_pair, piece.data(), out.first(count * kGroup));
    out = out.subspan(count * kGroup);
  }
}

}  // namespace

Result<void> join_mxfp4_pairs(std::vector<PlacedTensor>& tensors, const std::function<std::string(size_t)>& path_of) {
  const auto find = [&](const std::string& name) -> const PlacedTensor* {
    const auto at = std::lower_bound(tensors.begin(), tensors.end(), name,
                                     [](const PlacedTensor& t, const std::string& n) { return t.info.name < n; });
    return at != tensors.end() && at->info.name == name ? &*at : nullptr;
  };
  std::vector<PlacedTensor> pairs;
  for (const PlacedTensor& half : tensors) {
    const bool is_blocks = is_half(half, kBlocks);
    if (!is_blocks && !is_half(half, kScales)) continue;
    const auto refuse = [&](Error error) {
      error.file = path_of(half.file);
      error.at = tensor_label(half.info.name);
      return fail(std::move(error));
    };
    const std::string name = half.info.name.substr(0, half.info.name.size() - kBlocks.size());
    const std::string_view suffix = is_blocks ? kScales : kBlocks;
    const PlacedTensor* other = find(name + std::string(suffix));
    if (!other || !is_half(*other, suffix))
      return refuse({.kind = other ? ErrorKind::malformed : ErrorKind::missing,
                     .what = fmt::format("MXFP4 {} without {}", is_blocks ? "blocks" : "scales", suffix.substr(1)),
                     .expected = fmt::format("{} in uint8", name + std::string(suffix)),
                     .found = other ? std::string(info(other->info.type).name) : "none"});
    if (!is_blocks) continue;
    if (find(name)) return refuse({.what = "MXFP4 blocks beside the same tensor as it is", .found = name});
    auto pair = joined(half, *other, name);
    if (!pair) return refuse(std::move(pair).error());
    pairs.push_back(*std::move(pair));
  }
  if (pairs.empty()) return {};
  std::erase_if(tensors, [](const PlacedTensor& t) { return is_half(t, kBlocks) || is_half(t, kScales); });
  std::move(pairs.begin(), pairs.end(), std::back_inserter(tensors));
  std::sort(tensors.begin(), tensors.end(),
            [](const PlacedTensor& a, const PlacedTensor& b) { return a.info.name < b.info.name; });
  return {};
}

void widen_mxfp4_pair(const std::byte* blocks, const std::byte* scales, std::span<float> out) {
  widen_pair(blocks, scales, out);
}

void widen_mxfp4_pair(const std::byte* blocks, const std::byte* scales, std::span<double> out) {
  widen_pair(blocks, scales, out);
}

}  // namespace lstar
