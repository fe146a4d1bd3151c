// Rows of probabilities that are handed out: they are the ones that attention uses, of every mask, each exactly once,
// and which stream gets what does not depend on threads. On every instruction set that is compiled in.
#include <mutex>

#include "tests/compute/attention_case.h"
#include "tests/support/every_target.h"

namespace lstar {
namespace {

using testing::attend;
using testing::AttentionCase;
using testing::AttentionShape;

using AttentionRowsTest = testing::OnEveryTarget;
INSTANTIATE_TEST_SUITE_P(Targets, AttentionRowsTest, testing::every_target(), testing::target_name);

constexpr size_t kStreams = 3;

// All that was handed out: whole matrices, and what each stream saw in its order.
template <class T>
struct Handed {
  std::vector<std::vector<T>> p;                // (prompts x heads): (n, n); 0 where nothing was handed out
  std::vector<std::vector<int>> times;          // as p: how often it was
  std::vector<std::vector<int64_t>> of_stream;  // prompt, row, head, key, rows, keys of each block
};

template <class T>
Handed<T> hand_out(const AttentionCase<T>& in, int threads) {
  const auto backend = make_cpu_backend<T>(in.dtype, threads);
  Handed<T> handed;
  for (size_t p = 0; p < in.batch.prompts(); ++p)
    for (int h = 0; h < in.spec.heads; ++h) {
      const auto n = static_cast<size_t>(in.batch.length(p));
      handed.p.emplace_back(n * n);
      handed.times.emplace_back(n * n);
    }
  handed.of_stream.resize(kStreams);
  std::mutex mutex;
  const auto done = backend->attention_rows(
      in.spec, in.batch, in.part(0), in.part(in.k_at(0)), kStreams, [&](const AttentionRows<T>& rows) {
        const std::lock_guard lock(mutex);
        const int64_t n = in.batch.length(rows.prompt);
        const size_t at = rows.prompt * static_cast<size_t>(in.spec.heads) + static_cast<size_t>(rows.head);
        for (int64_t i = 0; i < rows.p.rows; ++i)
          for (int64_t j = 0; j < rows.p.cols; ++j) {
            const int64_t place = (rows.first_row + i) * n + rows.first_key + j;
            handed.p[at].at(static_cast<size_t>(place)) = rows.p(i, j);
            ++handed.times[at].at(static_cast<size_t>(place));
          }
        for (int64_t value : {static_cast<int64_t>(rows.prompt), rows.first_row, static_cast<int64_t>(rows.head),
                              rows.first_key, rows.p.rows, rows.p.cols})
          handed.of_stream.at(rows.stream).push_back(value);
      });
  EXPECT_TRUE(done) << (done ? "" : done.error().message());
  return handed;
}

std::vector<AttentionShape> shapes() {
  return {{.heads = 6, .kv_heads = 2, .head_dim = 10, .lengths = {1, 65, 300, 2}},
          {.heads = 4, .kv_heads = 1, .head_dim = 16, .lengths = {130, 97}, .alibi = true},
          {.heads = 3, .kv_heads = 3, .head_dim = 8, .lengths = {400}, .window = 50},
          {.heads = 2, .kv_heads = 2, .head_dim = 8, .lengths = {300, 20}, .causal = false},
          {.heads = 2, .kv_heads = 2, .head_dim = 8, .lengths = {600}, .causal = false, .window = 40},
          {.heads = 4, .kv_heads = 2, .head_dim = 8, .lengths = {270}, .softcap = 3, .sinks = true}};
}

TEST_P(AttentionRowsTest, EqualDenseForEveryMask) {
  for (const AttentionShape& shape : shapes()) {
    // Scores of a few: an exponential is off by as many units, and so is a probability. 1e-5: float32 within 1e-5 of
    // float64 is what is promised of a pass; double has its own share of that.
    const auto check = [](const auto& in, double tolerance) {
      const auto handed = hand_out(in, 2);
      for (size_t p = 0; p < in.batch.prompts(); ++p)
        for (int h = 0; h < in.spec.heads; ++h) {
          const auto dense = in.dense(p, h);
          const size_t at = p * static_cast<size_t>(in.spec.heads) + static_cast<size_t>(h);
          for (size_t i = 0; i < dense.p.size(); ++i) {
            ASSERT_NEAR(static_cast<double>(handed.p[at][i]), dense.p[i], tolerance) << p << " " << h << " " << i;
            ASSERT_LE(handed.times[at][i], 1);
            ASSERT_EQ(handed.p[at][i] == 0, dense.p[i] == 0) << p << " " << h << " " << i;
          }
        }
    };
    check(AttentionCase<float>(shape, Dtype::float32, 5), 1e-5);
    check(AttentionCase<double>(shape, Dtype::float64, 5), 1e-13);
  }
}

// Rounded scores, probabilities that are not: with exact products the oracle's scores are the same numbers.
TEST_P(AttentionRowsTest, AreUnroundedInHalfPrecision) {
  for (const Dtype dtype : {Dtype::float16, Dtype::bfloat16}) {
    const AttentionCase<float> in(
        {.heads = 2, .kv_heads = 2, .head_dim = 16, .lengths = {120}, .scale = 0.25, .exact_products = true}, dtype, 6);
    const auto handed = hand_out(in, 2);
    int off_the_grid = 0;
    for (int h = 0; h < 2; ++h) {
      const auto dense = in.dense(0, h);
      for (size_t i = 0; i < dense.p.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(handed.p[static_cast<size_t>(h)][i]), dense.p[i], 1e-6) << h << " " << i;
        off_the_grid += handed.p[static_cast<size_t>(h)][i] != round_to(dtype, handed.p[static_cast<size_t>(h)][i]);
      }
    }
    EXPECT_GT(off_the_grid, 1000);
  }
}

TEST_P(AttentionRowsTest, ThreadsChangeNothing) {
  for (const AttentionShape& shape : shapes()) {
    const AttentionCase<float> in(shape, Dtype::float32, 7);
    const auto one = hand_out(in, 1);
    for (int threads : {2, 3}) {
      const auto more = hand_out(in, threads);
      EXPECT_EQ(one.p, more.p);
      EXPECT_EQ(one.of_stream, more.of_stream);
    }
  }
}

// The same numbers as attention sums up, which takes e^(s - m) / Z in double.
TEST_P(AttentionRowsTest, SumUpToWhatAttentionReports) {
  const AttentionCase<float> in({.heads = 3, .kv_heads = 1, .head_dim = 16, .lengths = {300}}, Dtype::float32, 8);
  const auto handed = hand_out(in, 2);
  const auto seen = attend(in);
  for (size_t h = 0; h < 3; ++h) {
    double diagonal = 0, whole = 0;
    for (size_t i = 0; i < 300; ++i) diagonal += handed.p[h][i * 300 + i];
    for (float p : handed.p[h]) whole += p;
    // Each probability is rounded to float32 once: 2^-24 of its row's 1.
    EXPECT_NEAR(diagonal, seen.diagonal[h], 300 * 0x1p-24);
    EXPECT_NEAR(whole - diagonal, seen.off_diagonal[h], 300 * 300 * 0x1p-24);
  }
}

}  // namespace
}  // namespace lstar
