#include <algorithm>

#include "lstar/base/json.h"
#include "lstar/hub/hub_client.h"

namespace lstar {
namespace {

constexpr size_t kLargestAnswer = size_t{16} << 20;
constexpr size_t kMostFiles = 100'000;

}  // namespace

std::optional<RemoteRepository> HubClient::describe(const HubModel& model, RemoteRepository::Kind kind) {
  if (environment_.offline) return std::nullopt;
  using Kind = RemoteRepository::Kind;
  const std::string of = kind == Kind::model ? "models" : kind == Kind::dataset ? "datasets" : "spaces";
  std::string url = environment_.endpoint + "/api/" + of + "/" + model.repo;
  if (kind == Kind::model) url += "/revision/" + percent_encoded(model.revision);
  std::string text;
  const auto answer = follow({.url = url}, [&](const HttpAnswer&, std::span<const std::byte> bytes) {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return text.size() <= kLargestAnswer;
  });
  direct_file_.clear();  // what was found is no file's place
  direct_url_.clear();
  if (!answer || !answer->is_success() || !answer->fault.empty()) return std::nullopt;
  const auto document = JsonDocument::parse(text, shown_url(url));
  if (!document) return std::nullopt;
  const std::optional<Json> files = document->root().find("siblings");
  if (!files || !files->is_array()) return std::nullopt;  // something else answers there
  RemoteRepository found{.kind = kind};
  for (const Json file : files->items())
    if (auto name = file.string("rfilename"); name && found.files.size() < kMostFiles)
      found.files.push_back(*std::move(name));
  std::sort(found.files.begin(), found.files.end());
  found.is_gated = document->root().string("gated").has_value();  // false, or how
  found_ = found_ || kind == Kind::model;
  return found;
}

}  // namespace lstar
