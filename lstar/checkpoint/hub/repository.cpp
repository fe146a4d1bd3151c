#include "lstar/checkpoint/hub/repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "lstar/checkpoint/hub/model_text.h"

namespace lstar {
namespace {

constexpr size_t kShown = 6;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string base_name(const std::string& file) { return file.substr(file.rfind('/') + 1); }

// The first few; names that could not be written by a repository of good will are left out.
std::string shown(const std::vector<std::string>& names) {
  std::string out;
  size_t count = 0;
  for (const std::string& name : names)
    if (is_repo_file_name(name) && count++ < kShown) out += (out.empty() ? "" : ", ") + name;
  return count > kShown ? out + fmt::format(", ... ({} in all)", count) : out;
}

std::string with(const std::string& sentence, const std::string& advice) {
  return advice.empty() ? sentence : sentence + "; " + advice;
}

// GGUF files that hold a language model, as far as the names say.
std::vector<std::string> ggufs_of(const std::vector<std::string>& files) {
  std::vector<std::string> found;
  for (const std::string& file : files) {
    const std::string name = lower(base_name(file));
    if (name.ends_with(".gguf") && name.find("mmproj") == name.npos && name.find("imatrix") == name.npos)
      found.push_back(file);
  }
  return found;
}

// "A-00001-of-00003.gguf": one of several files.
bool is_part(const std::string& file) {
  const std::string name = file.substr(0, file.size() - std::string_view(".gguf").size());
  return name.size() > 15 && name.compare(name.size() - 9, 4, "-of-") == 0;
}

std::string gguf_advice(const HubModel& model, const std::vector<std::string>& ggufs) {
  const auto whole = std::find_if_not(ggufs.begin(), ggufs.end(), is_part);
  if (whole != ggufs.end()) return download_advice(model.repo, model.revision, *whole);
  const std::string first = ggufs.front();
  const std::string stem = first.substr(0, first.size() - std::string_view("-00001-of-00003.gguf").size());
  if (!is_repo_file_name(first) || !is_repo_file_name(stem)) return {};
  return fmt::format("hf download {} --include '{}*'{} --local-dir D, then pass D/{}", model.repo, stem,
                     model.revision == "main" ? "" : " --revision " + model.revision, first);
}

// Folders that hold a configuration and weights.
std::vector<std::string> model_folders(const std::vector<std::string>& files) {
  std::vector<std::string> found;
  for (const std::string& file : files) {
    if (!file.ends_with("/config.json")) continue;
    const std::string folder = file.substr(0, file.size() - std::string_view("/config.json").size());
    const bool has_weights = std::any_of(files.begin(), files.end(), [&](const std::string& other) {
      return other.starts_with(folder + "/") && other.find('/', folder.size() + 1) == other.npos &&
             (other.ends_with(".safetensors") || other.ends_with(".bin"));
    });
    if (has_weights) found.push_back(folder);
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Another program's weights, told by one file.
struct Foreign {
  std::string_view begin, end, what;
};
constexpr Foreign kForeign[] = {
    {"flax_model", ".msgpack", "Flax"},
    {"tf_model", ".h5", "TensorFlow"},
    {"", ".onnx", "ONNX"},
    {"openvino_model", ".xml", "OpenVINO"},
    {"rust_model", ".ot", "rust-bert"},
    {"", ".mlpackage", "Core ML"},
    {"", ".tflite", "TensorFlow Lite"},
    {"", ".nemo", "NeMo"},
    {"mlc-chat-config", ".json", "MLC"},
    {"ndarray-cache", ".json", "MLC"},
    {"", ".ckpt.index", "TensorFlow"},
    {"", ".npz", "NumPy"},
    {"", ".llamafile", "llamafile"},
    {"", ".pte", "ExecuTorch"},
    {"ggml-model", ".bin", "GGML (of before GGUF)"},
};

std::string foreign_weights(const std::vector<std::string>& files) {
  std::string found;
  for (const Foreign& foreign : kForeign) {
    const bool is_there = std::any_of(files.begin(), files.end(), [&](const std::string& file) {
      const std::string name = base_name(file);
      return (name.starts_with(foreign.begin) && name.ends_with(foreign.end)) ||
             file.find(std::string(foreign.end) + "/") != file.npos;  // a .mlpackage is a folder
    });
    if (is_there && found.find(foreign.what) == found.npos)
      found += (found.empty() ? "" : " and ") + std::string(foreign.what);
  }
  return found;
}

}  // namespace

std::string what_repository_is(const HubModel& model, const std::vector<std::string>& files) {
  const auto has = [&](std::string_view name) { return std::find(files.begin(), files.end(), name) != files.end(); };
  const auto any = [&](std::string_view begin, std::string_view end) {
    return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
      return file.starts_with(begin) && file.ends_with(end) && file.find('/') == file.npos;
    });
  };
  const bool is_empty = std::all_of(files.begin(), files.end(), [](const std::string& file) {
    return file == ".gitattributes" || lower(file).ends_with(".md");
  });
  if (is_empty) return "an empty repository";
  if (has("adapter_config.json") || any("pytorch_lora_weights", ""))
    return "an adapter, not a model: merge it into the model that it belongs to (peft: merge_and_unload, "
           "save_pretrained) and pass that folder";
  const std::vector<std::string> ggufs = ggufs_of(files);
  if (!ggufs.empty()) return with("a repository of GGUF files: " + shown(ggufs), gguf_advice(model, ggufs));
  if (has("model_index.json")) return "a pipeline of diffusers, not a language model";
  const std::vector<std::string> folders = model_folders(files);
  if (!folders.empty())
    return with("models in its folders: " + shown(folders),
                download_advice(model.repo, model.revision, folders.front()));
  if (any("consolidated", "") && (has("params.json") || any("consolidated", ".pth")))
    return "weights in Mistral's or Meta's own layout: get the repository of the same model in Hugging Face's";
  if (const std::string foreign = foreign_weights(files); !foreign.empty())
    return fmt::format("holds only weights for {}: get a repository of the same model with safetensors", foreign);
  std::vector<std::string> weights;  // beside a configuration, under names that are not the usual ones
  for (const std::string& file : files) {
    const bool is_of_training =
        file.starts_with("optimizer") || file.starts_with("scheduler") || file.starts_with("training_args");
    if (file.find('/') == file.npos && (file.ends_with(".safetensors") || file.ends_with(".bin")) && !is_of_training)
      weights.push_back(file);
  }
  if (has("config.json") && !weights.empty())
    return fmt::format("weights under other names than the usual ones: {}; hf download {}{} --local-dir D, then pass D",
                       shown(weights), model.repo, model.revision == "main" ? "" : " --revision " + model.revision);
  if (has("tokenizer.json") || has("tokenizer.model")) return "a tokenizer without a model's weights";
  return {};
}

}  // namespace lstar
