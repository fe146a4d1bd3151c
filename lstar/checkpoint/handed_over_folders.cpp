#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>

#include "lstar/base/json.h"
#include "lstar/checkpoint/handed_over.h"
#include "lstar/checkpoint/hub_model.h"
#include "lstar/checkpoint/shard_name.h"
#include "lstar/checkpoint/weight_files.h"

namespace lstar {
namespace {

constexpr size_t kShown = 6;  // of many names

std::string list_of(std::vector<std::string> names) {
  const bool is_more = names.size() > kShown;
  if (is_more) names.resize(kShown);
  for (std::string& name : names) name = plain_text(name, 80);
  return fmt::format("{}{}", fmt::join(names, ", "), is_more ? ", ..." : "");
}

bool has_weights(const Listing& listing) {
  const auto choice = choose_weights(listing, "");
  return !choice || !choice->empty();
}

bool is_adapter(const Listing& listing, std::string& detail) {
  if (!listing.has("adapter_config.json") && !listing.any("adapter_model", ".safetensors") &&
      !listing.any("adapter_model", ".bin") && !listing.any("pytorch_lora_weights"))
    return false;
  detail = "another model";
  if (listing.folder.empty()) return true;
  const auto config = JsonDocument::read(listing.folder + "/adapter_config.json");
  if (!config) return true;
  const auto base = config->root().string("base_model_name_or_path");
  if (base && !base->empty()) detail = plain_text(*base);
  return true;
}

bool is_native(const Listing& listing, std::string&) {
  return listing.any("consolidated") || (listing.has("params.json") && !listing.has("config.json"));
}

bool is_pipeline(const Listing& listing, std::string&) { return listing.has("model_index.json"); }

std::string name_of(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return {};
  const size_t slash = path.find_last_of('/', end);
  return path.substr(slash == std::string::npos ? 0 : slash + 1,
                     end - (slash == std::string::npos ? 0 : slash + 1) + 1);
}

bool is_repository_of_cache(const Listing& listing, std::string& detail) {
  if (!listing.has("snapshots/") || !listing.has("refs/")) return false;
  const auto repo = repo_of_cache_folder(name_of(listing.folder));
  std::vector<std::string> commits = listing.under("snapshots").folders();
  std::erase_if(commits, [](const std::string& name) { return !is_commit(name); });
  const std::string commit = commits.size() == 1 ? commits[0] : "COMMIT";
  detail = repo ? fmt::format("{}, or snapshots/{}", plain_text(*repo), commit) : fmt::format("snapshots/{}", commit);
  return true;
}

bool is_cache(const Listing& listing, std::string& detail) {
  std::vector<std::string> repos;
  const Listing inner = listing.has("hub/") && !listing.folder.empty() ? listing.under("hub") : listing;
  for (const std::string& folder : inner.folders())
    if (auto repo = repo_of_cache_folder(folder)) repos.push_back(*std::move(repo));
  detail = list_of(std::move(repos));
  return !detail.empty();
}

constexpr int kDeepest = 3, kMostFolders = 500;  // as far as one line of advice is worth looking

// Folders further down in which a model lies, by the names in them alone, and with `ggufs` lone GGUFs.
void find_models(const Listing& listing, const std::string& place, int depth, int& left, bool ggufs,
                 std::vector<std::string>& found) {
  for (const std::string& folder : listing.folders()) {
    if (folder.starts_with('.')) continue;
    if (left-- == 0) return;
    const Listing inner = listing.under(folder);
    const std::vector<std::string> files = inner.files("", ".gguf");
    if (inner.has("config.json") && (has_weights(inner) || !files.empty())) {
      found.push_back(place + folder);
      continue;
    }
    for (const std::string& name : files) {
      const auto part = parse_shard_name(name);  // of several, the first names the model
      if (ggufs && (!part || part->number == 1)) found.push_back(place + folder + "/" + name);
    }
    if (depth > 1) find_models(inner, place + folder + "/", depth - 1, left, ggufs, found);
  }
}

std::vector<std::string> models_below(const Listing& listing, bool ggufs) {
  std::vector<std::string> found;
  int left = kMostFolders;
  find_models(listing, "", kDeepest, left, ggufs, found);
  std::sort(found.begin(), found.end());
  return found;
}

bool is_deepspeed(const Listing& listing, std::string&) {
  if (listing.any("zero_pp_rank_") || listing.any("bf16_zero_pp_rank_")) return true;
  for (const std::string& folder : listing.folders())
    if (folder.starts_with("global_step") && listing.under(folder).any("", "_states.pt")) return true;
  return false;
}

bool is_neox(const Listing& listing, std::string&) {
  const auto holds = [](const Listing& inner) { return inner.any("layer_", "-model_states.pt"); };
  if (holds(listing)) return true;
  const auto folders = listing.folders();
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& name) {
    return name.starts_with("global_step") && holds(listing.under(name));
  });
}

