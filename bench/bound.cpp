// What a job cannot beat:  bench_bound PROMPTS MODEL [PROMPTS MODEL ...]
// For each MODEL (a folder or a .gguf file), one JSON object a line: the multiply-adds of one float32 pass over
// PROMPTS, lengths in tokens (15x5, or 16,13,10), and the rate that oneDNN's float32 matmul reaches on the same shapes
// with its own threads; the bytes of the weights that the pass reads and the rate at which they, already in memory, are
// widened by all threads into buffers that stay in the cache; and `bound`, the seconds that both take one after the
// other. oneDNN's threads are OMP_NUM_THREADS, which ought to be ours: as many as the process may use. For models
// without experts: which of those a row takes is not known here.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "bench/onednn.h"
#include "lstar/architecture/weights.h"
#include "lstar/base/array.h"
#include "lstar/base/worker_pool.h"

namespace {

using namespace lstar;

struct Products {
  double operations = 0, seconds = 0;  // two operations a multiply-add
};

class ProductBound {
 public:
  void add(int64_t m, int64_t k, int64_t n, double count = 1) { counts_[{m, k, n}] += count; }

  Products measure() const {
    Products all;
    for (const auto& [shape, count] : counts_) {
      const auto& [m, k, n] = shape;
      const double operations = 2.0 * static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n) * count;
      all.operations += operations;
      all.seconds += operations / bench::onednn_rate(m, k, n);
    }
    return all;
  }

 private:
  std::map<std::tuple<int64_t, int64_t, int64_t>, double> counts_;
};

// How many prompts have a length, by length.
using Lengths = std::map<int64_t, int64_t>;

// Empty where `list` is none.
Lengths lengths_of(const char* list) {
  Lengths lengths;
  while (true) {
    char* end = nullptr;
    const int64_t tokens = std::strtoll(list, &end, 10);
    const int64_t prompts = *end == 'x' ? std::strtoll(end + 1, &end, 10) : 1;
    if (tokens <= 0 || prompts <= 0) return {};
    lengths[tokens] += prompts;
    if (*end != ',') return *end == 0 ? lengths : Lengths();
    list = end + 1;
  }
}

// Every product of a pass with traces and residual norms: in the last layer, what follows the scores is needed for each
// prompt's last row alone. Long prompts' rows are cut to what fits: the rate no longer depends on them.
Products products_of(const Model& model, const Lengths& lengths) {
  constexpr int64_t kRows = 4096;
  const Architecture& a = model.architecture;
  int64_t rows = 0, prompts = 0;
  for (const auto& [tokens, count] : lengths) rows += tokens * count, prompts += count;
  const int64_t measured = std::min(rows, kRows);
  const double repeats = static_cast<double>(rows) / static_cast<double>(measured);
  ProductBound bound;
  for (int l = 0; l < a.layers; ++l) {
    const LayerWeights& layer = model.weights.layers[static_cast<size_t>(l)];
    const bool last = l + 1 == a.layers;
    const size_t scores = layer.query_key_value.size();
    const auto all = linears(layer);
    for (size_t i = 0; i < all.size(); ++i) {
      if (last && i >= scores)
        bound.add(prompts, all[i]->in, all[i]->out);
      else
        bound.add(measured, all[i]->in, all[i]->out, repeats);
    }
    // A causal row has half of the keys on average; a product over all of them is measured and counted half.
    for (const auto& [tokens, count] : lengths) {
      const int64_t side = std::min(tokens, kRows);
      const double pairs = static_cast<double>(tokens) * static_cast<double>(tokens + 1) / 2;
      const double heads =
          pairs / (static_cast<double>(side) * static_cast<double>(side)) * a.heads * static_cast<double>(count);
      bound.add(side, a.head_dim, side, heads);
      if (!last) bound.add(side, side, a.head_dim, heads);
    }
  }
  return bound.measure();
}

struct Weights {
  double bytes = 0, seconds = 0;
};

// Rows of every linear layer, 64 KB of them at a time, by all threads; the median of three walks after a first one.
Result<Weights> widening_of(const Model& model) {
  const Checkpoint& checkpoint = *model.checkpoint;
  struct Piece {
    const LinearRef* linear;
    RowRange rows;
  };
  std::vector<Piece> pieces;
  Weights result;
  for (const LayerWeights& layer : model.weights.layers)
    for (const LinearRef* linear : linears(layer)) {
      const int64_t cols = linear->weight->shape.cols(), step = std::max<int64_t>(1, 16384 / cols);
      const int64_t end = linear->first_row + (linear->transposed ? linear->in : linear->out);
      for (int64_t row = linear->first_row; row < end; row += step)
        pieces.push_back({linear, {row, std::min(end, row + step)}});
      const StoredTypeInfo& type = info(linear->weight->type);
      result.bytes += static_cast<double>((end - linear->first_row) * cols) / type.block_elements * type.block_bytes;
    }
  WorkerPool pool(0);
  std::vector<Matrix<float>> buffers;
  int64_t widest = 16384;
  for (const Piece& piece : pieces) widest = std::max(widest, piece.linear->weight->shape.cols());
  for (int worker = 0; worker < pool.threads(); ++worker) buffers.emplace_back(1, widest);
  std::vector<double> times;
  std::atomic<bool> failed = false;
  for (int walk = 0; walk < 4; ++walk) {
    const auto start = std::chrono::steady_clock::now();
    pool.for_each(pieces.size(), [&](size_t i, int worker) {
      const auto& [linear, rows] = pieces[i];
      const size_t count = static_cast<size_t>(rows.count() * linear->weight->shape.cols());
      if (!checkpoint.read(*linear->weight, rows, std::span(buffers[static_cast<size_t>(worker)].data(), count)))
        failed = true;
    });
    if (walk > 0) times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  if (failed) return fail({.file = checkpoint.path(), .expected = "weights that can be read", .found = "an error"});
  std::sort(times.begin(), times.end());
  result.seconds = times[1];
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc % 2 == 0) return std::fputs("bench_bound PROMPTS MODEL [PROMPTS MODEL ...]\n", stderr), 2;
  for (int i = 2; i < argc; i += 2) {
    const Lengths lengths = lengths_of(argv[i - 1]);
    if (lengths.empty())
      return fmt::print(stderr, "{}: lengths are wanted, such as 15x5 or 16,13,10\n", argv[i - 1]), 2;
    const auto model = open_model(argv[i]);
    if (!model) return fmt::print(stderr, "{}\n", model.error().message()), 1;
    for (const LayerWeights& layer : model->weights.layers)
      if (layer.experts) return fmt::print(stderr, "{}: no bound is known for experts\n", argv[i]), 1;
    const auto weights = widening_of(*model);
    if (!weights) return fmt::print(stderr, "{}\n", weights.error().message()), 1;
    const Products products = products_of(*model, lengths);
    fmt::print(R"({{"model": "{}", "gflop": {:.3f}, "gflop_per_second": {:.1f}, "weight_bytes": {:.0f}, )"
               R"("weight_gb_per_second": {:.2f}, "bound": {:.4f}}})"
               "\n",
               argv[i], products.operations / 1e9, products.operations / products.seconds / 1e9, weights->bytes,
               weights->bytes / weights->seconds / 1e9, products.seconds + weights->seconds);
  }
}
