// Ollama's models on this machine, read where they lie. A store holds manifests/<host>/<namespace>/<name>/<tag>, JSON
// that names a model's layers by their digests, and blobs/sha256-<digest>, of which one is the model as a GGUF file.
// Nothing a manifest says leads out of blobs/. Reads only; safe from several threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

struct OllamaName {
  std::string host = "registry.ollama.ai", space = "library", name, tag = "latest";

  bool is_default_host() const { return host == "registry.ollama.ai"; }
  std::string text() const;  // as Ollama shows it: "llama3.2:1b", "hf.co/org/name:Q4_K_M"
};

// "[[host/]namespace/]name[:tag]"; nothing for what Ollama would not take as a name.
std::optional<OllamaName> parse_ollama_name(std::string_view text);

struct OllamaModel {
  std::string path;                // of the GGUF file
  std::vector<std::string> notes;  // on what else the model consists of, which is not read
};

// The model of that name in the first store that has it; nothing where none has. Upper and lower case are the same.
Result<std::optional<OllamaModel>> find_ollama_model(const std::vector<std::string>& stores, const OllamaName& name);

// The names in these stores, sorted; at most `most`. Says why a store that is there cannot be read.
Result<std::vector<std::string>> ollama_models(const std::vector<std::string>& stores, size_t most = 1000);

// What a path inside a store means, or the store itself: the model of a manifest's file; for folders an error that
// lists the models. Nothing for all other paths, a blob's among them.
std::optional<Result<OllamaModel>> ollama_model_at(const std::string& path, const std::vector<std::string>& stores);

// "a, b, c, ..."
std::string first_names(const std::vector<std::string>& names, size_t most = 8);

}  // namespace lstar
