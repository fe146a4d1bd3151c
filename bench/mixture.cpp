// A mixture of experts beside a dense gated MLP with the same multiply-adds:  bench_mixture [TOKENS] [THREADS] [ROUNDS]
// Eight experts, two for each token, against one MLP that is twice as wide. What a mixture costs beyond its products:
// routing, bringing a token's rows together and adding them up, and four times the weights. Both are timed in turn, so
// that a machine which is busy with something else slows both; the best times and the median of the ratios are shown,
// in seconds that pass and in seconds of all processors.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "lstar/base/worker_pool.h"
#include "lstar/model/mlp.h"
#include "tests/support/memory_checkpoint.h"

namespace {

using namespace lstar;

constexpr int kExperts = 8, kUsed = 2;

// Weights that are copied out as a float32 file's would be.
class ManyWeights : public testing::MemoryCheckpoint {
 public:
  LinearRef add(int64_t in, int64_t out) {
    std::vector<float> values(static_cast<size_t>(in * out));
    for (float& value : values) value = normal_(random_) / 32;
    values_.push_back(std::move(values));
    infos_.push_back(
        std::make_unique<TensorInfo>(TensorInfo{fmt::format("w{}", infos_.size()), StoredType::float32, {{out, in}}}));
    return {.weight = infos_.back().get(), .in = in, .out = out};
  }
  MlpWeights add_mlp(int64_t hidden, int64_t width) {
    return {.up = add(hidden, width), .down = add(width, hidden), .gate = add(hidden, width)};
  }
  using MemoryCheckpoint::read;
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const override {
    const size_t number = std::strtoul(tensor.name.c_str() + 1, nullptr, 10);
    std::copy_n(values_[number].data() + rows.begin * tensor.shape.cols(), out.size(), out.data());
    return {};
  }

 private:
  std::mt19937 random_{1};
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> values_;
  std::vector<std::unique_ptr<TensorInfo>> infos_;
};

struct Seconds {
  double passed = 0, processors = 0;
};

double now(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Seconds timed(Mlp<float>& mlp, const LayerWeights& weights, const Matrix<float>& in, Matrix<float>& out) {
  const double passed = now(CLOCK_MONOTONIC), processors = now(CLOCK_PROCESS_CPUTIME_ID);
  if (!mlp.run(weights, in.view(), out.view())) std::abort();
  return {now(CLOCK_MONOTONIC) - passed, now(CLOCK_PROCESS_CPUTIME_ID) - processors};
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void compare(int hidden, int width, int64_t tokens, int threads, int rounds) {
  ManyWeights weights;
  Architecture dense, mixture;
  dense.hidden = mixture.hidden = hidden;
  dense.activation = mixture.activation = Activation::silu;
  dense.mlp = kUsed * width;
  mixture.experts = {.count = kExperts, .used = kUsed, .mlp = width, .renormalise = true};
  for (Architecture* a : {&dense, &mixture}) (*a)[Role::mlp_gate] = (*a)[Role::expert_gate] = TensorRef{};
  LayerWeights one, several;
  one.mlp = weights.add_mlp(hidden, dense.mlp);
  several.experts.emplace();
  several.experts->router = weights.add(hidden, kExperts);
  for (int i = 0; i < kExperts; ++i) several.experts->experts.push_back(weights.add_mlp(hidden, width));

  const auto backend = make_cpu_backend<float>(Dtype::float32, threads);
  Mlp<float> dense_mlp(dense, weights, *backend, tokens), mixture_mlp(mixture, weights, *backend, tokens);
  Matrix<float> in(tokens, hidden), out(tokens, hidden);
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < tokens * hidden; ++i) in.data()[i] = normal(random);

  Seconds best_dense{1e9, 1e9}, best_mixture{1e9, 1e9};
  std::vector<double> passed, processors;
  const auto keep = [](Seconds& best, const Seconds& s) {
    best = {std::min(best.passed, s.passed), std::min(best.processors, s.processors)};
  };
  for (int round = 0; round <= rounds; ++round) {
    const Seconds d = timed(dense_mlp, one, in, out), m = timed(mixture_mlp, several, in, out);
    if (round == 0) continue;  // memory is touched for the first time
    keep(best_dense, d);
    keep(best_mixture, m);
    passed.push_back(m.passed / d.passed);
    processors.push_back(m.processors / d.processors);
  }
  const double operations = 6.0 * static_cast<double>(tokens) * hidden * dense.mlp;
  std::printf(
      "%4d x %4d, %d threads: dense %7.2f ms (%5.1f GFLOP/s), mixture %7.2f ms: %.3f; median %.3f, processors %.3f\n",
      hidden, width, threads, best_dense.passed * 1e3, operations / best_dense.passed * 1e-9, best_mixture.passed * 1e3,
      best_mixture.passed / best_dense.passed, median(passed), median(processors));
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t tokens = argc > 1 ? std::atoll(argv[1]) : 1000;
  const int most = argc > 2 ? std::atoi(argv[2]) : WorkerPool::available();
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 15;
  std::printf("%d experts, %d a token, %d tokens, float32\n", kExperts, kUsed, static_cast<int>(tokens));
  for (const int threads : most > 1 ? std::vector<int>{1, most} : std::vector<int>{1})
    for (const auto& [hidden, width] : {std::pair{256, 512}, std::pair{1024, 512}, std::pair{1024, 1408}})
      compare(hidden, width, tokens, threads, rounds);
}
