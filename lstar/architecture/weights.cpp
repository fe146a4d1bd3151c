#include "lstar/architecture/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lstar/architecture/binder.h"
#include "lstar/architecture/family.h"
#include "lstar/architecture/unread_tensors.h"
#include "lstar/base/catch_memory.h"
#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/packing.h"

namespace lstar {
namespace {

// Whether a name without its suffix, under whatever prefix, is that of a weight of the architecture.
bool is_stem_of(const Architecture& a, std::string_view stem) {
  for (const auto& ref : a.weights) {
    if (!ref) continue;
    const std::string_view pattern = ref->pattern;
    const size_t number = pattern.rfind("{}");
    const std::string_view end = number == pattern.npos ? pattern : pattern.substr(number + 2);
    if (end.empty()) continue;
    if (stem == end || (stem.ends_with(end) && (number != pattern.npos || stem.ends_with(fmt::format(".{}", end)))))
      return true;
  }
  return false;
}

// The ends of names of what lies beside or in place of the weight that an error names: how a scheme packs it that no
// table knows.
std::vector<std::string> parts_beside(const Error& error, const Checkpoint& checkpoint) {
  constexpr std::string_view kTensor = "tensor ", kWeight = ".weight";
  std::vector<std::string> parts;
  // A name without that ending (GPT-OSS's sinks) says nothing of what lies beside it.
  if (!error.at.starts_with(kTensor) || !error.at.ends_with(kWeight)) return parts;
  const std::string stem = error.at.substr(kTensor.size(), error.at.size() - kTensor.size() - kWeight.size());
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (!tensor.name.starts_with(stem + ".")) continue;
    const std::string_view end = std::string_view(tensor.name).substr(stem.size());
    if (end != ".weight" && end != ".bias") parts.push_back(plain_text(end, 60));
  }
  return parts;
}

// What a checkpoint is whose tensors are not the ones that are needed: packed, empty, or none at all.
Error explained(Error error, const Architecture& a, const Checkpoint& checkpoint) {
  if (checkpoint.tensors().empty())
    return {.kind = ErrorKind::unsupported,
            .what = "holds no weights (a vocabulary alone): pass the model's own file",
            .file = checkpoint.path()};
  if (auto packing = find_packing(checkpoint)) return *std::move(packing);
  if (auto held = find_reparametrisation(checkpoint, [&](std::string_view stem) { return is_stem_of(a, stem); }))
    return *std::move(held);
  if (auto empty = find_empty_tensors(checkpoint)) return *std::move(empty);
  const std::string method = quantisation_of(checkpoint.configuration());
  std::vector<std::string> parts = parts_beside(error, checkpoint);
  if (parts.size() > 4) parts.resize(4);
  std::string signs;
  if (!parts.empty()) signs = fmt::format("its weight seems packed as {}", fmt::join(parts, ", "));
  if (!method.empty()) signs += fmt::format("{}quantization_config says {}", signs.empty() ? "" : "; ", method);
  if (!signs.empty()) {
    error.kind = ErrorKind::unsupported;
    error.what += fmt::format(" ({}: get the checkpoint as it was before, or a GGUF)", signs);
  }
  return error;
}

}  // namespace

Result<Weights> bind(const Architecture& a, const Checkpoint& checkpoint) {
  Result<Weights> bound = find_weights(a, checkpoint);
  if (!bound) return fail(explained(std::move(bound).error(), a, checkpoint));
  // Scaled 8-bit numbers have the names, shapes and type of plain ones.
  if (auto scaled = find_scaled_float8(checkpoint)) return fail(*std::move(scaled));
  return bound;
}

namespace {

void add_linears(const MlpWeights& mlp, std::vector<const LinearRef*>& all) {
  all.insert(all.end(), {&mlp.up, &mlp.down});
  if (mlp.gate) all.push_back(&*mlp.gate);
}

}  // namespace

std::vector<const LinearRef*> linears(const LayerWeights& layer) {
  std::vector<const LinearRef*> all;
  for (const LinearRef& linear : layer.query_key_value) all.push_back(&linear);
  all.push_back(&layer.attention_out);
  if (layer.mlp) add_linears(*layer.mlp, all);
  if (layer.experts) {
    all.push_back(&layer.experts->router);
    for (const MlpWeights& expert : layer.experts->experts) add_linears(expert, all);
    if (layer.experts->shared) add_linears(*layer.experts->shared, all);
    if (layer.experts->shared_switch) all.push_back(&*layer.experts->shared_switch);
  }
  return all;
}

std::vector<const NormRef*> norms(const LayerWeights& layer) {
  std::vector<const NormRef*> all;
  for (const auto* norm :
       {&layer.attention_norm, &layer.mlp_norm, &layer.attention_output_norm, &layer.mlp_output_norm})
    if (*norm) all.push_back(&**norm);
  for (const auto* heads : {&layer.query_norm, &layer.key_norm})
    for (const NormRef& norm : *heads) all.push_back(&norm);
  return all;
}

namespace {

Result<Model> model_of(std::unique_ptr<Checkpoint> checkpoint) {
  Model model{.checkpoint = std::move(checkpoint)};
  LSTAR_ASSIGN(model.architecture, read_architecture(*model.checkpoint));
  LSTAR_TRY(refuse_unmerged_adapters(*model.checkpoint));
  LSTAR_ASSIGN(model.weights, bind(model.architecture, *model.checkpoint));
  LSTAR_ASSIGN(const std::vector<std::string> unread,
               unread_tensors(model.architecture, *model.checkpoint, model.weights));
  for (const auto* notes : {&model.checkpoint->notes(), &std::as_const(model.architecture.notes), &unread})
    model.warnings.insert(model.warnings.end(), notes->begin(), notes->end());
  return model;
}

}  // namespace

Result<Model> open_model(std::unique_ptr<Checkpoint> checkpoint) {
  return catch_memory("opening the model", [&] { return model_of(std::move(checkpoint)); });
}

Result<Model> open_model(const std::string& path) {
  return catch_memory("opening the model", path, [&]() -> Result<Model> {
    LSTAR_ASSIGN(std::unique_ptr<Checkpoint> checkpoint, open_checkpoint(path));
    return model_of(std::move(checkpoint));
  });
}

}  // namespace lstar
