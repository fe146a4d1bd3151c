#include "lstar/study/cost.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "lstar/architecture/weights.h"
#include "lstar/base/catch_memory.h"
#include "lstar/checkpoint/memory_checkpoint.h"
#include "lstar/compute/backend.h"

namespace lstar {
namespace {

// Weights that every token is multiplied with: all matrices but the tables of tokens and positions, which are looked
// up. Of a mixture of experts all are counted, so that the estimate is too large there.
double multiplied_weights(const OpenModel& model) {
  double weights = 0;
  for (const TensorInfo& tensor : model.checkpoint().tensors())
    if (tensor.shape.dims.size() >= 2) weights += static_cast<double>(tensor.shape.elements());
  const Architecture& a = model.architecture();
  const double tables = static_cast<double>(a.vocab) * a.embedding;
  return std::max(weights - tables, 0.0);
}

struct Pass {
  int64_t tokens = 0;
  double pairs = 0;  // of a token and a key that it sees, over prompts
};

Pass pass_of(const std::vector<Prompt>& prompts) {
  Pass pass;
  for (const Prompt& prompt : prompts) {
    const auto n = static_cast<double>(prompt.ids.size());
    pass.tokens += static_cast<int64_t>(prompt.ids.size());
    pass.pairs += n * (n + 1) / 2;
  }
  return pass;
}

template <class T>
Result<double> timed(Dtype dtype, int threads) {
  constexpr int64_t kWidth = 1024, kRows = 256;
  constexpr int kRuns = 5;
  const std::vector<float> weights(kWidth * kWidth, 0.5F);
  MemoryTensor tensor{.name = "w", .shape = {.dims = {kWidth, kWidth}}, .bytes = std::as_bytes(std::span(weights))};
  LSTAR_ASSIGN(const auto checkpoint, MemoryCheckpoint::from({tensor}, "{}"));
  const auto backend = make_cpu_backend<T>(dtype, threads);
  std::vector<T> x(kRows * kWidth, T{1}), y(kRows * kWidth);
  const LinearRef linear{.weight = &checkpoint->tensors()[0], .in = kWidth, .out = kWidth};
  double best = 0;
  for (int run = 0; run <= kRuns; ++run) {  // the first starts the threads
    const auto began = std::chrono::steady_clock::now();
    LSTAR_TRY(backend->linear(*checkpoint, linear, View<const T>{x.data(), kRows, kWidth, kWidth},
                              View<T>{y.data(), kRows, kWidth, kWidth}));
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
    if (run > 0) best = std::max(best, 2.0 * kRows * kWidth * kWidth / spent.count());
  }
  return best;
}

}  // namespace

double seconds_of(const ModelCost& cost, double speed) { return 2 * cost.products / speed + 25e-9 * cost.drawn; }

Result<double> products_per_second(Dtype dtype, int threads) {
  return catch_memory("timing this machine", [&]() -> Result<double> {
    return dtype == Dtype::float64 ? timed<double>(dtype, threads) : timed<float>(dtype, threads);
  });
}

Result<ModelCost> cost_of(OpenModel& model, const Study& study) {
  LSTAR_ASSIGN(const Measurement prepared, model.prepare(study.prompts, {.hash_files = false}));
  std::vector<Prompt> own;
  for (const MeasuredPrompt& prompt : prepared.prompts)
    if (prompt.row) own.push_back({.text = {}, .ids = prompt.ids});
  std::vector<Pass> passes{pass_of(own)};
  const ControlWishes& wishes = study.controls;
  if (wishes.shadow) passes.push_back(passes[0]);
  // Rounding float32 at random takes two passes' time: it is computed in double.
  const int random = study.dtype == Dtype::float32 ? 2 * wishes.mca : wishes.mca;
  for (int other = 0; other < random + wishes.untrained; ++other) passes.push_back(passes[0]);
  if (const auto cuts = length_cuts(model, study))
    for (const LengthCut& cut : *cuts) passes.push_back(pass_of(cut.prompts));

  const Architecture& a = model.architecture();
  const double weights = multiplied_weights(model), layers = a.layers,
               width = a.heads * static_cast<double>(a.head_dim);
  ModelCost cost{.passes = static_cast<int>(passes.size()) - random + wishes.mca};
  for (size_t i = 0; i < passes.size(); ++i) {
    const auto tokens = static_cast<double>(passes[i].tokens);
    (i == 0 ? cost.tokens : cost.control_tokens) += passes[i].tokens;
    cost.products += 2 * weights * tokens + 4 * layers * width * passes[i].pairs;
    // Norms of W_V and W_O: two products of head width with each, of every set of weights.
    cost.products += 4 * layers * width * a.head_dim * static_cast<double>(a.hidden);
    const double rows = 3 * static_cast<double>(a.hidden) + 4 * width + 2 * static_cast<double>(a.mlp);
    cost.memory = std::max(cost.memory, 4 * tokens * rows);
  }
  // Lanczos' 80 steps, two products of each matrix with a vector in each: about a fifth as fast as matrices.
  if (study.spectral) cost.products += 5 * 2 * 2 * 160 * layers * width * static_cast<double>(a.hidden);
  cost.drawn = weights * wishes.untrained;
  const double prompts =
      static_cast<double>(own.size()) * (1 + (wishes.shadow ? 1 : 0) + wishes.mca + wishes.untrained);
  cost.store = layers * (prompts * (a.heads * 16.0 + 16.0) + static_cast<double>(own.size()) * a.heads * 8.0);
  return cost;
}

}  // namespace lstar
