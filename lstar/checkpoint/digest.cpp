#include "lstar/checkpoint/digest.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <string_view>

namespace lstar {
namespace {

EVP_MD_CTX* evp(void* context) { return static_cast<EVP_MD_CTX*>(context); }

// Looked up once: by name it costs more than to hash a short text.
const EVP_MD* sha1() {
  static const EVP_MD* const kind = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return kind;
}
const EVP_MD* sha256() {
  static const EVP_MD* const kind = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kind;
}

}  // namespace

void Digest::Free::operator()(void* context) const { EVP_MD_CTX_free(evp(context)); }

Digest::Digest(const evp_md_st* kind) : context_(EVP_MD_CTX_new()) {
  good_ = context_ && kind && EVP_DigestInit_ex(evp(context_.get()), kind, nullptr) == 1;
}

Digest Digest::sha256() { return Digest(lstar::sha256()); }

Digest Digest::git_blob(uint64_t size) {
  Digest digest(sha1());
  const std::string head = fmt::format("blob {}", size);
  digest.update(std::as_bytes(std::span(head.c_str(), head.size() + 1)));  // with its NUL
  return digest;
}

void Digest::update(std::span<const std::byte> bytes) {
  good_ = good_ && EVP_DigestUpdate(evp(context_.get()), bytes.data(), bytes.size()) == 1;
}

std::string Digest::finish_bytes() {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!good_ || EVP_DigestFinal_ex(evp(context_.get()), value, &size) != 1) return "";
  good_ = false;
  return {reinterpret_cast<const char*>(value), size};
}

std::string Digest::finish() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : finish_bytes()) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

bool is_content_hash(const std::string& etag) {
  return (etag.size() == 40 || etag.size() == 64) && etag.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Digest digest_of(const std::string& etag, uint64_t size) {
  return etag.size() == 40 ? Digest::git_blob(size) : Digest::sha256();
}

}  // namespace lstar
