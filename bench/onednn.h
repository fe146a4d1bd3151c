// What our products are held against: oneDNN's float32 matmul with its own threads.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

namespace lstar::bench {

// Operations per second of y = x W^T for (m, k) x (n, k), median of five runs after a warm-up.
inline double onednn_rate(int64_t m, int64_t k, int64_t n) {
  using namespace dnnl;
  using Clock = std::chrono::steady_clock;
  engine cpu(engine::kind::cpu, 0);
  stream queue(cpu);
  const memory::desc x({m, k}, memory::data_type::f32, memory::format_tag::ab);
  const memory::desc w({k, n}, memory::data_type::f32, memory::format_tag::ba);
  const memory::desc y({m, n}, memory::data_type::f32, memory::format_tag::ab);
  memory xm(x, cpu), wm(w, cpu), ym(y, cpu);
  for (auto* memory : {&xm, &wm}) {
    auto* values = static_cast<float*>(memory->get_data_handle());
    for (size_t i = 0; i < memory->get_desc().get_size() / sizeof(float); ++i)
      values[i] = static_cast<float>(i % 17) - 8;
  }
  const matmul product(matmul::primitive_desc(matmul::desc(x, w, y), cpu));
  std::vector<double> times;
  for (int i = 0; i < 6; ++i) {
    const auto start = Clock::now();
    product.execute(queue, {{DNNL_ARG_SRC, xm}, {DNNL_ARG_WEIGHTS, wm}, {DNNL_ARG_DST, ym}});
    queue.wait();
    if (i > 0) times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return 2.0 * static_cast<double>(m * k * n) / times[2];
}

}  // namespace lstar::bench
