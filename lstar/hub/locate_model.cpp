#include "lstar/hub/locate_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "lstar/base/catch_memory.h"
#include "lstar/base/nearest.h"
#include "lstar/checkpoint/digest.h"
#include "lstar/checkpoint/folder_listing.h"
#include "lstar/hub/model_text.h"
#include "lstar/hub/near_path.h"
#include "lstar/hub/ollama_store.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;
using Kind = ModelText::Kind;

constexpr const char* kWhatModelIs =
    "a folder in Hugging Face's layout, a .gguf file, or a hub id (org/name or org/name@revision)";

bool begins_on_disk(const std::string& path) {
  std::error_code error;
  return fs::exists(*fs::path(path).begin(), error);
}

Error no_such_path(const ModelText& model) {
  Error error{.kind = ErrorKind::missing, .file = model.text};
  if (const auto near = near_path(model.text))
    error.what = fmt::format("no such {}; did you mean {}?", model.text.ends_with(".gguf") ? "file" : "folder", *near);
  else if (!model.hint.empty() && !begins_on_disk(model.text))
    error.what = "not on disk; " + model.hint;
  else {
    error.what = "not on disk";
    error.expected = kWhatModelIs;
  }
  return error;
}

std::string tell(const OllamaModel& model, const LocateOptions& options) {
  if (options.remark && options.ask_hub)
    for (const std::string& note : model.notes) options.remark(note);
  return model.path;
}

Error no_such_tag(const ModelText& model, const LocateOptions& options) {
  Error error{.kind = ErrorKind::missing, .file = model.text};
  const auto names = ollama_models(options.hub.ollama_stores);
  const auto near = names ? nearest(model.text, *names) : std::nullopt;
  const auto name = parse_ollama_name(model.text);
  const std::string store = !names           ? "not in Ollama's store"
                            : names->empty() ? "no models of Ollama's here (OLLAMA_MODELS, ~/.ollama/models)"
                                             : "not in Ollama's store, which has " + first_names(*names, 5);
  if (const auto path = near_path(model.text))
    error.what = fmt::format("no such folder; did you mean {}?", *path);
  else if (near)
    error.what = fmt::format("not in Ollama's store; did you mean {}?", *near);
  else if (model.hint.starts_with("a revision"))
    error.what = "not on disk; " + model.hint;
  else
    error.what = fmt::format("a name with a tag, as Ollama writes it; {}; {}", store,
                             !model.hint.empty() ? model.hint
                             : name              ? "ollama pull " + name->text() + " brings it"
                                                 : "it is no name of Ollama's either");
  return error;
}

Result<std::string> located_on_disk(const std::string& path, const LocateOptions& options) {
  if (const auto model = ollama_model_at(path, options.hub.ollama_stores)) {
    if (!*model) return fail(model->error());
    return tell(**model, options);
  }
  return path.substr(0, std::max<size_t>(path.find_last_not_of('/') + 1, 1));  // names of files are put behind it
}

// A model of the hub: in the cache, or brought into it.
class HubLocator {
 public:
  HubLocator(const std::string& text, const HubModel& model, const LocateOptions& options)
      : text_(text), model_(model), options_(options), cache_(options.hub.cache, model.repo) {}

  Result<std::string> locate() {
    const auto complete = cached_snapshot(cache_, model_, options_.needs);
    const bool stays_offline = options_.hub.offline || !options_.ask_hub;
    if (complete && (!options_.update || is_commit(model_.revision) || stays_offline)) return *complete;
    // Weights without a tokenizer are enough for somebody who gives token ids.
    const auto usable =
        options_.needs.weights ? cached_snapshot(cache_, model_, {.weights = true, .tokenizer = false}) : std::nullopt;
    const auto fallback = complete ? complete : usable;
    if (stays_offline && fallback) return *fallback;
    if (!fallback)
      if (auto refused = cache_.no_access(model_.revision)) return fail(*std::move(refused));
    if (stays_offline) return offline();
    if (options_.remark && !options_.hub.token.empty() && travels_in_the_open(options_.hub.endpoint))
      options_.remark(fmt::format("the token goes to {} unencrypted (HF_ENDPOINT)", shown_url(options_.hub.endpoint)));
    HubClient client(options_.hub, options_.retries);
    const auto plan = plan_download(client, cache_, model_, options_.needs);
    if (!plan && !fallback) return not_planned(plan.error(), client);
    auto brought = plan ? bring(client, *plan) : Result<std::string>(fail(plan.error()));
    if (brought) return brought;
    if (!fallback) return fail(brought.error());
    if (options_.remark) options_.remark("goes on with what the cache holds: " + brought.error().message());
    return *fallback;
  }

 private:
  Result<std::string> bring(HubClient& client, const DownloadPlan& plan) const {
    if (!plan.files.empty() && options_.begin) options_.begin(plan);
    const auto unchecked = std::count_if(plan.files.begin(), plan.files.end(),
                                         [](const RemoteFile& file) { return !is_content_hash(file.etag); });
    if (unchecked > 0 && options_.remark)
      options_.remark(fmt::format("{}: of {} of its files the hub gives no hash: they are taken as they come",
                                  model_.text(), unchecked));
    auto brought = download(client, cache_, plan, options_.download, options_.on_step);
    if (!brought && !options_.hub.has_home) brought.error().what.insert(0, "HOME is not set: ");
    return brought;
  }

