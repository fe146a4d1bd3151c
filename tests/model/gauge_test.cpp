// The rewritings of docs/mathematics.md's section on gauge: each leaves every output of a model alone. The weight norms
// of the first three estimators move with them; ov_circuit, edge_energy and the next tokens stand.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>

#include "lstar/analysis/detectors.h"
#include "lstar/analysis/estimators.h"
#include "lstar/architecture/family.h"
#include "lstar/model/forward.h"
#include "lstar/model/weight_norms.h"
#include "tests/support/config_text.h"
#include "tests/support/memory_checkpoint.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using testing::MemoryCheckpoint;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Map = Eigen::Map<RowMajor>;

// A recorded checkpoint, copied into memory in float64 so that rewriting it rounds nothing to float32. Where `epsilon`
// is given, norms have that one.
std::unique_ptr<MemoryCheckpoint> in_memory(const std::string& folder, const std::string& epsilon = "") {
  const auto from = open_checkpoint(folder);
  EXPECT_TRUE(from);
  std::string config = testing::config_text(**from);
  if (!epsilon.empty()) {
    const std::string key = "\"rms_norm_eps\":";
    const size_t at = config.find(key);
    EXPECT_NE(at, config.npos);
    config.replace(at, config.find_first_of(",}", at) - at, key + epsilon);
  }
  auto copy = std::make_unique<MemoryCheckpoint>(config);
  for (const TensorInfo& tensor : (*from)->tensors()) {
    if (!info(tensor.type).is_weight) continue;
    std::vector<double> values(static_cast<size_t>(tensor.shape.elements()));
    EXPECT_TRUE((*from)->read(tensor, {0, tensor.shape.rows()}, std::span<double>(values)));
    copy->add(tensor.name, tensor.shape.dims, std::move(values), StoredType::float64);
  }
  return copy;
}

// Views of one layer's tensors as matrices (out, in), whatever way they are stored.
class Editor {
 public:
  Editor(MemoryCheckpoint& c, const Architecture& a, const LayerWeights& w) : c_(c), a_(a), w_(w) {}

  RowMajor get(const LinearRef& linear) const {
    auto& values = c_.values(linear.weight->name);
    if (linear.transposed) return Map(values.data(), linear.in, linear.out).transpose();
    return Map(values.data(), linear.out, linear.in);
  }
  void set(const LinearRef& linear, const RowMajor& m) const {
    auto& values = c_.values(linear.weight->name);
    if (linear.transposed)
      Map(values.data(), linear.in, linear.out) = m.transpose();
    else
      Map(values.data(), linear.out, linear.in) = m;
  }
  Eigen::Map<Eigen::VectorXd> vector(const TensorInfo* tensor) const {
    auto& values = c_.values(tensor->name);
    return {values.data(), static_cast<Eigen::Index>(values.size())};
  }
  const LinearRef& value() const { return a_.is_fused() ? w_.query_key_value[0] : w_.query_key_value[2]; }
  int64_t value_row(int kv_head) const { return a_.v_rows.at(kv_head); }

  // 1: per KV head W_V -> R W_V, W_O -> W_O R^-1.
  void rotate_value(std::mt19937_64& random) const {
    RowMajor v = get(value()), o = get(w_.attention_out);
    const int64_t d_h = a_.head_dim;
    const int group = a_.heads / a_.kv_heads;
    std::normal_distribution<double> normal;
    for (int k = 0; k < a_.kv_heads; ++k) {
      // Near 1.5 times the identity: invertible and well conditioned.
      RowMajor r = RowMajor::NullaryExpr(d_h, d_h, [&] { return 0.1 * normal(random); });
      r += 1.5 * RowMajor::Identity(d_h, d_h);
      v.middleRows(value_row(k), d_h) = (r * v.middleRows(value_row(k), d_h)).eval();
      if (value().bias)
        vector(value().bias).segment(value_row(k), d_h) = (r * vector(value().bias).segment(value_row(k), d_h)).eval();
      const RowMajor inverse = r.inverse();
      for (int h = k * group; h < (k + 1) * group; ++h)
        o.middleCols(h * d_h, d_h) = (o.middleCols(h * d_h, d_h) * inverse).eval();
    }
    set(value(), v);
    set(w_.attention_out, o);
  }

  // 2: the gain folded into W_Q, W_K, W_V; in a parallel block the MLP has its own norm.
  void fold_gain() const {
    const NormRef& norm = *w_.attention_norm;
    const Eigen::VectorXd gain = vector(norm.gain).array() + norm.gain_offset;
    for (const LinearRef& linear : w_.query_key_value) set(linear, get(linear) * gain.asDiagonal());
    if (norm.bias) vector(norm.bias).array() /= gain.array();
    vector(norm.gain).setConstant(1 - norm.gain_offset);
  }

