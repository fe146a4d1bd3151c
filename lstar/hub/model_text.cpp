#include "lstar/hub/model_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "lstar/base/text.h"
#include "lstar/checkpoint/hub_model.h"
#include "lstar/hub/http.h"
#include "lstar/hub/ollama_store.h"

namespace lstar {
namespace {

using Kind = ModelText::Kind;

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_blanks(std::string_view text) {
  const auto is_blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return is_digit(c) ? c - '0' : std::tolower(static_cast<unsigned char>(c)) - 'a' + 10;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_coded = text[i] == '%' && i + 2 < text.size() &&
                          std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
                          std::isxdigit(static_cast<unsigned char>(text[i + 2]));
    out += is_coded ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (is_coded) i += 2;
  }
  return out;
}

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(path.size(), slash + 1));
  }
  return parts;
}

std::string joined(const std::vector<std::string>& parts, size_t begin, size_t end) {
  std::string out;
  for (size_t i = begin; i < end; ++i) out += (i > begin ? "/" : "") + parts[i];
  return out;
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_weight_file(std::string_view name) {
  return name.ends_with(".safetensors") || name.ends_with(".bin") || name.ends_with(".json") || name.ends_with(".pt");
}

// What people put behind a name when they mean a branch, a tag or a commit.
bool looks_like_revision(std::string_view text) {
  const auto all = [](std::string_view part, auto is) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is);
  };
  if (is_one_of(text, {"main", "master", "dev"}) || text.starts_with("refs/")) return true;
  if (text.starts_with("step") && all(text.substr(4), is_digit)) return true;
  if (text.size() > 1 && text[0] == 'v' && all(text.substr(1), [](char c) { return is_digit(c) || c == '.'; }))
    return true;
  return text.size() >= 7 && text.size() <= 40 &&
         all(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }) &&
         std::any_of(text.begin(), text.end(), is_digit);
}

std::string revision_advice(const std::string& repo, std::string_view revision) {
  return fmt::format("a revision is written {}@{}", repo, revision);
}

std::string two_parts_advice(const std::string& repo, const std::string& revision, const std::string& rest) {
  if (rest.find('/') == std::string::npos && is_weight_file(rest))
    return fmt::format("a hub id has two parts: pass {}{}", repo, revision == "main" ? "" : "@" + revision);
  const std::string advice = download_advice(repo, revision, rest);
  return "a hub id has two parts: " + (advice.empty() ? "pass " + repo : advice);
}

// The repository and revision of "/org/name/tree/v2", the path of an address.
Result<ModelText> hub_address(std::string_view path, const std::string& shown) {
  std::vector<std::string> parts = parts_of(path.substr(0, path.find_first_of("?#")));
  for (std::string& part : parts) part = percent_decoded(part);
  if (parts.size() > 2 && parts[0] == "api") parts.erase(parts.begin());
  if (parts.size() > 2 && parts[0] == "models") parts.erase(parts.begin());
  if (!parts.empty() && is_one_of(parts[0], {"datasets", "spaces"}))
    return fail(
        {.kind = ErrorKind::unsupported,
         .what = parts[0] == "datasets" ? "a data set of the hub, not a model" : "a space of the hub, not a model",
         .file = shown});
  if (parts.empty() || is_one_of(parts[0], {"models", "collections", "papers", "docs", "blog", "api", "organizations"}))
    return fail({.kind = ErrorKind::argument,
                 .what = "not the address of a model",
                 .file = shown,
                 .expected = "https://huggingface.co/org/name"});
  const auto is_verb = [](std::string_view part) {
    return is_one_of(
        part, {"tree", "blob", "resolve", "raw", "revision", "commit", "commits", "blame", "edit", "discussions"});
  };
  const size_t named = parts.size() > 1 && !is_verb(parts[1]) ? 2 : 1;
  std::string repo = joined(parts, 0, named), revision = "main";
  if (const size_t at = repo.find('@'); at != std::string::npos) {
    revision = repo.substr(at + 1);
    repo.resize(at);
  }
  if (repo.ends_with(".git")) repo.resize(repo.size() - 4);
  size_t rest = named;
  if (rest < parts.size() && parts[rest] == "discussions") {
    rest = parts.size();
  } else if (rest < parts.size() && is_verb(parts[rest])) {
    const size_t length = rest + 1 < parts.size() && parts[rest + 1] == "refs" ? 3 : 1;  // refs/pr/1
    const size_t end = std::min(parts.size(), rest + 1 + length);
    if (end > rest + 1) revision = joined(parts, rest + 1, end);
    rest = end;
  }
  const std::string id = revision == "main" ? repo : repo + "@" + revision;
  LSTAR_ASSIGN(const HubModel model, parse_hub_model(id));
  if (rest == parts.size() || (rest + 1 == parts.size() && is_weight_file(parts[rest])) ||
      (rest + 1 == parts.size() && parts[rest].ends_with(".md")))
    return ModelText{.kind = Kind::hub, .text = model.text(), .is_address = true};
  return fail({.kind = ErrorKind::argument,
               .what = two_parts_advice(model.repo, model.revision, joined(parts, rest, parts.size())),
               .file = shown});
}