  // Ollama's model of the same name, which has no tag: what the hub has goes before it, and so does its answer before
  // the troubles of a store.
  std::optional<OllamaModel> of_ollama() const {
    const auto name = parse_ollama_name(text_);
    if (!options_.ask_hub || !options_.disk_first || !name) return std::nullopt;
    const auto model = find_ollama_model(options_.hub.ollama_stores, *name);
    if (!model || !*model) return std::nullopt;
    if (options_.remark) options_.remark(fmt::format("{}: read from Ollama's store", name->text()));
    return **model;
  }

  Result<std::string> offline() const {
    if (const auto model = of_ollama()) return tell(*model, options_);
    const std::string why = "the hub is not asked: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set";
    if (const auto near = options_.disk_first ? near_path(text_) : std::nullopt)
      return fail(
          {.kind = ErrorKind::unreachable,
           .what = fmt::format("no such folder; did you mean {}? It is not in the cache either; {}", *near, why),
           .file = text_});
    return fail({.kind = ErrorKind::unreachable,
                 .what = "neither on disk nor in the cache; " + why,
                 .file = text_,
                 .expected = "a folder in Hugging Face's layout, a .gguf file, or a hub id in " + cache_.folder()});
  }

  Result<std::string> not_planned(Error error, HubClient& client) const {
    if (client.found() || cache_.commit_of(model_.revision)) return fail(std::move(error));
    if (const auto model = of_ollama()) return tell(*model, options_);
    return fail(not_located(options_.disk_first ? text_ : "", model_, std::move(error), client));
  }

  const std::string& text_;
  const HubModel& model_;
  const LocateOptions& options_;
  const HubCache cache_;
};

}  // namespace

Error not_located(const std::string& text, const HubModel& model, Error error, HubClient& client) {
  if (client.found()) return error;
  using Repository = RemoteRepository::Kind;
  if (client.no_repository()) {
    for (const auto kind : {Repository::dataset, Repository::space})
      if (client.describe(model, kind)) {
        error.kind = ErrorKind::unsupported;
        error.what =
            kind == Repository::dataset ? "a data set of the hub, not a model" : "a space of the hub, not a model";
        return error;
      }
  }
  const auto near = text.empty() ? std::nullopt : near_path(text);
  error.what.insert(0, near ? fmt::format("no such folder; did you mean {}? The hub: ", *near)
                            : std::string("neither on disk nor in the cache: "));
  return error;
}

Result<HubModel> named_on_hub(const std::string& text, const LocateOptions& options) {
  LSTAR_ASSIGN(const ModelText model, read_model_text(text, options.hub, options.variables));
  if (model.kind == Kind::hub) return parse_hub_model(model.text);
  if (!model.hint.empty())
    return fail({.kind = ErrorKind::argument, .what = "not a hub id: " + model.hint, .file = text});
  const auto as_it_stands = parse_hub_model(text);
  return as_it_stands ? fail({.kind = ErrorKind::argument, .what = "not a hub id", .file = text})
                      : fail(as_it_stands.error());
}

namespace {

Result<std::string> located(const std::string& text, const LocateOptions& options) {
  if (options.disk_first) {
    LSTAR_ASSIGN(const bool is_on_disk, is_there(text));
    if (is_on_disk) return located_on_disk(text, options);
  } else if (const auto named = named_on_hub(text, options); !named) {
    return fail(named.error());
  }
  LSTAR_ASSIGN(const ModelText model, read_model_text(text, options.hub, options.variables));
  if (options.disk_first && !model.is_address && model.text != text) {
    LSTAR_ASSIGN(const bool is_on_disk, is_there(model.text));
    if (is_on_disk) return located_on_disk(model.text, options);
  }
  if (model.kind == Kind::path) return fail(no_such_path(model));
  if (model.kind == Kind::tagged) {
    const auto name = parse_ollama_name(model.text);
    std::optional<OllamaModel> found;
    if (name) {
      LSTAR_ASSIGN(found, find_ollama_model(options.hub.ollama_stores, *name));
    }
    if (!found) return fail(no_such_tag(model, options));
    return tell(*found, options);
  }
  LSTAR_ASSIGN(const HubModel named, parse_hub_model(model.text));
  return HubLocator(model.text, named, options).locate();
}

}  // namespace

Result<std::string> locate_model(const std::string& text, const LocateOptions& options) {
  return catch_memory("looking for the model", text, [&] { return located(text, options); });
}

std::optional<std::string> organisation_of(const std::string& text, const HubEnvironment& hub) {
  std::error_code error;
  const auto model = read_model_text(text, hub, process_variables());
  if (!model) return std::nullopt;
  const auto organisation = [](const std::string& repo) {
    const size_t slash = repo.find('/');
    return slash == std::string::npos ? std::nullopt : std::optional(repo.substr(0, slash));
  };
  if (!model->is_address && (model->kind == Kind::path || fs::exists(model->text, error))) {
    for (const fs::path& part : fs::path(model->text))
      if (repo_of_cache_folder(part.string()))
        if (const auto id = read_model_text(part.string(), hub, {})) return organisation(id->text);
    return std::nullopt;
  }
  if (model->kind == Kind::tagged) {
    const auto name = parse_ollama_name(model->text);
    return name && name->space != "library" ? std::optional(name->space) : std::nullopt;
  }
  const auto named = parse_hub_model(model->text);
  return named ? organisation(named->repo) : std::nullopt;
}

}  // namespace lstar
