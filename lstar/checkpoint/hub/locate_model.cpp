#include "lstar/checkpoint/hub/locate_model.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace lstar {
namespace {

Error not_found(const std::string& text, const std::string& cache, std::string why) {
  return {.what = "neither on disk nor in the cache",
          .file = text,
          .expected = "a folder in Hugging Face's layout, a .gguf file, or a hub id in " + cache,
          .found = std::move(why)};
}

}  // namespace

Result<std::string> locate_model(const std::string& text, const LocateOptions& options) {
  struct stat status {};
  if (options.disk_first && ::stat(text.c_str(), &status) == 0) return text;
  const auto model = parse_hub_model(text);
  const bool is_path = text.ends_with(".gguf") || (!model && text.find('@') == std::string::npos);
  if (options.disk_first && is_path) return text;  // what opens it says what is wrong
  if (!model) return fail(model.error());

  const HubCache cache(options.hub.cache, model->repo);
  const auto complete = cached_snapshot(cache, *model, options.needs);
  if (complete && (!options.update || is_commit(model->revision) || options.hub.offline)) return *complete;
  // Weights without a tokenizer are enough for somebody who gives token ids.
  const auto usable =
      options.needs.weights ? cached_snapshot(cache, *model, {.weights = true, .tokenizer = false}) : std::nullopt;
  if (options.hub.offline) {
    if (usable) return *usable;
    return fail(not_found(text, cache.folder(), "not asked the hub: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set"));
  }
  HubClient client(options.hub, options.retries);
  const auto plan = plan_download(client, cache, *model, options.needs);
  Result<std::string> brought = fail(plan ? Error() : plan.error());
  if (plan) {
    if (!plan->files.empty() && options.begin) options.begin(*plan);
    brought = download(client, cache, *plan, options.download, options.progress);
    if (brought) return brought;
  }
  const auto fallback = complete ? complete : usable;
  if (!fallback) {
    Error error = brought.error();
    if (!plan) error.what.insert(0, "neither on disk nor in the cache: ");
    return fail(std::move(error));
  }
  if (options.remark) options.remark("goes on with what the cache holds: " + brought.error().message());
  return *fallback;
}

}  // namespace lstar
