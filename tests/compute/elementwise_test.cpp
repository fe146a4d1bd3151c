// Norms, activations, rotary positions, embeddings and sums against formulas in long double.
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/compute/backend.h"
#include "lstar/compute/cpu/elementwise.h"
#include "tests/support/every_target.h"
#include "tests/support/memory_checkpoint.h"

namespace lstar {
namespace {

using testing::MemoryCheckpoint;
using Wide = long double;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

using Elementwise = testing::OnEveryTarget;
INSTANTIATE_TEST_SUITE_P(Targets, Elementwise, testing::every_target(), testing::target_name);

TEST_P(Elementwise, RoundsLikeTheScalarFunctions) {
  std::vector<float> values{0.0f, -0.0f, 65519.996f, 65520.0f, -65520.0f, 65504.0f, kInfinity, -kInfinity, 0x1p-14f};
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 9973)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (uint32_t high = 0; high < 0x10000; high += 7)  // halfway cases and their neighbours, of both formats
    for (uint32_t low : {0x7fffu, 0x8000u, 0x8001u, 0x0fffu, 0x1000u, 0x1001u, 0x3000u})
      values.push_back(std::bit_cast<float>(high << 16 | low));
  for (Dtype dtype : {Dtype::float16, Dtype::bfloat16, Dtype::float32}) {
    std::vector<float> seen = values;
    elementwise_kernels<float>().round(dtype, seen.data(), static_cast<int64_t>(seen.size()));
    for (size_t i = 0; i < values.size(); ++i) {
      const float want = round_to(dtype, values[i]);
      ASSERT_TRUE(std::isnan(want) ? std::isnan(seen[i])
                                   : std::bit_cast<uint32_t>(seen[i]) == std::bit_cast<uint32_t>(want))
          << values[i] << " in " << name(dtype) << ": " << seen[i] << ", not " << want;
    }
  }
}

Wide exact(Activation activation, Wide x) {
  const Wide root = std::sqrt(2 / std::numbers::pi_v<Wide>);
  switch (activation) {
    case Activation::relu: return x < 0 ? 0 : x;
    case Activation::relu_squared: return x < 0 ? 0 : x * x;
    case Activation::gelu_quick: return x / (1 + std::exp(-1.702L * x));
    case Activation::gelu: return x / 2 * std::erfc(-x / std::sqrt(Wide{2}));
    case Activation::gelu_tanh:
    case Activation::gelu_new: return x / (1 + std::exp(-2 * root * (x + 0.044715L * x * x * x)));
    case Activation::gelu_bloom: return x / (1 + std::exp(-2 * 0.79788456L * (x + 0.044715L * x * x * x)));
    case Activation::silu: return x / (1 + std::exp(-x));
  }
  return 0;
}

constexpr Activation kActivations[] = {Activation::relu,       Activation::relu_squared, Activation::gelu,
                                       Activation::gelu_tanh,  Activation::gelu_new,     Activation::gelu_bloom,
                                       Activation::gelu_quick, Activation::silu};

template <class T>
std::vector<T> activated(Activation activation, Dtype dtype, std::vector<T> x) {
  const auto backend = make_cpu_backend<T>(dtype, 1);
  const auto cols = static_cast<int64_t>(x.size());
  backend->activate(activation, {x.data(), 1, cols, cols});
  return x;
}

template <class T>
void expect_exact_activations(Dtype dtype, double tolerance, bool fused) {
  std::vector<T> x;
  for (int i = -4000; i <= 4001; ++i) x.push_back(static_cast<T>(i) / T(317));
  for (Activation activation : kActivations) {
    const std::vector<T> y = activated(activation, dtype, x);
    for (size_t i = 0; i < x.size(); ++i) {
      const auto want = static_cast<double>(exact(activation, x[i]));
      // The logistic forms are relative to x as well, where the exponent's own rounding is blown up: e^(-2u) has error
      // 2u eps. GELU puts that error back, for which it needs fused multiply-adds.
      const bool relative = activation == Activation::gelu && fused;
      const double size = std::fabs(want) + (relative ? 0 : 0.05 * std::fabs(x[i]));
      ASSERT_NEAR(y[i], want, tolerance * size) << "activation " << static_cast<int>(activation) << " of " << x[i];
    }
  }
}

TEST_P(Elementwise, Activations) {
  // A dozen roundings for the polynomial and the exponential.
  expect_exact_activations<float>(Dtype::float32, 12 * unit_roundoff(Dtype::float32), GetParam() != HWY_SCALAR);
  expect_exact_activations<double>(Dtype::float64, 12 * unit_roundoff(Dtype::float64), GetParam() != HWY_SCALAR);
}

TEST_P(Elementwise, ActivationsOfTheInfinite) {
  for (Activation activation : kActivations) {
    const std::vector<float> y =
        activated<float>(activation, Dtype::float32, {kInfinity, kNan, 1e30f, -1e30f, 200, -200});
    EXPECT_EQ(y[0], kInfinity);
    EXPECT_TRUE(std::isnan(y[1])) << static_cast<int>(activation);
    const bool squares = activation == Activation::relu_squared;
    EXPECT_EQ(y[2], squares ? kInfinity : 1e30f);
    EXPECT_EQ(std::fabs(y[3]), 0) << static_cast<int>(activation);
    EXPECT_EQ(y[4], squares ? 200 * 200 : 200);
    EXPECT_NEAR(y[5], 0, 1e-30);
  }
}

// `transformers`' own sequence of operations, each rounded.
float stepwise(Activation activation, Dtype dtype, float x) {
  const auto r = [&](float value) { return round_to(dtype, value); };
  if (activation == Activation::gelu_new) {
    const float square = dtype == Dtype::bfloat16 ? r(x * x) : x * x;  // torch's pow on the CPU
    const float inner = r(0.79788456f * r(x + r(0.044715f * r(square * x))));
    return r(r(0.5f * x) * r(1 + r(std::tanh(inner))));
  }
  if (activation == Activation::gelu_quick) return r(x * r(1 / (1 + std::exp(-r(1.702f * x)))));
  const float inner = r(r(0.79788456f * x) * r(1 + r(r(0.044715f * x) * x)));
  return r(r(x * 0.5f) * r(1 + r(std::tanh(inner))));
}

TEST_P(Elementwise, EmulatedActivationsRoundWhereTransformersDoes) {
  for (Dtype dtype : {Dtype::float16, Dtype::bfloat16}) {
    std::vector<float> x;
    for (int i = -3000; i <= 3000; ++i) x.push_back(round_to(dtype, static_cast<float>(i) / 431));
    for (Activation activation : kActivations) {
      const bool by_steps = activation == Activation::gelu_new || activation == Activation::gelu_bloom ||
                            activation == Activation::gelu_quick;
      const std::vector<float> y = activated(activation, dtype, x);
      int different = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const float want =
            by_steps ? stepwise(activation, dtype, x[i]) : round_to(dtype, static_cast<float>(exact(activation, x[i])));
        different += y[i] != want;
      }
      // A tanh or exp that is off in float32 crosses a rounding boundary in about one case of u_dtype / u = 8,192.
      EXPECT_LE(different, 6) << "activation " << static_cast<int>(activation) << " in " << name(dtype);
    }
  }
}

