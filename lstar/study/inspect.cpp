#include "lstar/study/inspect.h"

#include <utility>

#include "lstar/architecture/family.h"
#include "lstar/base/catch_memory.h"

namespace lstar {

Result<Inspection> inspect(const std::string& name, const std::string& path, HeadLayout layout, int threads) {
  LSTAR_ASSIGN(std::unique_ptr<Checkpoint> checkpoint, open_checkpoint(path));
  return inspect(name, std::move(checkpoint), layout, threads);
}

namespace {

Result<Inspection> inspected(const std::string& name, std::unique_ptr<Checkpoint> checkpoint, HeadLayout layout,
                             int threads) {
  LSTAR_ASSIGN(Model model, open_model(std::move(checkpoint)));
  const auto tensors = model.checkpoint->tensors();
  Inspection found{.identity = identity_of(name, *model.checkpoint),
                   .architecture = model.architecture,
                   .tensors = {tensors.begin(), tensors.end()},
                   .head_layout = layout,
                   .weights = {},
                   .warnings = model.warnings};
  for (const TensorInfo& tensor : tensors)
    if (info(tensor.type).is_weight) found.parameters += tensor.shape.elements();
  WorkerPool pool(threads);
  auto weights = weight_norms(model, {.head_layout = layout, .spectral = true}, pool);
  LSTAR_TRY(check_unchanged(*model.checkpoint));
  LSTAR_ASSIGN(found.weights, std::move(weights));
  return found;
}

}  // namespace

Result<Inspection> inspect(const std::string& name, std::unique_ptr<Checkpoint> checkpoint, HeadLayout layout,
                           int threads) {
  return catch_memory("inspecting the model", name,
                      [&] { return inspected(name, std::move(checkpoint), layout, threads); });
}

}  // namespace lstar