struct Address {
  std::string scheme, host;  // in lower case
  std::string_view path;     // from the '/' on
};

std::optional<Address> address_of(std::string_view text) {
  const size_t colon = text.find("://");
  if (colon == text.npos || colon == 0 || !is_letter(text[0])) return std::nullopt;
  const std::string_view scheme = text.substr(0, colon);
  if (!std::all_of(scheme.begin(), scheme.end(),
                   [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }))
    return std::nullopt;
  const std::string_view rest = text.substr(colon + 3);
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view host = rest.substr(0, end);
  if (const size_t at = host.rfind('@'); at != host.npos) host.remove_prefix(at + 1);
  return Address{lower_ascii(scheme), lower_ascii(host), rest.substr(end)};
}

bool is_hub_host(std::string_view host) {
  return is_one_of(host, {"huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co"});
}

// The path behind the hub's or the endpoint's own host.
std::optional<std::string_view> behind_hub_host(std::string_view host, std::string_view path,
                                                const HubEnvironment& hub) {
  if (is_hub_host(host)) return path;
  const auto endpoint = address_of(hub.endpoint);
  if (!endpoint || endpoint->host != host || !path.starts_with(endpoint->path)) return std::nullopt;
  path.remove_prefix(endpoint->path.size());
  return path.empty() || path.front() == '/' ? std::optional(path) : std::nullopt;
}

// file:///a/b, file://localhost/a/b, file:/a/b; and file://~/b, which people write.
Result<ModelText> file_address(std::string_view text) {
  std::string_view path = text.substr(5);
  if (path.starts_with("//")) {
    path.remove_prefix(2);
    const std::string_view host = path.substr(0, path.find('/'));
    if (lower_ascii(host) == "localhost")
      path.remove_prefix(host.size());
    else if (!host.empty() && host.front() != '~' && host.front() != '$' && host.front() != '.')
      return fail({.kind = ErrorKind::argument,
                   .what = "a path that begins with file:// has three slashes: file:///home/me/model",
                   .file = std::string(text)});
  }
  ModelText out{.text = percent_decoded(path)};
  if (out.text.empty() || out.text.find('\0') != std::string::npos)
    return fail({.kind = ErrorKind::argument, .what = "names no file", .file = std::string(text)});
  return out;
}

bool is_windows_path(std::string_view text) {
  return text.starts_with("\\\\") ||
         (text.size() > 2 && is_letter(text[0]) && text[1] == ':' && (text[2] == '\\' || text[2] == '/'));
}

Error windows_path(std::string_view text) {
  std::string path(text);
  std::replace(path.begin(), path.end(), '\\', '/');
  if (path.starts_with("//"))
    return {.kind = ErrorKind::argument,
            .what = "a folder on another machine: copy it to disk first",
            .file = std::string(text)};
  return {.kind = ErrorKind::argument,
          .what = fmt::format("a Windows path: on WSL it is /mnt/{}{}", lower_ascii(path.substr(0, 1)), path.substr(2)),
          .file = std::string(text)};
}