  // 3: W_V diag(gamma) -> W_V diag(gamma) + u 1^T: with x the norm's output before gain and bias, of mean 0, it adds
  // u 1^T x = 0 and the norm's bias b adds a constant that the value bias takes back.
  void shift_value(std::mt19937_64& random) const {
    RowMajor v = get(value());
    const Eigen::VectorXd gain = vector(w_.attention_norm->gain);
    std::normal_distribution<double> normal;
    for (int k = 0; k < a_.kv_heads; ++k)
      for (int64_t i = value_row(k); i < value_row(k) + a_.head_dim; ++i) {
        const double u = 0.5 * normal(random);
        const Eigen::RowVectorXd added = u * gain.cwiseInverse().transpose();
        v.row(i) += added;
        vector(value().bias)[i] -= added.dot(vector(w_.attention_norm->bias));
      }
    set(value(), v);
  }

  // 4: W_O -> W_O + 1 u^T: a multiple of 1 added to the residual stream, which every later norm subtracts.
  void shift_output(std::mt19937_64& random) const {
    std::normal_distribution<double> normal;
    const Eigen::RowVectorXd u =
        Eigen::RowVectorXd::NullaryExpr(w_.attention_out.in, [&] { return 0.5 * normal(random); });
    RowMajor o = get(w_.attention_out);
    o.rowwise() += u;
    set(w_.attention_out, o);
  }

  // 5: W_O and its bias times a number, where a norm behind them divides by their size.
  void scale_output(double by) const {
    set(w_.attention_out, by * get(w_.attention_out));
    if (w_.attention_out.bias) vector(w_.attention_out.bias) *= by;
  }

 private:
  MemoryCheckpoint& c_;
  const Architecture& a_;
  const LayerWeights& w_;
};

struct Outcome {
  WeightNorms norms;
  Observation seen;
};

Outcome run(const Model& model) {
  const Batch batch{.ids = {5, 17, 3, 48, 41, 2, 9, 60, 33, 12}, .start = {0, 10}};
  const auto backend = make_cpu_backend<double>(Dtype::float64, 1);
  Outcome outcome;
  const auto ran = forward(
      model, batch, {.wants = Want::diagonal | Want::output_scale | Want::overlap | Want::next_token, .next_tokens = 5},
      *backend, outcome.seen);
  EXPECT_TRUE(ran) << ran.error().message();
  WorkerPool pool(1);
  outcome.norms = *weight_norms(model, {.products = true}, pool);
  return outcome;
}

std::vector<double> trace(std::string_view estimator, const Outcome& of) {
  return trace_of(*find_estimator(estimator), of.seen, of.norms, 0, Dtype::float64).trace;
}

class Gauge : public ::testing::TestWithParam<std::tuple<std::string, int>> {};

