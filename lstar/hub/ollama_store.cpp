#include "lstar/hub/ollama_store.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "lstar/base/text.h"
#include "lstar/base/walk_folder.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestManifest = size_t{1} << 20;
constexpr size_t kMostEntries = 10'000;  // of one folder
constexpr std::string_view kLayer = "application/vnd.ollama.image.";

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Each part becomes a folder's name: it begins with a letter, a digit or '_', and has no '/'.
bool is_part(std::string_view part, std::string_view also, size_t longest) {
  return !part.empty() && part.size() <= longest && is_word(part.front()) &&
         std::all_of(part.begin(), part.end(), [&](char c) { return is_word(c) || also.find(c) != also.npos; });
}

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_store(const std::string& path) { return is_folder(path + "/manifests") && is_folder(path + "/blobs"); }

// The names in a folder, sorted, without those that begin with a dot. A folder that is not there has none.
Result<std::vector<std::string>> entries(const std::string& folder) {
  std::vector<std::string> names;
  const int error = walk_folder(folder, [&](const FolderEntry& entry) {
    if (!entry.name.starts_with('.')) names.emplace_back(entry.name);
    return names.size() < kMostEntries;
  });
  if (error != 0 && error != ENOENT && error != ENOTDIR)
    return fail({.kind = kind_of_errno(error),
                 .what = std::string("Ollama's store cannot be read: ") + std::strerror(error),
                 .file = folder});
  std::sort(names.begin(), names.end());
  return names;
}

// The manifest's path, with upper and lower case as they are on disk; empty where there is none.
Result<std::string> manifest_of(const std::string& store, const OllamaName& name) {
  std::string path = store + "/manifests";
  for (const std::string& part : {name.host, name.space, name.name, name.tag}) {
    LSTAR_ASSIGN(const std::vector<std::string> names, entries(path));
    auto found = std::find(names.begin(), names.end(), part);
    if (found == names.end())
      found = std::find_if(names.begin(), names.end(),
                           [&](const std::string& n) { return lower_ascii(n) == lower_ascii(part); });
    if (found == names.end()) return std::string();
    path += "/" + *found;
  }
  return path;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// A layer's file in blobs/.
Result<std::string> blob_of(const std::string& store, const std::string& name, std::string_view digest,
                            std::optional<int64_t> size) {
  if (!digest.starts_with("sha256:") || !is_sha256(digest.substr(7)))
    return fail({.what = "bad digest of a layer",
                 .file = name,
                 .expected = "sha256: and 64 hexadecimal digits",
                 .found = std::string(digest)});
  const std::string hex(digest.substr(7)), blobs = store + "/blobs/sha256";
  struct stat status {};
  for (const char separator : {'-', ':'}) {  // ':' until version 0.1.33
    const std::string path = blobs + separator + hex;
    if (::stat(path.c_str(), &status) != 0) {
      if (errno == ENOENT) continue;
      return fail({.kind = kind_of_errno(errno),
                   .what = std::string("cannot be opened: ") + std::strerror(errno),
                   .file = path});
    }
    if (!S_ISREG(status.st_mode))
      return fail({.kind = ErrorKind::unsupported, .what = "not a regular file", .file = path});
    if (size && status.st_size != *size)
      return fail({.what = "Ollama's file of " + name + " is not whole",
                   .file = path,
                   .expected = fmt::format("{} bytes", *size),
                   .found = fmt::format("{}", status.st_size)});
    return path;
  }
  if (::stat((blobs + "-" + hex + "-partial").c_str(), &status) == 0)
    return fail({.kind = ErrorKind::missing,
                 .what = fmt::format("Ollama has not finished its download: ollama pull {}", name),
                 .file = name});
  return fail({.kind = ErrorKind::missing,
               .what = fmt::format("Ollama's store names a file that is not there: ollama pull {}", name),
               .file = blobs + "-" + hex});
}

Result<OllamaModel> read_manifest_file(const std::string& store, const std::string& path, const std::string& name) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return fail(
        {.kind = kind_of_errno(errno), .what = std::string("cannot be opened: ") + std::strerror(errno), .file = path});
  if (!S_ISREG(status.st_mode))
    return fail({.kind = ErrorKind::unsupported, .what = "not a regular file", .file = path});
  LSTAR_ASSIGN(const std::string text, read_file(path, kLargestManifest));
  LSTAR_ASSIGN(const JsonDocument document, JsonDocument::parse(text, path));
  const std::optional<Json> layers = document.root().find("layers");
  if (!layers || !layers->is_array()) return fail({.what = "a manifest of Ollama's without layers", .file = path});
  OllamaModel model;
  bool has_tensors = false, has_adapter = false;
  for (const Json layer : layers->items()) {
    const std::string media = layer.string("mediaType").value_or("");
    if (!media.starts_with(kLayer)) continue;
    const std::string kind = media.substr(kLayer.size());
    if (kind == "adapter")
      has_adapter = true;
    else if (kind == "projector")
      model.notes.push_back(name + ": its projector of images is not read");
    else if (kind == "tensor")
      has_tensors = true;
    if (kind != "model") continue;
    if (!model.path.empty())
      return fail({.kind = ErrorKind::unsupported,
                   .what = "Ollama keeps this model in several files, which are not read together",
                   .file = name});
    LSTAR_ASSIGN(model.path, blob_of(store, name, layer.string("digest").value_or(""), layer.integer("size")));
  }
  if (model.path.empty())
    return fail({.kind = has_tensors ? ErrorKind::unsupported : ErrorKind::missing,
                 .what = has_tensors ? "Ollama keeps this model as single tensors, not as a GGUF file"
                                     : "Ollama keeps no weights of this model on this machine",
                 .file = name});
  if (has_adapter)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "a model with an adapter, which is not applied here; the model below it is " + model.path,
                 .file = name});
  return model;
}

