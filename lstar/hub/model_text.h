// MODEL as people write it, made plain. Addresses of the hub ("https://huggingface.co/org/name/tree/v2"), "~/gpt2",
// "$HOME/gpt2", "file:///a%20b" and a cache's "models--org--name" become what they stand for; "s3://" and "C:\" are
// refused with what to do. Pure: looks at no disk and asks nobody.
#pragma once

#include <string>
#include <string_view>

#include "lstar/base/result.h"
#include "lstar/hub/environment.h"

namespace lstar {

struct ModelText {
  enum class Kind {
    path,    // on disk or nowhere
    hub,     // "org/name@revision"
    tagged,  // "llama3.2:1b", as Ollama writes names
  };
  Kind kind = Kind::path;
  std::string text;
  bool is_address = false;  // of the hub: a folder of the same name is not meant
  std::string hint;         // what to say where it is found nowhere; may be empty
};

Result<ModelText> read_model_text(std::string_view given, const HubEnvironment& hub, const Variables& variables);

// How a folder of a repository, or one file of it, is brought to disk and passed on, as advice: "hf download org/name
// --include 'sub/*' --local-dir D, then pass D/sub". Empty for a name that cannot be put into a command.
std::string download_advice(const std::string& repo, const std::string& revision, const std::string& folder_or_file);

}  // namespace lstar
