// Forward passes and where their time goes:  bench_forward MODEL TOKENS [PROMPTS] [REPETITIONS] [DTYPE]
// The same pass without statistics of attention, with the diagonal, the rounded row sums and the entropy alone, and
// with all of them, in turns. A JSON object for each on a line: the median of its seconds and every run's, its
// operations (two a multiply-add), and the seconds of the median run by kind of call. A last line has the seconds of
// what surrounds the pass: opening the model and the norms of its weights.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bench/timed_backend.h"
#include "lstar/base/worker_pool.h"
#include "lstar/model/forward.h"
#include "lstar/model/weight_norms.h"

namespace {

using namespace lstar;
using Clock = std::chrono::steady_clock;
using Parts = std::map<std::string, double>;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

[[noreturn]] void stop(const Error& error) {
  fmt::print(stderr, "{}\n", error.message());
  std::exit(1);
}

Batch batch_of(int64_t tokens, int64_t prompts, int64_t vocab) {
  Batch batch;
  for (int64_t p = 0; p < prompts; ++p) {
    for (int64_t i = 0; i < tokens; ++i)
      batch.ids.push_back(static_cast<int32_t>((p * 7919 + i * 104729 + 13) % vocab));
    batch.start.push_back(static_cast<int64_t>(batch.ids.size()));
  }
  return batch;
}

struct Job {
  const char* statistics;
  Wants wants;
  std::vector<std::pair<double, Parts>> runs;
};

template <class T>
void measure(const Model& model, const Batch& batch, Dtype dtype, int repetitions, std::vector<Job>& jobs) {
  const auto backend = make_cpu_backend<T>(dtype, WorkerPool::available());
  bench::TimedBackend<T> timed(*backend);
  for (int i = 0; i < repetitions; ++i)
    for (Job& job : jobs) {
      timed.reset();
      Observation seen;
      const auto start = Clock::now();
      if (const auto ran = forward(model, batch, {.wants = job.wants}, timed, seen); !ran) stop(ran.error());
      const double all = seconds_since(start);
      Parts parts = timed.seconds();
      double known = 0;
      for (const auto& [call, seconds] : parts) known += seconds;
      parts["between calls"] = all - known;
      job.runs.emplace_back(all, std::move(parts));
    }
}

std::string json_of(const Parts& parts) {
  std::vector<std::string> members;
  for (const auto& [name, seconds] : parts) members.push_back(fmt::format(R"("{}": {:.5f})", name, seconds));
  return fmt::format("{{{}}}", fmt::join(members, ", "));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("bench_forward MODEL TOKENS [PROMPTS] [REPETITIONS] [DTYPE]\n", stderr), 2;
  const int64_t tokens = std::atoll(argv[2]), prompts = argc > 3 ? std::atoll(argv[3]) : 1;
  const int repetitions = argc > 4 ? std::max(1, std::atoi(argv[4])) : 1;
  const Dtype dtype = parse_dtype(argc > 5 ? argv[5] : "float32").value_or(Dtype::float32);
  const auto start = Clock::now();
  const auto model = open_model(argv[1]);
  if (!model) stop(model.error());
  Parts around{{"open", seconds_since(start)}};
  const Architecture& a = model->architecture;
  const Batch batch = batch_of(tokens, prompts, a.vocab);

  const Wants one_sweep = Want::diagonal | Want::entropy | Want::residual_norm;
  std::vector<Job> jobs{{"none", Wants{} | Want::residual_norm, {}},
                        {"diagonal", Want::diagonal | Want::residual_norm, {}},
                        {"diagonal, entropy", one_sweep, {}},
                        {"diagonal, entropy, rounded sums", one_sweep | Want::rounded_sum, {}},
                        {"all of these, overlap", one_sweep | Want::rounded_sum | Want::overlap, {}}};
  if (dtype == Dtype::float64)
    measure<double>(*model, batch, dtype, repetitions, jobs);
  else
    measure<float>(*model, batch, dtype, repetitions, jobs);

  // The last layer's rows past attention are the prompts' last ones.
  const double rows = static_cast<double>(batch.rows()), d = a.hidden, q = static_cast<double>(a.heads) * a.head_dim;
  const double kv = static_cast<double>(a.kv_heads) * a.head_dim, mlp = (a.has(Role::mlp_gate) ? 3.0 : 2.0) * d * a.mlp;
  const double last = static_cast<double>(prompts);
  const double linear = 2 * (a.layers * rows * d * (q + 2 * kv) + ((a.layers - 1) * rows + last) * (q * d + mlp));
  const double pairs = last * static_cast<double>(tokens) * (static_cast<double>(tokens) + 1) / 2;
  const double attention = 2 * (2 * a.layers - 1) * pairs * q;
  for (Job& job : jobs) {
    std::vector<double> all;
    for (const auto& [seconds, parts] : job.runs) all.push_back(seconds);
    std::sort(job.runs.begin(), job.runs.end());
    const auto& [seconds, parts] = job.runs[(job.runs.size() - 1) / 2];
    fmt::print(
        R"({{"statistics": "{}", "seconds": {:.5f}, "runs": [{:.5f}], "linear_gflop": {:.3f}, "attention_gflop": {:.3f}, )"
        R"("parts": {}}})"
        "\n",
        job.statistics, seconds, fmt::join(all, ", "), linear / 1e9, attention / 1e9, json_of(parts));
  }
  const auto norms = Clock::now();
  WorkerPool pool(0);
  if (const auto weights = weight_norms(*model, {.dtype = dtype}, pool); !weights) stop(weights.error());
  around["weight norms"] = seconds_since(norms);
  fmt::print("{{\"around\": {}}}\n", json_of(around));
}
