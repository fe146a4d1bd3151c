// Linear layers against sums in double, and their promises to the bit.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/compute/backend.h"
#include "tests/support/every_target.h"
#include "tests/support/memory_checkpoint.h"

namespace lstar {
namespace {

using testing::MemoryCheckpoint;

std::vector<double> normal(int64_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> distribution;
  std::vector<double> values(count);
  for (double& value : values) value = distribution(random);
  return values;
}

std::vector<double> transpose(const std::vector<double>& a, int64_t rows, int64_t cols) {
  std::vector<double> t(a.size());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) t[j * rows + i] = a[i * cols + j];
  return t;
}

// W and b of a layer, stored as they are and transposed.
struct Layer {
  int64_t in, out;
  std::vector<double> w, b;
  MemoryCheckpoint checkpoint;

  Layer(int64_t in_, int64_t out_, unsigned seed, StoredType type = StoredType::float32)
      : in(in_), out(out_), w(normal(in_ * out_, seed)), b(normal(out_, seed + 1)) {
    checkpoint.add("w", {out, in}, w, type);
    checkpoint.add("t", {in, out}, transpose(w, out, in), type);
    checkpoint.add("b", {out}, b, type);
  }
  LinearRef ref(bool transposed, bool bias) const {
    return {.weight = checkpoint.find(transposed ? "t" : "w"),
            .bias = bias ? checkpoint.find("b") : nullptr,
            .transposed = transposed,
            .in = in,
            .out = out};
  }
};

template <class T>
Matrix<T> rows_of(int64_t rows, int64_t cols, Dtype dtype, unsigned seed) {
  Matrix<T> x(rows, cols);
  const std::vector<double> values = normal(rows * cols, seed);
  for (int64_t i = 0; i < rows * cols; ++i)
    x.data()[i] =
        sizeof(T) == 8 ? static_cast<T>(values[i]) : static_cast<T>(round_to(dtype, static_cast<float>(values[i])));
  return x;
}

template <class T>
std::vector<T> apply(const Layer& layer, const LinearRef& ref, View<const T> x, Dtype dtype, int threads = 2) {
  const auto backend = make_cpu_backend<T>(dtype, threads);
  Matrix<T> y(x.rows, layer.out);
  const auto done = backend->linear(layer.checkpoint, ref, x, y.view());
  EXPECT_TRUE(done) << (done ? "" : done.error().message());
  return {y.data(), y.data() + x.rows * layer.out};
}

template <class T>
void expect_double(int64_t rows, int64_t in, int64_t out, Dtype dtype, bool transposed, bool bias) {
  SCOPED_TRACE(::testing::Message() << rows << " x " << in << " x " << out << " " << name(dtype)
                                    << (transposed ? " transposed" : "") << (bias ? " bias" : ""));
  const Layer layer(in, out, static_cast<unsigned>(rows + in + out));
  const Matrix<T> x = rows_of<T>(rows, in, dtype, 99);
  const std::vector<T> y = apply<T>(layer, layer.ref(transposed, bias), x.view(), dtype);
  // What a run in this dtype reads: float32 as stored, rounded once more where it is narrower.
  const auto r = [&](double w) { return static_cast<double>(round_to(dtype, static_cast<float>(w))); };
  const double u = unit_roundoff(sizeof(T) == 8 ? Dtype::float64 : Dtype::float32);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < out; ++j) {
      double sum = bias ? r(layer.b[j]) : 0, magnitude = std::fabs(sum);
      for (int64_t k = 0; k < in; ++k) {
        const double term = static_cast<double>(x.view()(i, k)) * r(layer.w[j * in + k]);
        sum += term;
        magnitude += std::fabs(term);
      }
      // gamma_(k+1) for k fused multiply-adds and the bias; an emulated result is rounded once more.
      double tolerance = static_cast<double>(in + 2) * u * magnitude;
      if (is_emulated(dtype)) tolerance += unit_roundoff(dtype) * (std::fabs(sum) + tolerance);
      ASSERT_NEAR(y[i * out + j], sum, tolerance) << i << ", " << j;
    }
}

TEST(Linear, EqualsSumsInDouble) {
  const int64_t shapes[][3] = {{1, 8, 8}, {5, 768, 70}, {75, 100, 257}, {97, 520, 64}, {7, 1030, 130}, {6, 1, 1}};
  for (const auto& [rows, in, out] : shapes)
    for (bool transposed : {false, true})
      for (bool bias : {false, true}) {
        for (Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16})
          expect_double<float>(rows, in, out, dtype, transposed, bias);
        expect_double<double>(rows, in, out, Dtype::float64, transposed, bias);
      }
}

