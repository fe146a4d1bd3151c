// What a stored number is of. The same key and the same token ids give the same bits, so that nothing is measured twice
// and nothing is mixed that is not the same:
//
// content   what is in the checkpoint (content.h)
// dtype     what the run computes in
// numerics  kNumericsVersion of the lstar that computed it
// backend   Backend::description(), which names the vector target: instruction sets add in another order
//
// Not part of it: threads, batches and the arrays that were wanted, none of which changes a bit; the tokenizer and the
// prompts' texts, for ids are the key; the head layout, on which the norms of weights alone depend, so that these are
// kept once for each.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lstar/base/dtype.h"
#include "lstar/compute/numerics_version.h"
#include "lstar/version.h"

namespace lstar {

struct StoreKey {
  std::string content;
  Dtype dtype = Dtype::float32;
  int numerics = kNumericsVersion;
  std::string backend;
  bool operator==(const StoreKey&) const = default;
};

// How something in the store came about. Names neither host nor user; the command line is as it was typed.
struct Provenance {
  std::string time;      // ISO 8601, UTC: "2026-11-29T21:15:00Z"
  std::string command;   // "lstar run --manifest m.toml"
  std::string manifest;  // as the user named it; empty without one
  int threads = 0;
  double seconds = 0;
  std::string version = kVersion;  // of lstar
  bool operator==(const Provenance&) const = default;
};

// 32 bytes, by which the observations of these ids are found.
std::string digest_of_ids(std::span<const int32_t> ids);

}  // namespace lstar