// The names under manifests/, or under a folder in it that so many of the four parts lead to.
Result<void> list_models(const std::string& folder, std::vector<std::string> parts, size_t most,
                         std::vector<std::string>& names) {
  if (parts.size() == 4) {
    const OllamaName name{parts[0], parts[1], parts[2], parts[3]};
    if (parse_ollama_name(name.text())) names.push_back(name.text());
    return {};
  }
  LSTAR_ASSIGN(const std::vector<std::string> found, entries(folder));
  for (const std::string& entry : found) {
    if (names.size() >= most) break;
    parts.push_back(entry);
    LSTAR_TRY(list_models(folder + "/" + entry, parts, most, names));
    parts.pop_back();
  }
  return {};
}

}  // namespace

std::string OllamaName::text() const {
  std::string out = is_default_host() ? "" : host + "/";
  if (!is_default_host() || space != "library") out += space + "/";
  return out + name + ":" + tag;
}

std::optional<OllamaName> parse_ollama_name(std::string_view text) {
  OllamaName out;
  if (const size_t colon = text.rfind(':'); colon != text.npos && text.find('/', colon) == text.npos) {
    out.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  std::vector<std::string> parts;
  for (bool more = true; more;) {
    const size_t slash = text.find('/');
    more = slash != text.npos;
    parts.emplace_back(text.substr(0, slash));
    text.remove_prefix(more ? slash + 1 : text.size());
  }
  if (parts.size() > 3) return std::nullopt;
  out.name = parts.back();
  if (parts.size() > 1) out.space = parts[parts.size() - 2];
  if (parts.size() > 2) out.host = parts[0];
  const bool good = is_part(out.host, "-.:", 350) && is_part(out.space, "-.", 80) && is_part(out.name, "-.", 120) &&
                    is_part(out.tag, "-.", 120);
  return good ? std::optional(out) : std::nullopt;
}

Result<std::optional<OllamaModel>> find_ollama_model(const std::vector<std::string>& stores, const OllamaName& name) {
  std::optional<Error> unreadable;
  for (const std::string& store : stores) {
    const auto manifest = manifest_of(store, name);
    if (!manifest && !unreadable) unreadable = manifest.error();
    if (!manifest || manifest->empty()) continue;
    LSTAR_ASSIGN(OllamaModel model, read_manifest_file(store, *manifest, name.text()));
    return model;
  }
  if (unreadable) return fail(*std::move(unreadable));
  return std::nullopt;
}

Result<std::vector<std::string>> ollama_models(const std::vector<std::string>& stores, size_t most) {
  std::vector<std::string> names;
  for (const std::string& store : stores) LSTAR_TRY(list_models(store + "/manifests", {}, most, names));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string first_names(const std::vector<std::string>& names, size_t most) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) out += (i > 0 ? ", " : "") + names[i];
  return names.size() > most ? out + ", ..." : out;
}

std::optional<Result<OllamaModel>> ollama_model_at(const std::string& path, const std::vector<std::string>& stores) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return std::nullopt;
  std::string store;
  std::vector<std::string> parts;  // behind the store
  for (fs::path at = real; store.empty() && parts.size() <= 5 && at.has_relative_path(); at = at.parent_path()) {
    if (is_store(at))
      store = at;
    else if (at == real && is_store(at / "models"))
      store = at / "models";  // ~/.ollama
    else
      parts.insert(parts.begin(), at.filename());
  }
  if (store.empty()) return std::nullopt;
  const bool is_in_manifests = !parts.empty() && parts[0] == "manifests";
  if (!parts.empty() && !is_in_manifests && (parts[0] != "blobs" || parts.size() > 1)) return std::nullopt;
  if (is_in_manifests) parts.erase(parts.begin());
  if (parts.size() == 4 && !is_folder(real)) {
    const OllamaName name{parts[0], parts[1], parts[2], parts[3]};
    return read_manifest_file(store, real, name.text());
  }
  if (!is_in_manifests) parts.clear();
  std::vector<std::string> names;
  if (auto listed = list_models(is_in_manifests ? real.string() : store + "/manifests", parts, 1000, names); !listed)
    return fail(std::move(listed).error());
  if (names.empty())
    return fail({.kind = ErrorKind::missing, .what = "Ollama's store, which holds no models", .file = path});
  const bool is_known = std::any_of(stores.begin(), stores.end(), [&](const std::string& known) {
    std::error_code ignored;
    return fs::equivalent(known, store, ignored);
  });
  return fail(
      {.kind = ErrorKind::unsupported,
       .what = fmt::format("Ollama's store: {}pass one of: {}",
                           is_known ? "" : fmt::format("set OLLAMA_MODELS to {} and ", store), first_names(names)),
       .file = path});
}

}  // namespace lstar
