// One forward pass with statistics, as a whole:  forward FOLDER TOKENS [PROMPTS] [DTYPE]
// Prints its time, its multiply-adds per second, peak memory, and the float32 rate that oneDNN's matmul reaches on the
// same layer shapes with its own threads, so that one run gives the fraction.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/onednn.h"
#include "lstar/base/worker_pool.h"
#include "lstar/model/forward.h"

namespace {

using namespace lstar;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

long peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "forward FOLDER TOKENS [PROMPTS] [DTYPE]\n"), 2;
  const int64_t tokens = std::atoll(argv[2]), prompts = argc > 3 ? std::atoll(argv[3]) : 1;
  const Dtype dtype = parse_dtype(argc > 4 ? argv[4] : "float32").value_or(Dtype::float32);
  const auto model = open_model(argv[1]);
  if (!model) return std::fprintf(stderr, "%s\n", model.error().message().c_str()), 1;
  const Architecture& a = model->architecture;

  Batch batch;
  for (int64_t p = 0; p < prompts; ++p) {
    for (int64_t i = 0; i < tokens; ++i)
      batch.ids.push_back(static_cast<int32_t>((p * 7919 + i * 104729 + 13) % a.vocab));
    batch.start.push_back(static_cast<int64_t>(batch.ids.size()));
  }
  const Wants factors = Want::diagonal | Want::entropy | Want::residual_norm;
  const struct {
    const char* name;
    Wants wants;
  } jobs[] = {{"no statistics", Want::residual_norm},
              {"diagonal, entropy", factors},
              {"and rounded sums", factors | Want::rounded_sum}};
  const double rows = static_cast<double>(batch.rows()), d = a.hidden, q = static_cast<double>(a.heads) * a.head_dim;
  const double kv = static_cast<double>(a.kv_heads) * a.head_dim, mlp = (a.has(Role::mlp_gate) ? 3.0 : 2.0) * d * a.mlp;
  const double last = static_cast<double>(prompts);
  // Two operations a multiply-add. The last layer's rows past attention are the prompts' last ones.
  const double linear = 2 * (a.layers * rows * d * (q + 2 * kv) + ((a.layers - 1) * rows + last) * (q * d + mlp));
  const double pairs = last * static_cast<double>(tokens) * (static_cast<double>(tokens) + 1) / 2;
  const double attention = 2 * (2 * a.layers - 1) * pairs * q;

  fmt::print("{}: {} prompts of {} tokens, {}; {:.1f} GFLOP in linear layers, {:.1f} in attention\n", argv[1], prompts,
             tokens, name(dtype), linear / 1e9, attention / 1e9);
  for (const auto& job : jobs) {
    const auto run = [&](auto backend) {
      Observation seen;
      const auto start = Clock::now();
      const auto ran = forward(*model, batch, {.wants = job.wants}, *backend, seen);
      const double time = seconds_since(start);
      if (!ran) return std::fprintf(stderr, "%s\n", ran.error().message().c_str()), std::exit(1);
      fmt::print("  {:<20} {:8.3f} s  {:7.1f} GFLOP/s  peak {} MB\n", job.name, time, (linear + attention) / time / 1e9,
                 peak_megabytes());
    };
    if (dtype == Dtype::float64)
      run(make_cpu_backend<double>(dtype, WorkerPool::available()));
    else
      run(make_cpu_backend<float>(dtype, WorkerPool::available()));
  }
  const int64_t m = std::min<int64_t>(batch.rows(), 4096);
  const double up = bench::onednn_rate(m, a.hidden, a.mlp), down = bench::onednn_rate(m, a.mlp, a.hidden),
               square = bench::onednn_rate(m, a.hidden, a.hidden);
  fmt::print("  oneDNN float32, {} rows: {:.1f}, {:.1f}, {:.1f} GFLOP/s on (d, mlp), (mlp, d), (d, d)\n", m, up / 1e9,
             down / 1e9, square / 1e9);
}
