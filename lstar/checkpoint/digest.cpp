#include "lstar/checkpoint/digest.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <string_view>

namespace lstar {
namespace {

EVP_MD_CTX* evp(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

void Digest::Free::operator()(void* context) const { EVP_MD_CTX_free(evp(context)); }

Digest::Digest(const char* name) : context_(EVP_MD_CTX_new()) {
  const EVP_MD* kind = EVP_get_digestbyname(name);
  good_ = context_ && kind && EVP_DigestInit_ex(evp(context_.get()), kind, nullptr) == 1;
}

Digest Digest::sha256() { return Digest("SHA256"); }

Digest Digest::git_blob(uint64_t size) {
  Digest digest("SHA1");
  const std::string head = fmt::format("blob {}", size);
  digest.update(std::as_bytes(std::span(head.c_str(), head.size() + 1)));  // with its NUL
  return digest;
}

void Digest::update(std::span<const std::byte> bytes) {
  good_ = good_ && EVP_DigestUpdate(evp(context_.get()), bytes.data(), bytes.size()) == 1;
}

std::string Digest::finish() {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!good_ || EVP_DigestFinal_ex(evp(context_.get()), value, &size) != 1) return "";
  good_ = false;
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", value[i]);
  return text;
}

bool is_content_hash(const std::string& etag) {
  return (etag.size() == 40 || etag.size() == 64) && etag.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Digest digest_of(const std::string& etag, uint64_t size) {
  return etag.size() == 40 ? Digest::git_blob(size) : Digest::sha256();
}

}  // namespace lstar
