// The two calls that take the time:  bench_compute [THREADS] [TOKENS]
// Linear layers of GPT-2's and a 7B model's shapes beside oneDNN's float32 matmul, and attention on one long prompt of
// GPT-2's heads, with none, some and all statistics, as a fraction of the linear layers' rate. OMP_NUM_THREADS sets
// oneDNN's threads.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>

#include "bench/onednn.h"
#include "lstar/base/worker_pool.h"
#include "lstar/compute/backend.h"
#include "tests/support/memory_checkpoint.h"

namespace {

using namespace lstar;

// A weight that is copied out as a float32 file's would be.
class OneWeight : public testing::MemoryCheckpoint {
 public:
  OneWeight(int64_t rows, int64_t cols) : values_(static_cast<size_t>(rows * cols)) {
    tensors_.push_back({"w", StoredType::float32, {{rows, cols}}});
    for (size_t i = 0; i < values_.size(); ++i) values_[i] = static_cast<float>(i % 17) - 8;
  }
  using MemoryCheckpoint::read;
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const override {
    std::copy_n(values_.data() + rows.begin * tensor.shape.cols(), out.size(), out.data());
    return {};
  }

 private:
  std::vector<float> values_;
};

template <class F>
double median_seconds(const F& f) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  for (int i = 0; i < 4; ++i) {
    const auto start = Clock::now();
    f();
    if (i > 0) times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[1];
}

double linear_rate(Backend<float>& backend, int64_t rows, int64_t in, int64_t out, bool transposed) {
  const OneWeight checkpoint(transposed ? in : out, transposed ? out : in);
  const LinearRef linear{.weight = checkpoint.find("w"), .transposed = transposed, .in = in, .out = out};
  Matrix<float> x(rows, in), y(rows, out);
  for (int64_t i = 0; i < rows * in; ++i) x.data()[i] = static_cast<float>(i % 13) - 6;
  const double seconds = median_seconds([&] {
    if (!backend.linear(checkpoint, linear, x.view(), y.view())) std::abort();
  });
  return 2.0 * static_cast<double>(rows * in * out) / seconds;
}

double attention_seconds(Dtype dtype, int threads, int64_t n, bool diagonal, bool entropy, bool rounded) {
  const int heads = 12, width = 64;
  const auto backend = make_cpu_backend<float>(dtype, threads);
  Matrix<float> qkv(n, 3 * heads * width), out(n, heads * width);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < n * qkv.cols(); ++i) qkv.data()[i] = round_to(dtype, normal(random));
  const AttentionSpec spec{.heads = heads, .kv_heads = heads, .head_dim = width, .scale = 0.125, .alibi_slopes = {}};
  const Batch batch{.ids = {}, .start = {0, n}};
  std::vector<double> sums(3 * heads + 1);
  AttentionStats stats{.stride = heads};
  if (diagonal) stats.diagonal = sums.data(), stats.off_diagonal = sums.data() + heads;
  if (entropy) stats.entropy = sums.data() + 2 * heads;
  if (rounded) stats.rounded_sum = &sums.back(), stats.rounded_stride = 1;
  return median_seconds([&] {
    const auto part = [&](int64_t which) { return HeadView<const float>{qkv.view(), which * heads * width, width}; };
    if (!backend->attention(spec, batch, part(0), part(1), part(2), false, out.view(), stats)) std::abort();
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : WorkerPool::available();
  const int64_t n = argc > 2 ? std::atoll(argv[2]) : 8192;
  const auto backend = make_cpu_backend<float>(Dtype::float32, threads);
  std::printf("%s, %d threads\n", backend->description().c_str(), threads);
  const int64_t shapes[][3] = {{75, 768, 3072}, {4096, 768, 3072}, {4096, 3072, 768}, {75, 4096, 11008}};
  double best = 0;
  for (const auto& [rows, in, out] : shapes) {
    const double rate = linear_rate(*backend, rows, in, out, false), reference = bench::onednn_rate(rows, in, out);
    const double transposed = linear_rate(*backend, rows, in, out, true);
    best = std::max(best, rate);
    std::printf("linear %5d x %5d -> %5d: %6.1f GFLOP/s, transposed %6.1f, oneDNN %6.1f (%.0f %%)\n",
                static_cast<int>(rows), static_cast<int>(in), static_cast<int>(out), rate * 1e-9, transposed * 1e-9,
                reference * 1e-9, 100 * rate / reference);
  }
  // Causal: half of n^2 scores, and as many products with V.
  const double operations = 2.0 * 768 * static_cast<double>(n) * static_cast<double>(n);
  for (Dtype dtype : {Dtype::float32, Dtype::float16})
    for (int wants = 0; wants < 4; ++wants) {
      const double seconds = attention_seconds(dtype, threads, n, wants > 0, wants > 1, wants > 2);
      const char* names[] = {"no statistics", "diagonal", "diagonal, entropy", "and rounded sum"};
      std::printf("attention n = %d, %s, %-18s %7.3f s, %6.1f GFLOP/s (%.0f %% of linear)\n", static_cast<int>(n),
                  std::string(name(dtype)).c_str(), names[wants], seconds, operations / seconds * 1e-9,
                  100 * operations / seconds / best);
    }
}