// No rewriting changes anything but numbers of the layer that it rewrites: what moves must move in each.
TEST_P(Gauge, CircuitsAndNextTokensStand) {
  const auto& [name, rewriting] = GetParam();
  // A norm's epsilon does not grow with its input, so that only without one W_O times a number computes exactly the
  // same.
  auto memory = in_memory(testing::source_path("tests/data/checkpoints/" + name), rewriting == 5 ? "1e-200" : "");
  MemoryCheckpoint& c = *memory;
  Model model{.checkpoint = std::move(memory), .architecture = *read_architecture(c), .weights = {}};
  model.weights = *bind(model.architecture, c);
  const Architecture& a = model.architecture;
  const bool has_norm_before = a.norm_place == NormPlace::before && a.has(Role::attention_norm);
  if ((rewriting == 2 || rewriting == 3) && !has_norm_before) GTEST_SKIP() << "no norm in front of attention";
  if (rewriting == 3 && a.norm == NormRef::Kind::rms) GTEST_SKIP() << "RMSNorm keeps the mean";
  if (rewriting == 4 && a.norm == NormRef::Kind::rms) GTEST_SKIP() << "RMSNorm keeps the mean";
  if (rewriting == 5 && !a.has(Role::attention_output_norm)) GTEST_SKIP() << "no norm behind the output projection";
  const Outcome before = run(model);

  std::mt19937_64 random(7);
  for (size_t l = 0; l < model.weights.layers.size(); ++l) {
    const Editor editor(c, a, model.weights.layers[l]);
    if (rewriting == 1) editor.rotate_value(random);
    if (rewriting == 2) editor.fold_gain();
    if (rewriting == 3) editor.shift_value(random);
    if (rewriting == 4) editor.shift_output(random);
    if (rewriting == 5) editor.scale_output(l % 2 ? 64 : 0.3);
  }
  const Outcome after = run(model);

  // A rewriting rounds each weight once in float64; 1e-9 leaves room for the conditioning of R and the gains.
  const std::vector<double> circuit = trace("ov_circuit", before), rewritten = trace("ov_circuit", after);
  const std::vector<double> energy = trace("edge_energy", before), of_rewritten = trace("edge_energy", after);
  for (size_t l = 0; l < before.norms.w_v_sq.size(); ++l) {
    const auto moved = [&](const std::vector<double>& to, const std::vector<double>& from) {
      return std::fabs(to[l] / from[l] - 1) > 1e-3;
    };
    const bool is_output = rewriting > 3;
    EXPECT_TRUE(is_output ? moved(after.norms.w_o_sq, before.norms.w_o_sq)
                          : moved(after.norms.w_v_sq, before.norms.w_v_sq))
        << (is_output ? "W_O" : "W_V") << " should move in layer " << l;
    EXPECT_NEAR(rewritten[l] / circuit[l], 1, 1e-9) << "layer " << l;
    EXPECT_NEAR(of_rewritten[l] / energy[l], 1, 1e-9) << "layer " << l;
    for (size_t h = 0; h < before.norms.ov_sq.dim1(); ++h) {
      EXPECT_EQ(std::fabs(after.norms.ov_sq(l, h) / before.norms.ov_sq(l, h) - 1) < 1e-9, rewriting != 5)
          << "layer " << l << ", head " << h;
      EXPECT_NEAR(after.seen.off_diagonal(0, l, h), before.seen.off_diagonal(0, l, h), 1e-9);
    }
  }
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(after.seen.next_tokens[0][i].id, before.seen.next_tokens[0][i].id);
    EXPECT_NEAR(after.seen.next_tokens[0][i].logit, before.seen.next_tokens[0][i].logit, 1e-8);
  }
}

INSTANTIATE_TEST_SUITE_P(Rewritings, Gauge,
                         ::testing::Combine(::testing::Values("gpt2", "gpt_neox", "opt", "opt-post-norm", "bloom",
                                                              "llama"),
                                            ::testing::Values(1, 2, 3, 4)));
// Gemma 2 and 3, OLMo 2 and 3, EXAONE 4 and GLM-4-0414 with every kind of heads; gemma3_text-scaled has biases.
INSTANTIATE_TEST_SUITE_P(OutputNorms, Gauge,
                         ::testing::Combine(::testing::Values("gemma2", "gemma2-layer-types", "gemma3_text",
                                                              "gemma3_text-scaled", "olmo2", "olmo2-grouped", "olmo3",
                                                              "exaone4", "glm4"),
                                            ::testing::Values(1, 2, 3, 4, 5)));

// One layer's W_O times 64, with the epsilon that the checkpoint has: the pass changes by what that leaves (3e-6 of the
// logits), ||W_O W_V||^2 by 4096, and L* must not follow.
TEST(GaugeOfOutputNorm, AScaledLayerKeepsLStar) {
  for (size_t layer = 0; layer < 7; ++layer) {
    auto memory = in_memory(testing::source_path("tests/data/checkpoints/gemma3_text"));
    MemoryCheckpoint& c = *memory;
    Model model{.checkpoint = std::move(memory), .architecture = *read_architecture(c), .weights = {}};
    model.weights = *bind(model.architecture, c);
    const Outcome before = run(model);
    Editor(c, model.architecture, model.weights.layers[layer]).scale_output(64);
    const Outcome after = run(model);
    const Detector& detector = *find_detector("argmax_step");
    const std::vector<double> from = trace("ov_circuit", before), to = trace("ov_circuit", after);
    EXPECT_EQ(detect(detector, to, {}).layer, detect(detector, from, {}).layer) << "layer " << layer;
    for (size_t l = 0; l < from.size(); ++l) EXPECT_NEAR(to[l] / from[l], 1, 1e-3) << "layer " << l;
    EXPECT_EQ(detect(detector, trace("edge_energy", after), {}).layer,
              detect(detector, trace("edge_energy", before), {}).layer)
        << "layer " << layer;
    std::vector<double> unscaled;  // without what the norm divides by
    for (size_t l = 0; l < to.size(); ++l) unscaled.push_back(to[l] / after.seen.output_scale_sq(0, l));
    if (layer == 4) {
      EXPECT_EQ(detect(detector, unscaled, {}).layer, 5);
    }
  }
}

}  // namespace
}  // namespace lstar