std::vector<double> some(int64_t n, unsigned seed, double mean = 0) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(mean);
  std::vector<double> values(n);
  for (double& value : values) value = normal(random);
  return values;
}

template <class T>
void expect_norms(Dtype dtype, double mean) {
  const auto r = [&](double value) {
    return sizeof(T) == 8 ? value : static_cast<double>(round_to(dtype, static_cast<float>(value)));
  };
  for (int64_t n : {1, 8, 37, 768}) {
    MemoryCheckpoint checkpoint;
    checkpoint.add("g", {n}, some(n, 1, 1));
    checkpoint.add("b", {n}, some(n, 2));
    const std::vector<double> values = some(3 * n, 3, mean);
    Matrix<T> x(3, n), y(3, n);
    for (int64_t i = 0; i < 3 * n; ++i) x.data()[i] = static_cast<T>(r(values[i]));
    const auto backend = make_cpu_backend<T>(dtype, 2);
    struct Style {
      NormRef::Kind kind;
      double gain_offset;
      bool rounds_before_gain;
    };
    for (const Style style : {Style{NormRef::Kind::layer, 0, false}, Style{NormRef::Kind::rms, 0, true},
                              Style{NormRef::Kind::rms, 0, false}, Style{NormRef::Kind::rms, 1, false}})
      for (bool affine : {true, false}) {
        const bool layer = style.kind == NormRef::Kind::layer;
        const NormRef ref{.kind = style.kind,
                          .gain = affine ? checkpoint.find("g") : nullptr,
                          .bias = affine && layer ? checkpoint.find("b") : nullptr,
                          .epsilon = 1e-5,
                          .gain_offset = style.gain_offset,
                          .rounds_before_gain = style.rounds_before_gain};
        ASSERT_TRUE(backend->norm(checkpoint, ref, x.view(), y.view()));
        for (int64_t i = 0; i < 3; ++i) {
          Wide average = 0, squares = 0;
          for (int64_t j = 0; j < n; ++j) average += layer ? static_cast<Wide>(x.view()(i, j)) / n : 0;
          for (int64_t j = 0; j < n; ++j) squares += std::pow(x.view()(i, j) - average, 2) / n;
          for (int64_t j = 0; j < n; ++j) {
            const double gain = affine ? style.gain_offset + r(checkpoint.values("g")[j]) : 1;
            const double bias = affine && layer ? r(checkpoint.values("b")[j]) : 0;
            const auto scaled = static_cast<double>((x.view()(i, j) - average) / std::sqrt(squares + 1e-5L));
            const double want =
                style.rounds_before_gain && is_emulated(dtype) ? r(r(scaled) * gain) : r(scaled * gain + bias);
            // One rounding to T. In double the sums round too, n terms of the size of the mean. Emulated: the same.
            const double u = unit_roundoff(dtype);
            const double tolerance = dtype == Dtype::float64 ? static_cast<double>(n + 8) * u * (1 + std::fabs(mean))
                                     : is_emulated(dtype)    ? 0
                                                             : 2 * u;
            const double size =
                dtype == Dtype::float64 ? (1 + std::fabs(scaled)) * std::fabs(gain) : std::fabs(scaled * gain);
            ASSERT_NEAR(y.view()(i, j), want, tolerance * (size + std::fabs(bias)))
                << (layer ? "layer " : "rms ") << n << " " << name(dtype);
          }
        }
      }
  }
}

