// What the environment says about the hub: where its cache lies, whether it may be asked, and as whom. The variables
// and their order are huggingface_hub's, so that one setting rules both programs. Plain data; reading the environment
// touches no network.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace lstar {

struct HubEnvironment {
  std::string cache;     // holds models--org--name
  std::string endpoint;  // "https://huggingface.co", without a slash at its end
  std::string token;     // empty where there is none; never part of a message
  bool offline = false;  // no connection is made
  bool show_progress = true;
};

// The value of a variable; nothing where it is not set.
using Variables = std::function<std::optional<std::string>(const char* name)>;

// HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME; HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE; HF_ENDPOINT;
// HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH, HF_HUB_DISABLE_IMPLICIT_TOKEN; HF_HUB_DISABLE_PROGRESS_BARS.
HubEnvironment read_hub_environment(const Variables& variables);
HubEnvironment hub_environment();  // of this process

}  // namespace lstar