bool is_megatron(const Listing& listing, std::string&) {
  if (listing.has("latest_checkpointed_iteration.txt") || listing.has("model_optim_rng.pt")) return true;
  if (listing.any("", ".distcp") && (listing.has("common.pt") || listing.has("metadata.json"))) return true;
  const auto folders = listing.folders();
  return std::any_of(folders.begin(), folders.end(),
                     [](const std::string& name) { return name.starts_with("mp_rank_"); });
}

bool is_distributed(const Listing& listing, std::string& detail) {
  if (listing.any("", ".distcp")) {
    detail = listing.folder.empty() ? "FOLDER" : plain_text(listing.folder, 300);
    return true;
  }
  for (const std::string& folder : listing.folders())
    if (listing.under(folder).any("", ".distcp")) {
      detail = listing.folder.empty() ? folder : plain_text(listing.folder + "/" + folder, 300);
      return true;
    }
  return false;
}

bool is_fairseq(const Listing& listing, std::string&) {
  const bool has_dictionary = listing.any("dict.", "txt") || listing.has("dict.txt");
  return !listing.has("config.json") &&
         (listing.any("checkpoint_best", ".pt") || listing.any("checkpoint_last", ".pt") ||
          (has_dictionary && listing.any("", ".pt")));
}

bool is_nemo(const Listing& listing, std::string&) {
  return listing.any("", ".nemo") || (listing.has("model_weights/") && listing.has("model_config.yaml")) ||
         (listing.has("weights/") && listing.has("context/"));
}

bool is_litgpt(const Listing& listing, std::string&) {
  return listing.has("lit_model.pth") || (listing.has("lit_config.json") && !listing.has("config.json"));
}

bool is_unfinished(const Listing& listing, std::string& detail) {
  for (const std::string& name : listing.files("", ""))
    if (is_unfinished_name(name)) {
      detail = plain_text(name);
      return true;
    }
  const Listing cache = listing.has(".cache/") ? listing.under(".cache/huggingface/download") : Listing{};
  for (const std::string& name : cache.files("", ".incomplete")) {
    detail = ".cache/huggingface/download/" + plain_text(name);
    return true;
  }
  return false;
}

bool is_cut(const Listing& listing, std::string& detail) {
  for (const std::string& name : listing.names) {
    FileStart start{.path = name, .name = name, .bytes = {}, .tail = {}};
    for (const FileKind& kind : file_kinds())
      if (kind.id == "cut by bytes" && name.find('/') == std::string::npos && kind.is(start, detail)) {
        detail = fmt::format("{} is {}", plain_text(name), detail);
        return true;
      }
  }
  return false;
}

bool is_ctranslate2(const Listing& listing, std::string&) {
  return listing.has("model.bin") && (listing.any("vocabulary.") || listing.any("shared_vocabulary."));
}

bool is_mlc(const Listing& listing, std::string&) {
  return listing.has("mlc-chat-config.json") || listing.has("ndarray-cache.json") ||
         listing.any("params_shard_", ".bin");
}

bool is_openvino(const Listing& listing, std::string&) { return listing.any("openvino_", ".xml"); }

bool is_onnx(const Listing& listing, std::string&) {
  return listing.any("", ".onnx") || listing.under("onnx").any("", ".onnx");
}

bool is_flax(const Listing& listing, std::string&) {
  return listing.any("", ".msgpack") || listing.has("flax_model.msgpack.index.json");
}

bool is_orbax(const Listing& listing, std::string&) {
  return listing.has("_CHECKPOINT_METADATA") || listing.has("manifest.ocdbt") || listing.has("_METADATA");
}

