// What the environment says about the hub: where its cache lies, whether it may be asked, and as whom. The variables
// and their order are huggingface_hub's, so that one setting rules both programs. Plain data; reading the environment
// touches no network.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lstar {

struct HubEnvironment {
  std::string cache;     // holds models--org--name
  std::string endpoint;  // "https://huggingface.co", without a slash at its end
  std::string token;     // empty where there is none; never part of a message
  bool offline = false;  // no connection is made
  bool show_progress = true;
  bool has_home = true;                    // false: neither HOME nor the user's entry says where it is
  std::vector<std::string> ollama_stores;  // where Ollama's models may lie, the first first; they need not exist
};

// The value of a variable; nothing where it is not set.
using Variables = std::function<std::optional<std::string>(const char* name)>;

Variables process_variables();

// HOME, else what the user's entry says; empty where there is neither.
std::string home_folder(const Variables& variables);

// A path with its leading ~ and its $NAME and ${NAME} replaced. Names that are not set stay.
std::string expanded_path(const std::string& path, const Variables& variables);

// HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME; HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE; HF_ENDPOINT;
// HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH, HF_HUB_DISABLE_IMPLICIT_TOKEN; HF_HUB_DISABLE_PROGRESS_BARS.
// OLLAMA_MODELS.
HubEnvironment read_hub_environment(const Variables& variables);
HubEnvironment hub_environment();  // of this process

}  // namespace lstar
