#include "lstar/checkpoint/checkpoint_identity.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/mapped_file.h"

namespace lstar {
namespace {

constexpr uint64_t kPiece = uint64_t{8} << 20;  // hashed, then given back

Result<std::string> sha256(const MappedFile& file) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  for (uint64_t begin = 0; good && begin < file.size(); begin += kPiece) {
    const auto piece = file.bytes().subspan(begin, std::min(kPiece, file.size() - begin));
    good = EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1;
    file.drop(begin, piece.size());
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!good || EVP_DigestFinal_ex(context.get(), digest, &size) != 1)
    return fail({.what = "SHA-256 is not available from OpenSSL", .file = file.path()});
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace

Result<std::vector<FileIdentity>> identify(const Checkpoint& checkpoint) {
  std::vector<FileIdentity> identities;
  for (const MappedFile* file : checkpoint.files()) {
    LSTAR_ASSIGN(std::string hash, sha256(*file));
    identities.push_back({file->file_name(), file->size(), std::move(hash)});
  }
  return identities;
}

}  // namespace lstar
