#include "lstar/hub/environment.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

#include "lstar/base/atomic_file.h"
#include "lstar/base/expand.h"

namespace lstar {
namespace {

constexpr size_t kLargestTokenFile = 4096;

class Reader {
 public:
  explicit Reader(const Variables& variables) : variables_(variables) {}

  // Set and not empty.
  std::optional<std::string> text(const char* name) const {
    auto value = variables_(name);
    return value && !value->empty() ? value : std::nullopt;
  }

  static bool is_true(const std::optional<std::string>& value) {
    if (!value) return false;
    std::string upper = *value;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
    return upper == "1" || upper == "ON" || upper == "YES" || upper == "TRUE";
  }

  std::string expanded(const std::string& path) const { return expanded_path(path, variables_); }

 private:
  const Variables& variables_;
};

std::string stripped(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
  while (!text.empty() && is_space(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  return text;
}

std::string token_of(const Reader& reader, const std::string& home) {
  // "Implicit" is a token that the user did not hand to the program; this one has no other way to be handed one.
  if (Reader::is_true(reader.text("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return "";
  auto named = reader.text("HF_TOKEN");
  if (!named) named = reader.text("HUGGING_FACE_HUB_TOKEN");
  if (named && !stripped(*named).empty()) return stripped(*named);
  const std::string path = reader.expanded(reader.text("HF_TOKEN_PATH").value_or(home + "/token"));
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  return stripped(read_file(path, kLargestTokenFile).value_or(""));
}

}  // namespace

std::string home_folder(const Variables& variables) {
  if (const auto set = variables("HOME"); set && !set->empty()) return *set;
  const passwd* entry = ::getpwuid(::getuid());
  return entry && entry->pw_dir ? entry->pw_dir : "";
}

std::string expanded_path(const std::string& path, const Variables& variables) {
  std::string in = path;
  if (in == "~" || in.starts_with("~/")) in = home_folder(variables) + in.substr(1);
  return expanded_names(in, NameForm::any, [&](const std::string& name) { return variables(name.c_str()); });
}

HubEnvironment read_hub_environment(const Variables& variables) {
  const Reader reader(variables);
  const std::string home = reader.expanded(
      reader.text("HF_HOME").value_or(reader.text("XDG_CACHE_HOME").value_or("~/.cache") + "/huggingface"));
  HubEnvironment found;
  auto cache = reader.text("HF_HUB_CACHE");
  if (!cache) cache = reader.text("HUGGINGFACE_HUB_CACHE");
  found.cache = reader.expanded(cache.value_or(home + "/hub"));
  while (found.cache.size() > 1 && found.cache.ends_with('/')) found.cache.pop_back();
  found.endpoint = reader.text("HF_ENDPOINT").value_or("https://huggingface.co");
  while (found.endpoint.ends_with('/')) found.endpoint.pop_back();
  auto offline = reader.text("HF_HUB_OFFLINE");
  if (!offline) offline = reader.text("TRANSFORMERS_OFFLINE");
  found.offline = Reader::is_true(offline);
  found.token = token_of(reader, home);
  found.show_progress = !Reader::is_true(reader.text("HF_HUB_DISABLE_PROGRESS_BARS"));
  const std::string own = home_folder(variables);
  found.has_home = !own.empty();
  if (const auto named = reader.text("OLLAMA_MODELS")) found.ollama_stores.push_back(reader.expanded(*named));
  if (found.has_home) found.ollama_stores.push_back(own + "/.ollama/models");
  for (const char* service : {"/usr/share/ollama/.ollama/models", "/var/snap/ollama/common/models"})
    found.ollama_stores.emplace_back(service);
  return found;
}

Variables process_variables() {
  return [](const char* name) {
    const char* value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

HubEnvironment hub_environment() { return read_hub_environment(process_variables()); }

}  // namespace lstar