// llama.cpp stores row (half, i) of a head as row (i, half); reading undoes it.
void expect_undone(int64_t rows) {
  SCOPED_TRACE(rows);
  const int heads = 3, width = 42, half = width / 2;  // heads that straddle the blocks of output columns
  const int64_t in = 800;                             // more than the depth at which sums go through memory
  const Layer plain(in, heads * width, 5);
  Layer stored(in, heads * width, 5);
  std::vector<double> w(plain.w.size()), b(plain.b.size());
  for (int h = 0; h < heads; ++h)
    for (int which = 0; which < 2; ++which)
      for (int i = 0; i < half; ++i) {
        const int from = h * width + which * half + i, to = h * width + 2 * i + which;
        std::copy_n(plain.w.begin() + from * in, in, w.begin() + to * in);
        b[to] = plain.b[from];
      }
  stored.checkpoint.add("w", {stored.out, stored.in}, w);
  stored.checkpoint.add("b", {stored.out}, b);
  LinearRef ref = stored.ref(false, true);
  ref.interleaved_heads = heads;
  const Matrix<float> x = rows_of<float>(rows, in, Dtype::float32, 6);
  EXPECT_EQ(apply<float>(stored, ref, x.view(), Dtype::float32),
            apply<float>(plain, plain.ref(false, true), x.view(), Dtype::float32));
}

TEST(Linear, InterleavedHeadsAreUndone) {
  expect_undone(9);
  expect_undone(1600);  // threads share the rows
}

using LinearBits = testing::OnEveryTarget;
INSTANTIATE_TEST_SUITE_P(Targets, LinearBits, testing::every_target(), testing::target_name);

template <class T>
void expect_same_bits(Dtype dtype) {
  const Layer layer(600, 150, 7);  // deeper than one block of the depth, wider than two blocks of columns
  const Matrix<T> x = rows_of<T>(600, 600, dtype, 8);
  const std::vector<T> all = apply<T>(layer, layer.ref(false, true), x.view(), dtype, 1);
  for (int threads : {2, 3}) EXPECT_EQ(apply<T>(layer, layer.ref(false, true), x.view(), dtype, threads), all);
  EXPECT_EQ(apply<T>(layer, layer.ref(true, true), x.view(), dtype), all);
  const int64_t step = vector_target() != HWY_STATIC_TARGET ? 1 : 97;  // scalar code is slow
  for (int64_t rows = 1; rows <= 600; rows += rows < 110 ? step : 61) {
    const int64_t first = (rows * 7) % (601 - rows);  // anywhere among the 600
    const std::vector<T> some = apply<T>(layer, layer.ref(false, true), x.view().row_range(first, first + rows), dtype);
    ASSERT_TRUE(std::equal(some.begin(), some.end(), all.begin() + first * layer.out)) << rows << " rows";
  }
}

TEST_P(LinearBits, NeitherRowsBesideNorThreadsMatter) {
  expect_same_bits<float>(Dtype::float32);
  expect_same_bits<float>(Dtype::bfloat16);
  expect_same_bits<double>(Dtype::float64);
}

// Of many rows threads share the rows, of few the columns: `out` is more than one group of the former.
template <class T>
void expect_bits_of_few_rows(int64_t in, int64_t out, Dtype dtype) {
  const int64_t rows = 1601, few = 90;
  const Layer layer(in, out, 41);
  const Matrix<T> x = rows_of<T>(rows, in, dtype, 42);
  for (const bool transposed : {false, true}) {
    SCOPED_TRACE(::testing::Message() << in << " x " << out << " " << name(dtype) << (transposed ? " transposed" : ""));
    const LinearRef ref = layer.ref(transposed, true);
    const std::vector<T> all = apply<T>(layer, ref, x.view(), dtype);
    EXPECT_EQ(apply<T>(layer, ref, x.view(), dtype, 1), all);
    for (int64_t first = 0; first < rows; first += few) {
      const int64_t end = std::min(rows, first + few);
      const std::vector<T> some = apply<T>(layer, ref, x.view().row_range(first, end), dtype);
      ASSERT_TRUE(std::equal(some.begin(), some.end(), all.begin() + first * out)) << "from row " << first;
    }
  }
}

TEST_P(LinearBits, ManyRowsGiveThoseOfFew) {
  expect_bits_of_few_rows<float>(20, 1100, Dtype::float32);
  expect_bits_of_few_rows<float>(20, 130, Dtype::float16);
  expect_bits_of_few_rows<double>(20, 130, Dtype::float64);
  expect_bits_of_few_rows<float>(1700, 20, Dtype::float32);  // deeper than two parts; chunks that are not the longest
}