bool is_tensorflow(const Listing& listing, std::string&) {
  return listing.any("", ".h5") || listing.any("", ".ckpt.index") || listing.any("model.ckpt-", ".index") ||
         listing.has("saved_model.pb") || listing.any("", ".keras");
}

bool is_tensorrt(const Listing& listing, std::string&) {
  return listing.any("", ".engine") || listing.any("", ".plan");
}

bool is_numpy(const Listing& listing, std::string&) { return listing.any("", ".npz") || listing.any("", ".npy"); }

bool is_on_a_device(const Listing& listing, std::string&) {
  return listing.any("", ".tflite") || listing.any("", ".task") || listing.any("", ".litertlm") ||
         listing.any("", ".pte") || listing.any("", ".rkllm") || listing.has("Manifest.json") ||
         listing.any("", ".mlmodel") || std::any_of(listing.names.begin(), listing.names.end(), [](const auto& name) {
           return name.ends_with(".mlpackage/") || name.ends_with(".mlmodelc/");
         });
}

bool is_paddle(const Listing& listing, std::string&) { return listing.any("", ".pdparams"); }

bool is_rust(const Listing& listing, std::string&) { return listing.has("rust_model.ot"); }

bool is_ggml(const Listing& listing, std::string&) { return listing.any("ggml-", ".bin") || listing.any("", ".ggml"); }

bool is_sentence_transformers(const Listing& listing, std::string& detail) {
  if (!listing.has("modules.json")) return false;
  for (const std::string& name : listing.folders())
    if (name.find("Transformer") != name.npos && listing.under(name).has("config.json")) detail = plain_text(name);
  return !detail.empty();
}

bool holds_checkpoints(const Listing& listing, std::string& detail) {
  std::vector<std::string> found = models_below(listing, false);
  if (found.empty() || !std::all_of(found.begin(), found.end(), [](const std::string& name) {
        return name.starts_with("checkpoint-") || name.starts_with("checkpoint_") || name.starts_with("step") ||
               name.starts_with("epoch");
      }))
    return false;
  // By the number that they end in, as they were written.
  const auto number = [](const std::string& name) {
    const size_t at = name.find_last_not_of("0123456789") + 1;
    return name.size() - at > 9 || at == name.size() ? 0L : std::stol(name.substr(at));
  };
  std::stable_sort(found.begin(), found.end(),
                   [&](const std::string& a, const std::string& b) { return number(a) < number(b); });
  detail = list_of(std::move(found));
  return true;
}

bool holds_models(const Listing& listing, std::string& detail) {
  detail = list_of(models_below(listing, true));
  return !detail.empty();
}

bool is_data(const Listing& listing, std::string&) {
  return !listing.has("config.json") && (listing.any("", ".parquet") || listing.any("", ".arrow") ||
                                         listing.has("dataset_info.json") || listing.has("dataset_infos.json"));
}

bool is_tokenizer(const Listing& listing, std::string&) {
  return !listing.has("config.json") &&
         (listing.any("tokenizer") || listing.has("vocab.json") || listing.has("vocab.txt") ||
          listing.any("", ".tiktoken") || listing.has("tekken.json") || listing.any("", ".spm"));
}

bool is_llamafile(const Listing& listing, std::string& detail) {
  detail = list_of(listing.files("", ".llamafile"));
  return !detail.empty();
}

// The names that end in one of these, but those that lie beside every model.
std::vector<std::string> files_ending(const Listing& listing, std::initializer_list<std::string_view> endings) {
  std::vector<std::string> found;
  for (const std::string_view ending : endings)
    for (std::string& name : listing.files("", ending))
      if (!is_beside_the_model(name)) found.push_back(std::move(name));
  return found;
}