// "models--org--name", with or without "/snapshots/<commit>" behind it.
std::optional<std::string> cache_folder_id(const std::vector<std::string>& parts, size_t at) {
  auto id = repo_of_cache_folder(parts[at]);
  if (!id) return std::nullopt;
  if (at + 2 < parts.size() && parts[at + 1] == "snapshots") *id += "@" + parts[at + 2];
  const auto model = parse_hub_model(*id);
  return model ? std::optional(model->text()) : std::nullopt;
}

// What it is that has the form of a relative path, once all that is written otherwise is gone.
ModelText plain_text(std::string text) {
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  ModelText out{.text = text};
  if (text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text == "." || text == "..") {
    const std::vector<std::string> parts = parts_of(text);
    for (size_t i = parts.size(); i-- > 0;)
      if (const auto id = cache_folder_id(parts, i)) out.hint = "the hub's name of this is " + *id;
    return out;
  }
  const std::vector<std::string> parts = parts_of(text);
  if (const auto id = parts.empty() ? std::nullopt : cache_folder_id(parts, 0)) {
    out.kind = Kind::hub;
    out.text = *id;
    return out;
  }
  if (const auto model = parse_hub_model(text); model && !text.ends_with(".gguf")) {
    out.kind = Kind::hub;
    return out;
  }
  if (const size_t hash = text.find('#'); hash != std::string::npos) {
    if (const auto model = parse_hub_model(text.substr(0, hash)))
      out.hint = revision_advice(model->repo, text.substr(hash + 1));
    return out;
  }
  if (const auto name = parse_ollama_name(text); name && text.find(':', text.rfind('/') + 1) != std::string::npos) {
    out.kind = Kind::tagged;
    const bool is_library = name->is_default_host() && name->space == "library";
    const auto model = parse_hub_model(is_library ? name->name : name->space + "/" + name->name);
    if (model && looks_like_revision(name->tag))
      out.hint = revision_advice(model->repo, name->tag);
    else if (model && !is_library)
      out.hint =
          fmt::format("of the hub's files: hf download {} --include '*{}*.gguf' --local-dir D, then pass the file",
                      model->repo, name->tag);
    return out;
  }
  if (parts.size() > 2 && is_one_of(parts[0], {"datasets", "spaces"})) {
    out.hint = parts[0] == "datasets" ? "a data set of the hub is no model" : "a space of the hub is no model";
    return out;
  }
  if (parts.size() > 2) {
    std::string rest = joined(parts, 2, parts.size()), revision = "main";
    const std::string repo = joined(parts, 0, 2);
    if (const size_t at = rest.rfind('@'); at != std::string::npos) {
      revision = rest.substr(at + 1);
      rest.resize(at);
    }
    if (const auto model = parse_hub_model(repo + "@" + revision))
      out.hint = looks_like_revision(rest) && revision == "main" ? revision_advice(repo, rest)
                                                                 : two_parts_advice(repo, revision, rest);
    return out;
  }
  if (text.find('\\') != std::string::npos) {
    std::replace(text.begin(), text.end(), '\\', '/');
    out.hint = "a path is written with '/': " + text;
  }
  return out;
}

}  // namespace

std::string download_advice(const std::string& repo, const std::string& revision, const std::string& folder_or_file) {
  if (!is_repo_file_name(folder_or_file)) return {};
  const bool is_file = folder_or_file.ends_with(".gguf") || is_weight_file(folder_or_file);
  const bool is_plain = folder_or_file.find_first_of(" ,()") == std::string::npos;
  const std::string of = revision == "main" ? "" : fmt::format(" --revision {}", revision);
  const std::string what = !is_file   ? fmt::format("--include '{}/*'", folder_or_file)
                           : is_plain ? folder_or_file
                                      : "'" + folder_or_file + "'";
  return fmt::format("hf download {} {}{} --local-dir D, then pass D/{}", repo, what, of, folder_or_file);
}