TEST_P(Elementwise, Norms) {
  for (double mean : {0.0, 50.0}) {  // a mean far from 0 costs no digits
    expect_norms<float>(Dtype::float32, mean);
    expect_norms<float>(Dtype::float16, mean);
    expect_norms<float>(Dtype::bfloat16, mean);
    expect_norms<double>(Dtype::float64, mean);
  }
}

template <class T>
void expect_rotation(Dtype dtype, bool interleaved = false, double factor = 1) {
  const auto r = [&](double value) {
    return sizeof(T) == 8 ? value : static_cast<double>(round_to(dtype, static_cast<float>(value)));
  };
  RotarySpec spec{.heads = 2, .dims = 20, .interleaved = interleaved, .frequencies = {}, .factor = factor};
  for (int i = 0; i < 10; ++i) spec.frequencies.push_back(std::pow(10000.0, -2.0 * i / 20));
  const std::vector<int32_t> positions{0, 1, 2, 0, 1500};
  const int64_t stride = 30, offset = 3;  // 10 dims of a head do not turn
  Matrix<T> x(5, offset + 2 * stride);
  const std::vector<double> values = some(5 * x.cols(), 4);
  std::vector<T> before(values.size());
  for (size_t i = 0; i < values.size(); ++i) before[i] = x.data()[i] = static_cast<T>(r(values[i]));
  make_cpu_backend<T>(dtype, 2)->rotate(spec, positions, {x.view(), offset, stride});
  const double u = unit_roundoff(sizeof(T) == 8 ? Dtype::float64 : Dtype::float32);
  for (int64_t row = 0; row < 5; ++row) {
    std::vector<T> want(before.begin() + row * x.cols(), before.begin() + (row + 1) * x.cols());
    for (int h = 0; h < 2; ++h)
      for (int i = 0; i < 10; ++i) {
        T* head = want.data() + offset + h * stride;
        const double angle = positions[row] * spec.frequencies[i];
        T& first = interleaved ? head[2 * i] : head[i];
        T& second = interleaved ? head[2 * i + 1] : head[i + 10];
        const double c = r(std::cos(angle) * factor), s = r(std::sin(angle) * factor), a = first, b = second;
        first = static_cast<T>(r(r(a * c) + r(-b * s)));
        second = static_cast<T>(r(r(b * c) + r(a * s)));
      }
    for (int64_t j = 0; j < x.cols(); ++j)  // two products and a sum of the same numbers: a unit or two apart
      ASSERT_NEAR(x.view()(row, j), want[j], is_emulated(dtype) ? 0 : 3 * u * 8) << row << ", " << j << name(dtype);
  }
}