bool is_packed(const Listing& listing, std::string& detail) {
  detail = list_of(files_ending(listing, {".zip", ".rar", ".7z", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz"}));
  return !listing.has("config.json") && !detail.empty();
}

bool lacks_config(const Listing& listing, std::string& detail) {
  const auto choice = choose_weights(listing, "");
  if (listing.has("config.json") || (choice && choice->empty())) return false;
  detail = list_of(files_ending(listing, {".safetensors", ".bin", ".pt", ".pth", ".ckpt"}));
  return !detail.empty();
}

bool is_empty(const Listing& listing, std::string&) { return listing.names.empty(); }

constexpr ErrorKind kMissing = ErrorKind::missing;
constexpr FolderKind kKinds[] = {
    {"cache's repository", is_repository_of_cache, "a repository in Hugging Face's cache: pass {}"},
    {"cache", is_cache, "Hugging Face's cache: pass one of its models ({})"},
    {"adapter", is_adapter, "an adapter for {}: merge it into its model first (merge_and_unload), and save that"},
    {"cut by bytes", is_cut, "{}", kMissing},
    {"diffusers", is_pipeline, "a pipeline of diffusers (model_index.json), no language model"},
    {"neox", is_neox, "a checkpoint of GPT-NeoX: convert it with its tools/ckpts/convert_neox_to_hf.py"},
    {"deepspeed", is_deepspeed,
     "DeepSpeed's shards: run zero_to_fp32.py here first (python zero_to_fp32.py . pytorch_model.bin)"},
    {"megatron", is_megatron,
     "a checkpoint of Megatron-LM: convert it to Hugging Face's layout first (Megatron Bridge)"},
    {"distributed", is_distributed,
     "a distributed checkpoint: python -m torch.distributed.checkpoint.format_utils dcp_to_torch {} pytorch_model.bin, "
     "and put its config.json beside that"},
    {"nemo", is_nemo, "a checkpoint of NeMo: export it to Hugging Face's layout first"},
    {"litgpt", is_litgpt, "a checkpoint of LitGPT: convert it first (litgpt convert_from_litgpt)"},
    {"fairseq", is_fairseq, "a checkpoint of fairseq: convert it to Hugging Face's layout first"},
    {"native", is_native,
     "Mistral's or Meta's own layout (params.json, consolidated.*): get the one of Hugging Face (config.json with "
     "model.safetensors)"},
    {"unfinished download", is_unfinished, "a download is not finished ({}): bring it to its end, or fetch it again",
     kMissing},
    {"sentence-transformers", is_sentence_transformers, "a folder of sentence-transformers: pass its model ({})"},
    {"checkpoints", holds_checkpoints, "holds checkpoints: {}; pass one of them"},
    {"folders of models", holds_models, "no model here; in its folders: {}; pass one of them"},
    {"ctranslate2", is_ctranslate2, "holds only weights of CTranslate2: get the safetensors"},
    {"mlc", is_mlc, "holds only weights of MLC: get the safetensors"},
    {"openvino", is_openvino, "holds only weights of OpenVINO: get the safetensors"},
    {"onnx", is_onnx, "holds only weights of ONNX: get the safetensors"},
    {"flax", is_flax, "holds only weights of Flax: get the safetensors"},
    {"orbax", is_orbax, "holds only weights of JAX (Orbax): get the safetensors"},
    {"tensorflow", is_tensorflow, "holds only weights of TensorFlow: get the safetensors"},
    {"tensorrt", is_tensorrt, "holds only engines of TensorRT: get the safetensors"},
    {"numpy", is_numpy, "holds only arrays of NumPy (npz): get the safetensors"},
    {"device", is_on_a_device,
     "holds only a model for phones and the like (LiteRT, Core ML, ExecuTorch, RKLLM): get the safetensors"},
    {"paddle", is_paddle, "holds only weights of PaddlePaddle: get the safetensors"},
    {"rust", is_rust, "holds only weights of rust-bert (rust_model.ot): get the safetensors"},
    {"ggml", is_ggml, "holds only GGML of before August 2023: get a GGUF"},
    {"llamafile", is_llamafile, "no model's folder; pass its llamafile: {}"},
    {"packed", is_packed, "holds an archive ({}): unpack it first"},
    {"no config", lacks_config, "holds weights ({}) and no config.json: put their model's config.json beside them",
     kMissing},
    {"tokenizer", is_tokenizer, "holds a tokenizer and no model: get config.json and the weights too", kMissing},
    {"data", is_data, "a data set, no model"},
    {"empty", is_empty, "an empty folder", kMissing},
};

}  // namespace

std::span<const FolderKind> folder_kinds() { return kKinds; }

}  // namespace lstar
