// SHA-256, and SHA-1 as git computes it for a file, over bytes that come piece by piece. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct evp_md_st;  // OpenSSL's EVP_MD

namespace lstar {

class Digest {
 public:
  static Digest sha256();
  static Digest git_blob(uint64_t size);  // "blob SIZE\0" goes before the content

  void update(std::span<const std::byte> bytes);

  // Lower-case hexadecimal digits; empty where OpenSSL has no such hash. Ends the digest.
  std::string finish();
  std::string finish_bytes();  // the same as 32 or 20 bytes

 private:
  struct Free {
    void operator()(void* context) const;
  };
  explicit Digest(const evp_md_st* kind);

  std::unique_ptr<void, Free> context_;
  bool good_ = false;
};

// Whether a hub's etag is a hash of the content: SHA-256, or git's SHA-1. Some mirrors have tags of their own, by which
// nothing can be checked.
bool is_content_hash(const std::string& etag);

// The digest that is to give such an etag.
Digest digest_of(const std::string& etag, uint64_t size);

}  // namespace lstar
