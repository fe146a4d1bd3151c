#include "lstar/checkpoint/packing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/placed_checkpoint.h"

namespace lstar {
namespace {

constexpr std::string_view kMerge = "merge the adapter into its model first (merge_and_unload), and save that";

const std::vector<Packing> kPackings = {
    {"an adapter that is not merged", {".lora_A.weight", ".lora_B.weight", ".base_layer.weight"}, {}, kMerge},
    {"an adapter that is not merged", {".lora_A.default.weight", ".lora_B.default.weight"}, {}, kMerge},
    {"an adapter that is not merged", {".original_module.weight", ".modules_to_save.default.weight"}, {}, kMerge},
    {"MLX", {".weight", ".scales", ".biases"}, StoredType::uint32},
    {"MLX (MXFP4)", {".weight", ".scales"}, StoredType::uint32},
    {"GPTQ", {".qweight", ".qzeros", ".scales", ".g_idx"}},
    {"AWQ or GPTQ", {".qweight", ".qzeros", ".scales"}},
    {"SqueezeLLM", {".qweight", ".lookup_table"}},
    {"FP-Quant or HIGGS", {".qweight", ".scales"}},
    {"ExLlamaV2", {".q_weight", ".q_scale", ".q_groups"}},
    {"ExLlamaV3", {".trellis", ".suh", ".svh"}},
    {"compressed-tensors", {".weight_packed", ".weight_scale"}},
    {"compressed-tensors", {".weight_packed"}},
    {"NVFP4 (ModelOpt)", {".weight", ".weight_scale", ".weight_scale_2"}, StoredType::uint8},
    {"BitNet", {".weight", ".weight_scale"}, StoredType::uint8},
    {"8-bit integers with scales", {".weight", ".weight_scale"}, StoredType::int8},
    {"FP8 with scales", {".weight", ".weight_scale"}, StoredType::float8_e4m3},
    {"FP8 with scales", {".weight", ".weight_scale_inv"}, StoredType::float8_e4m3},
    {"FP8 with scales", {".weight", ".scale_weight"}, StoredType::float8_e4m3},
    {"FP8 with scales", {".weight", ".scale"}, StoredType::float8_e4m3},
    {"bitsandbytes (4 bit)", {".weight", ".weight.absmax"}, StoredType::uint8},
    {"bitsandbytes (8 bit)", {".weight", ".SCB"}, StoredType::int8},
    {"EETQ", {".weight", ".weight_scales"}, StoredType::int8},
    {"HQQ", {".W_q", ".scale", ".zero"}},
    {"HQQ", {".W_q"}},
    {"Quanto", {".weight._data", ".weight._scale"}},
    {"AQLM", {".codes", ".codebooks", ".scales"}},
    {"VPTQ", {".indices", ".centroids.weight"}},
    {"QuIP#", {".Qidxs", ".SU", ".SV"}},
    {"SpQR", {".dense_weights", ".buff0"}},
    {"Marlin", {".B", ".s"}, StoredType::int32},
    {"torchao", {".weight", ".weight_scale"}, StoredType::uint32},
    {"torchao", {".weight_qdata", ".weight_scale"}},
    {"torchao", {".weight:qdata", ".weight:scale"}},
    {"torchao", {"._weight_qdata"}},
    {"8-bit integers", {".weight"}, StoredType::int8},
};

// torch's own ways to hold a weight as something else while it is trained.
constexpr std::string_view kUnprune = "apply torch.nn.utils.prune.remove to each pruned module, and save again";
constexpr std::string_view kUnparametrize =
    "apply torch.nn.utils.parametrize.remove_parametrizations to each such module, and save again";
const std::vector<Packing> kReparametrised = {
    {"torch's pruning", {".weight_orig", ".weight_mask"}, {}, kUnprune},
    {"torch's pruning", {".bias_orig", ".bias_mask"}, {}, kUnprune},
    {"torch's spectral norm",
     {".weight_orig", ".weight_u"},
     {},
     "apply torch.nn.utils.remove_spectral_norm to each such module, and save again"},
    {"torch's weight norm",
     {".weight_g", ".weight_v"},
     {},
     "apply torch.nn.utils.remove_weight_norm to each such module, and save again"},
    {"a parametrization of torch's",
     {".parametrizations.weight.original0", ".parametrizations.weight.original1"},
     {},
     kUnparametrize},
    {"a parametrization of torch's", {".parametrizations.weight.original"}, {}, kUnparametrize},
    {"a parametrization of torch's", {".parametrizations.bias.original"}, {}, kUnparametrize},
};

std::optional<Error> found(const Checkpoint& checkpoint, const Packing& packing, const OfStem& is_asked = {}) {
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    const std::string_view first = packing.ends.front();
    if (!tensor.name.ends_with(first) || (packing.type && tensor.type != *packing.type)) continue;
    const std::string stem = tensor.name.substr(0, tensor.name.size() - first.size());
    bool has_all = !is_asked || is_asked(stem);
    for (const std::string_view end : packing.ends) has_all = has_all && checkpoint.find(stem + std::string(end));
    if (!has_all) continue;
    return Error{.kind = ErrorKind::unsupported,
                 .what = fmt::format("weights are packed by {}, which is not read ({}): {}", packing.scheme,
                                     fmt::join(packing.ends, ", "), packing.advice),
                 .file = checkpoint.file_of(tensor),
                 .at = tensor_label(tensor.name)};
  }
  return std::nullopt;
}

}  // namespace

std::span<const Packing> packings() { return kPackings; }

std::optional<Error> find_packing(const Checkpoint& checkpoint) {
  for (const Packing& packing : kPackings)
    if (auto error = found(checkpoint, packing)) return error;
  return std::nullopt;
}

std::span<const Packing> reparametrisations() { return kReparametrised; }

std::optional<Error> find_reparametrisation(const Checkpoint& checkpoint, const OfStem& is_of_model) {
  for (const Packing& packing : kReparametrised)
    if (auto error = found(checkpoint, packing, is_of_model)) return error;
  return std::nullopt;
}

std::optional<Error> find_scaled_float8(const Checkpoint& checkpoint) {
  for (const Packing& packing : kPackings)
    if (packing.type == StoredType::float8_e4m3)
      if (auto error = found(checkpoint, packing)) return error;
  return std::nullopt;
}

std::optional<Error> find_empty_tensors(const Checkpoint& checkpoint) {
  for (const TensorInfo& tensor : checkpoint.tensors())
    if (tensor.shape.elements() == 0 && tensor.name.ends_with(".weight"))
      return Error{.kind = ErrorKind::unsupported,
                   .what = "an empty tensor, as ZeRO's stage 3 leaves them: run zero_to_fp32.py where its shards lie",
                   .file = checkpoint.file_of(tensor),
                   .at = tensor_label(tensor.name),
                   .found = tensor.shape.text()};
  return std::nullopt;
}

std::string quantisation_of(const Configuration& config) {
  auto packing = config.find("quantization_config");
  for (const char* part : {"text_config", "llm_config", "language_config"})
    if (const auto inner = packing ? std::nullopt : config.find(part)) packing = inner->find("quantization_config");
  if (!packing || !packing->is_section()) return {};
  for (const char* key : {"quant_method", "quant_algo"})
    if (const auto method = packing->string(key)) return *method == "mxfp4" ? std::string() : plain_text(*method);
  for (const char* key : {"load_in_4bit", "load_in_8bit"})
    if (packing->boolean(key).value_or(false)) return "bitsandbytes";
  return "unknown";
}

}  // namespace lstar