// Weights that are widened on their way into panels, against the same ones that are read first: transposed they are.
TEST_P(LinearBits, HalvesArePackedAsTheyAreRead) {
  for (StoredType type : {StoredType::float16, StoredType::bfloat16})
    for (int64_t in : {600, 603, 5}) {
      const Layer layer(in, 150, 21, type);
      const Matrix<float> x = rows_of<float>(20, in, Dtype::float32, 22);
      EXPECT_EQ(apply<float>(layer, layer.ref(false, true), x.view(), Dtype::float32),
                apply<float>(layer, layer.ref(true, true), x.view(), Dtype::float32))
          << info(type).name << ", " << in;
    }
}

// Blocks of random bytes whose numbers are small.
std::vector<std::byte> random_blocks(StoredType type, int64_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes;
  while (static_cast<int64_t>(bytes.size()) < count * info(type).block_bytes) {
    std::vector<std::byte> block(info(type).block_bytes);
    for (std::byte& byte : block) byte = static_cast<std::byte>(random());
    std::vector<float> values(info(type).block_elements);
    widen(type, block.data(), values);
    if (std::all_of(values.begin(), values.end(), [](float v) { return std::fabs(v) < 1e6f; }))
      bytes.insert(bytes.end(), block.begin(), block.end());
  }
  return bytes;
}

TEST_P(LinearBits, BlocksArePackedAsTheyAreRead) {
  for (int t = static_cast<int>(StoredType::q8_0); t <= static_cast<int>(StoredType::mxfp4); ++t) {
    const auto type = static_cast<StoredType>(t);
    for (int64_t blocks : {1, 2, 9, 20}) {  // of a row: not whole pieces, several of them
      const int64_t in = blocks * info(type).block_elements, out = 70;
      MemoryCheckpoint checkpoint;
      checkpoint.add_blocks("w", {out, in}, type, random_blocks(type, out * blocks, static_cast<unsigned>(t)));
      checkpoint.add("read", {out, in}, checkpoint.values("w"));
      const Matrix<float> x = rows_of<float>(7, in, Dtype::float32, 23);
      const auto backend = make_cpu_backend<float>(Dtype::float32, 2);
      Matrix<float> packed(7, out), read(7, out);
      const LinearRef stored{.weight = checkpoint.find("w"), .in = in, .out = out};
      const LinearRef plain{.weight = checkpoint.find("read"), .in = in, .out = out};
      ASSERT_TRUE(backend->linear(checkpoint, stored, x.view(), packed.view()));
      ASSERT_TRUE(backend->linear(checkpoint, plain, x.view(), read.view()));
      for (int64_t i = 0; i < 7 * out; ++i) ASSERT_EQ(packed.data()[i], read.data()[i]) << info(type).name << ", " << i;
    }
  }
}

TEST(Linear, RowsMayLieApart) {
  const Layer layer(70, 66, 9);
  const Matrix<float> wide = rows_of<float>(13, 200, Dtype::float32, 10);
  const View<const float> x = View<const float>(wide.view()).columns(50, 120);
  Matrix<float> dense(13, 70), out(13, 300);
  for (int64_t i = 0; i < 13; ++i) std::copy_n(x.row(i), 70, dense.view().row(i));
  const auto backend = make_cpu_backend<float>(Dtype::float32, 2);
  ASSERT_TRUE(backend->linear(layer.checkpoint, layer.ref(false, false), x, out.view().columns(9, 75)));
  const std::vector<float> want = apply<float>(layer, layer.ref(false, false), dense.view(), Dtype::float32);
  for (int64_t i = 0; i < 13; ++i)
    for (int64_t j = 0; j < 66; ++j) EXPECT_EQ(out.view()(i, 9 + j), want[i * 66 + j]);
}