TEST_P(Elementwise, RotaryPositions) {
  expect_rotation<float>(Dtype::float32);
  expect_rotation<float>(Dtype::float16);
  expect_rotation<float>(Dtype::bfloat16);
  expect_rotation<double>(Dtype::float64);
  expect_rotation<float>(Dtype::float32, /*interleaved=*/true, 1.25);
  expect_rotation<float>(Dtype::bfloat16, /*interleaved=*/true);
  expect_rotation<double>(Dtype::float64, /*interleaved=*/false, 0.75);
}

// A backend that alternates between tables of angles gives what one with a table of its own gives.
TEST(Rotary, TablesAreKeptApart) {
  const std::vector<double> values = some(4 * 8, 9);
  const std::vector<int32_t> positions{0, 3, 7, 11};
  const auto rotated = [&](Backend<double>& backend, double base, double factor) {
    Matrix<double> x(4, 8);
    std::copy(values.begin(), values.end(), x.data());
    RotarySpec spec{.heads = 2, .dims = 4, .frequencies = {1, 1 / base}, .factor = factor};
    backend.rotate(spec, positions, {x.view(), 0, 4});
    return std::vector<double>(x.data(), x.data() + 32);
  };
  const auto shared = make_cpu_backend<double>(Dtype::float64, 1);
  for (int round = 0; round < 3; ++round)
    for (double base : {10.0, 20.0, 30.0, 40.0, 50.0, 60.0})
      for (double factor : {1.0, 2.0})
        EXPECT_EQ(rotated(*shared, base, factor), rotated(*make_cpu_backend<double>(Dtype::float64, 1), base, factor));
}

TEST_P(Elementwise, NormsOfHeads) {
  MemoryCheckpoint checkpoint;
  checkpoint.add("shared", {6}, some(6, 1, 1));
  checkpoint.add("own", {3, 6}, some(18, 2, 1));
  const std::vector<double> values = some(2 * 30, 3);
  const auto backend = make_cpu_backend<double>(Dtype::float64, 1);
  for (const char* gain : {"shared", "own"}) {
    const NormRef ref{.kind = NormRef::Kind::rms, .gain = checkpoint.find(gain), .epsilon = 1e-6};
    Matrix<double> x(2, 30);
    std::copy(values.begin(), values.end(), x.data());
    ASSERT_TRUE(backend->norm_heads(checkpoint, ref, 3, 6, {x.view(), {.offset = 2, .head_stride = 9}}));
    for (int64_t r = 0; r < 2; ++r)
      for (int64_t c = 0; c < 30; ++c) {
        const int64_t head = (c - 2) / 9, i = (c - 2) % 9;
        if (c < 2 || head > 2 || i > 5) {
          EXPECT_EQ(x.view()(r, c), values[r * 30 + c]) << "outside the heads";
          continue;
        }
        double squares = 0;
        for (int64_t j = 0; j < 6; ++j) squares += std::pow(values[r * 30 + 2 + head * 9 + j], 2) / 6;
        const double g = checkpoint.values(gain)[std::string(gain) == "own" ? head * 6 + i : i];
        EXPECT_NEAR(x.view()(r, c), values[r * 30 + c] / std::sqrt(squares + 1e-6) * g, 1e-14 * (1 + std::fabs(g)) * 8);
      }
  }
}