Result<ModelText> read_model_text(std::string_view given, const HubEnvironment& hub, const Variables& variables) {
  std::string text(without_blanks(given));
  if (text.empty()) return fail(ErrorKind::argument, "the name of the model is empty");
  if (text.find('\0') != std::string::npos)
    return fail({.kind = ErrorKind::argument, .what = "no path and no name", .file = text});
  if (lower_ascii(text.substr(0, 5)) == "file:") {
    LSTAR_ASSIGN(const ModelText file, file_address(text));
    text = file.text;
    if (text.size() > 3 && text[0] == '/' && is_windows_path(text.substr(1))) return fail(windows_path(text.substr(1)));
    if (text.front() != '/' && text.front() != '.' && text.front() != '~' && text.front() != '$') text.insert(0, "./");
  }
  if (lower_ascii(text.substr(0, 7)) == "ollama:")
    if (const auto name = parse_ollama_name(text.substr(std::min(text.find_first_not_of('/', 7), text.size()))))
      return ModelText{.kind = Kind::tagged, .text = name->text()};
  if (const auto address = address_of(text)) {
    const std::string shown = shown_url(text);
    if (is_one_of(address->scheme, {"http", "https", "ssh", "git+ssh", "git"})) {
      if (const auto path = behind_hub_host(address->host, address->path, hub)) return hub_address(*path, shown);
      if (is_one_of(address->host, {"ollama.com", "www.ollama.com", "registry.ollama.ai"})) {
        std::string name(address->path.substr(0, address->path.find_first_of("?#")));
        if (name.starts_with("/library/")) name.erase(0, 8);
        name.erase(0, name.find_first_not_of('/'));
        if (const auto found = parse_ollama_name(name)) return ModelText{.kind = Kind::tagged, .text = found->text()};
      }
      if (address->scheme.starts_with("http"))
        return fail(
            {.kind = ErrorKind::argument,
             .what = fmt::format("not an address of the hub ({}): download it and pass its folder or .gguf file, or "
                                 "set HF_ENDPOINT where this is a mirror",
                                 shown_url(hub.endpoint)),
             .file = shown});
    }
    if (address->scheme == "hf") return hub_address(text.substr(5), shown);
    return fail({.kind = ErrorKind::argument,
                 .what = fmt::format("{}:// is not read: copy it to disk first, and pass its folder", address->scheme),
                 .file = shown});
  }
  for (const std::string_view git : {"git@hf.co:", "git@huggingface.co:"})
    if (text.starts_with(git)) return hub_address(text.substr(git.size()), text);
  if (const size_t colon = text.find(':'); colon != std::string::npos && colon > 1 && text.find('/') > colon &&
                                           (text.find('@') < colon || text.substr(colon + 1).starts_with('/')))
    return fail({.kind = ErrorKind::argument,
                 .what = "a place on another machine: copy it to disk first, and pass its folder",
                 .file = text});
  if (text == "~" || text.starts_with("~/") || text.find('$') != std::string::npos) {
    if (text.starts_with('~') && home_folder(variables).empty())
      return fail({.kind = ErrorKind::argument, .what = "HOME is not set, so that ~ is no place", .file = text});
    const std::string expanded = expanded_path(text, variables);
    if (expanded.starts_with('$'))
      return fail({.kind = ErrorKind::argument, .what = "the environment has no such variable", .file = expanded});
    if (expanded != text && expanded.find('$') == std::string::npos && !expanded.starts_with('~')) {
      auto inner = read_model_text(expanded, hub, variables);  // a variable may hold an address
      return !inner && without_blanks(expanded).empty()
                 ? fail({.kind = ErrorKind::argument, .what = "the variable is empty", .file = std::string(given)})
                 : inner;
    }
    text = expanded;
  }
  if (is_windows_path(text)) return fail(windows_path(text));
  const size_t slash = text.find('/');
  if (slash != std::string::npos && text.find(':', slash) == std::string::npos) {  // with a tag it is Ollama's
    const std::string_view whole(text);
    if (const auto path = behind_hub_host(lower_ascii(whole.substr(0, slash)), whole.substr(slash), hub);
        path && whole.find('.') < slash)
      return hub_address(*path, shown_url(text));
  }
  ModelText out = plain_text(text);
  if (out.kind == Kind::path && out.hint.empty() && out.text.find('@') != std::string::npos &&
      out.text.find_first_of("/.") != 0)
    return fail(parse_hub_model(out.text).error());
  return out;
}

}  // namespace lstar