// A layer that is stored as rows of a larger tensor gives the bits of one that is stored alone.
TEST(Linear, PartsOfATensor) {
  const Layer first(20, 70, 31), second(20, 70, 33);
  MemoryCheckpoint both;
  const auto joined = [](std::vector<double> a, const std::vector<double>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  both.add("w", {2, 70, 20}, joined(first.w, second.w), StoredType::float32);
  both.add("t", {2, 20, 70}, joined(transpose(first.w, 70, 20), transpose(second.w, 70, 20)), StoredType::float32);
  both.add("b", {2, 70}, joined(first.b, second.b), StoredType::float32);
  both.add("flat", {140}, joined(first.b, second.b), StoredType::float32);
  const auto backend = make_cpu_backend<float>(Dtype::float32, 2);
  const Matrix<float> x = rows_of<float>(3, 20, Dtype::float32, 12);
  for (int part : {0, 1})
    for (const bool transposed : {false, true})
      for (const char* bias : {"b", "flat"}) {
        const Layer& alone = part == 0 ? first : second;
        Matrix<float> want(3, 70), got(3, 70);
        ASSERT_TRUE(backend->linear(alone.checkpoint, alone.ref(transposed, true), x.view(), want.view()));
        LinearRef ref{.weight = both.find(transposed ? "t" : "w"), .bias = both.find(bias), .transposed = transposed};
        ref.in = 20;
        ref.out = 70;
        ref.first_row = part * (transposed ? 20 : 70);
        ref.first_bias = part * 70;
        ASSERT_TRUE(backend->linear(both, ref, x.view(), got.view()));
        for (int64_t i = 0; i < 210; ++i) ASSERT_EQ(got.data()[i], want.data()[i]);
        ref.first_row += 1;  // one row too far in the last part
        EXPECT_EQ(backend->linear(both, ref, x.view(), got.view()).has_value(), part == 0);
      }
}

TEST(Linear, ErrorsNameTheTensor) {
  const Layer layer(20, 70, 11);
  const auto backend = make_cpu_backend<float>(Dtype::float32, 2);
  const Matrix<float> x = rows_of<float>(3, 20, Dtype::float32, 12);
  Matrix<float> y(3, 70);
  const auto error_of = [&](const LinearRef& ref, View<const float> from) {
    const auto done = backend->linear(layer.checkpoint, ref, from, y.view());
    return done ? "" : done.error().message();
  };
  LinearRef ref = layer.ref(false, true);
  ref.transposed = true;
  EXPECT_EQ(error_of(ref, x.view()), "memory: tensor w: shape: expected 20 rows of 70 from row 0 on, found [70, 20]");
  ref = layer.ref(false, false);
  ref.bias = layer.checkpoint.find("w");
  EXPECT_EQ(error_of(ref, x.view()), "memory: tensor w: shape: expected 70 elements from 0 on, found [70, 20]");
  EXPECT_EQ(error_of(layer.ref(false, true), x.view().columns(0, 19)),
            "tensor w: width of activations: expected 20 in, 70 out, found 19 in, 70 out");
}

// A tensor that cannot be read: the first block's error is the call's, whatever the threads do.
class Unreadable : public MemoryCheckpoint {
 public:
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<float>) const override {
    return fail({.what = "cannot read", .at = tensor.name, .found = std::to_string(rows.begin)});
  }
  using MemoryCheckpoint::read;
};

TEST(Linear, AReadErrorIsReturned) {
  Unreadable checkpoint;
  checkpoint.add("w", {200, 8}, normal(1600, 1));
  checkpoint.add("t", {8, 200}, normal(1600, 1));
  const auto backend = make_cpu_backend<float>(Dtype::float32, 3);
  for (const int64_t rows : {3, 2400})  // threads share the columns; the rows
    for (const char* name : {"w", "t"}) {
      const Matrix<float> x = rows_of<float>(rows, 8, Dtype::float32, 12);
      Matrix<float> y(rows, 200);
      const LinearRef ref{.weight = checkpoint.find(name), .transposed = *name == 't', .in = 8, .out = 200};
      const auto done = backend->linear(checkpoint, ref, x.view(), y.view());
      ASSERT_FALSE(done) << name << ", " << rows << " rows";
      EXPECT_EQ(done.error().message(), std::string(name) + ": cannot read: found 0");
    }
}

// Which tensors' pages were given back.
class Dropped : public MemoryCheckpoint {
 public:
  void drop(const TensorInfo& tensor) const override {
    const std::lock_guard lock(mutex_);
    names.push_back(tensor.name);
  }
  mutable std::vector<std::string> names;

 private:
  mutable std::mutex mutex_;
};

TEST(Linear, PagesOfEveryWeightAreGivenBackOnce) {
  Dropped checkpoint;
  for (const char* name : {"k", "q", "v"}) checkpoint.add(name, {2, 2}, normal(4, 1));
  std::vector<LinearRef> layer;
  for (const char* name : {"q", "k", "v"}) layer.push_back({.weight = checkpoint.find(name), .in = 2, .out = 2});
  const std::vector<const LinearRef*> weights{&layer[0], &layer[1], &layer[2]};
  make_cpu_backend<float>(Dtype::float32, 2)->drop(checkpoint, weights);
  std::sort(checkpoint.names.begin(), checkpoint.names.end());
  EXPECT_EQ(checkpoint.names, (std::vector<std::string>{"k", "q", "v"}));
}

}  // namespace
}  // namespace lstar