TEST_P(Elementwise, ScalesAndClamps) {
  const auto backend = make_cpu_backend<float>(Dtype::bfloat16, 1);
  std::vector<float> x{-9, -1.5f, 0, 0.328125f, 7.03125f, kInfinity, -kInfinity, kNan};
  const auto n = static_cast<int64_t>(x.size());
  std::vector<float> y = x;
  backend->clamp({y.data(), 1, n, n}, -2, 7);
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 7), (std::vector<float>{-2, -1.5f, 0, 0.328125f, 7, 7, -2}));
  EXPECT_TRUE(std::isnan(y[7]));
  backend->scale({x.data(), 1, 5, 5}, 12.3);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_EQ(x[i], round_to(Dtype::bfloat16, (std::vector<float>{-9, -1.5f, 0, 0.328125f, 7.03125f})[i] * 12.3f));
}

TEST_P(Elementwise, SumsProductsAndRowNorms) {
  const auto backend = make_cpu_backend<float>(Dtype::float16, 2);
  Matrix<float> x(3, 37), y(3, 37);
  const std::vector<double> a = some(111, 5), b = some(111, 6);
  const auto fill = [&] {
    for (int64_t i = 0; i < 111; ++i) {
      x.data()[i] = round_to_float16(static_cast<float>(a[i]));
      y.data()[i] = round_to_float16(static_cast<float>(b[i]));
    }
  };
  const auto value = [](double v) { return round_to_float16(static_cast<float>(v)); };
  fill();
  backend->add(x.view(), y.view());
  for (int64_t i = 0; i < 111; ++i) EXPECT_EQ(x.data()[i], value(value(a[i]) + value(b[i])));
  fill();
  const std::vector<RowShare> shares{{2, 0.3}, {0, -1.25}};  // as products in float16, then sums
  backend->add_rows(x.view(), shares, y.view().row_range(0, 2));
  for (int64_t j = 0; j < 37; ++j) {
    const auto part = [&](int64_t i) { return value(value(b[i * 37 + j]) * static_cast<float>(shares[i].weight)); };
    EXPECT_EQ(x.view()(2, j), value(value(a[2 * 37 + j]) + part(0)));
    EXPECT_EQ(x.view()(1, j), value(a[37 + j])) << "nobody's row stays";
    EXPECT_EQ(x.view()(0, j), value(value(a[j]) + part(1)));
  }
  fill();
  backend->multiply(x.view(), y.view());
  for (int64_t i = 0; i < 111; ++i) EXPECT_EQ(x.data()[i], value(value(a[i]) * value(b[i])));
  fill();
  std::vector<double> norms(3);
  backend->row_norms(x.view(), norms);
  for (int64_t i = 0; i < 3; ++i) {
    Wide sum = 0;
    for (int64_t j = 0; j < 37; ++j) sum += static_cast<Wide>(x.view()(i, j)) * x.view()(i, j);
    EXPECT_NEAR(norms[i], std::sqrt(sum), 20 * unit_roundoff(Dtype::float64) * norms[i]);  // 37 terms in vectors of 8
  }
}

TEST_P(Elementwise, EmbeddingsAreRowsRounded) {
  MemoryCheckpoint checkpoint;
  checkpoint.add("table", {11, 5}, some(55, 7));
  const auto backend = make_cpu_backend<float>(Dtype::bfloat16, 2);
  Matrix<float> y(3, 5);
  const std::vector<int32_t> ids{10, 0, 10};
  ASSERT_TRUE(backend->embed(checkpoint, *checkpoint.find("table"), ids, y.view()));
  for (int64_t r = 0; r < 3; ++r)
    for (int64_t c = 0; c < 5; ++c)
      EXPECT_EQ(y.view()(r, c), round_to_bfloat16(static_cast<float>(checkpoint.values("table")[ids[r] * 5 + c])));
  const std::vector<int32_t> bad{1, 11, 2};
  EXPECT_EQ(backend->embed(checkpoint, *checkpoint.find("table"), bad, y.view()).error().message(),
            "memory: tensor table: row out of range: expected 0 to 10, found 11");
}

}  // namespace
}  // namespace lstar
