#include "lstar/model/mlp.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace lstar {

template <class T>
Mlp<T>::Mlp(const Architecture& a, const Checkpoint& c, Backend<T>& backend, int64_t rows)
    : a_(a), c_(c), backend_(backend) {
  const int64_t width = std::max({a.mlp, a.experts.mlp, a.experts.shared_mlp});
  const bool interleaved = a.has(Role::mlp_gate_up) || a.has(Role::expert_gate_up);
  up_ = Matrix<T>(rows, width);
  if (interleaved || a.has(Role::mlp_gate) || a.has(Role::expert_gate)) gate_ = Matrix<T>(rows, width);
  if (interleaved) both_ = Matrix<T>(rows, 2 * width);
  if (a.experts.count == 0) return;
  gathered_ = Matrix<T>(rows, a.hidden);
  one_ = Matrix<T>(rows, a.hidden);
  logits_ = Matrix<T>(rows, a.experts.count);
}

template <class T>
Result<void> Mlp<T>::run(const LayerWeights& w, View<const T> in, View<T> out) {
  return w.experts ? run_experts(*w.experts, in, out) : run_mlp(*w.mlp, a_.mlp, in, out);
}

template <class T>
Result<void> Mlp<T>::run_mlp(const MlpWeights& w, int64_t width, View<const T> in, View<T> out) {
  const View<T> up = up_.view(in.rows, width);
  const bool gated = w.gate || w.interleaved;
  const View<T> gate = gated ? gate_.view(in.rows, width) : View<T>{};
  if (w.interleaved) {
    const View<T> both = both_.view(in.rows, 2 * width);
    LSTAR_TRY(backend_.linear(c_, w.up, in, both));
    for (int64_t r = 0; r < in.rows; ++r)
      for (int64_t i = 0; i < width; ++i) {
        gate(r, i) = both(r, 2 * i);
        up(r, i) = both(r, 2 * i + 1);
      }
  } else {
    LSTAR_TRY(backend_.linear(c_, w.up, in, up));
    if (w.gate) LSTAR_TRY(backend_.linear(c_, *w.gate, in, gate));
  }
  if (gated) {
    if (a_.gate_limit > 0) {
      backend_.clamp(gate, -std::numeric_limits<double>::infinity(), a_.gate_limit);
      backend_.clamp(up, -a_.gate_limit, a_.gate_limit);
    }
    backend_.activate(a_.activation, gate);
    if (a_.up_offset != 0) backend_.shift(up, a_.up_offset);
    backend_.multiply(up, gate);
  } else {
    backend_.activate(a_.activation, up);
  }
  return backend_.linear(c_, w.down, up, out);
}

// For each expert the tokens that go through it. A token's weights depend on its own logits alone; of equal ones the
// expert with the smaller index is taken.
template <class T>
Result<std::vector<std::vector<RowShare>>> Mlp<T>::route(const LinearRef& router, View<const T> in) {
  const Experts& e = a_.experts;
  const View<T> logits = logits_.view(in.rows, e.count);
  LSTAR_TRY(backend_.linear(c_, router, in, logits));
  std::vector<std::vector<RowShare>> shares(static_cast<size_t>(e.count));
  std::vector<int> order(static_cast<size_t>(e.count));
  std::vector<double> p(static_cast<size_t>(e.count));
  for (int64_t r = 0; r < in.rows; ++r) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int i = 0; i < e.count; ++i) largest = std::max(largest, static_cast<double>(logits(r, i)));
    for (int i = 0; i < e.count; ++i) sum += p[i] = std::exp(static_cast<double>(logits(r, i)) - largest);
    std::iota(order.begin(), order.end(), 0);
    // NaN sorts last: a strict weak order whatever the numbers are.
    std::partial_sort(order.begin(), order.begin() + e.used, order.end(), [&](int i, int j) {
      const bool i_nan = std::isnan(p[i]), j_nan = std::isnan(p[j]);
      if (i_nan || j_nan) return i_nan != j_nan ? j_nan : i < j;
      return p[i] != p[j] ? p[i] > p[j] : i < j;
    });
    double chosen = 0;
    for (int k = 0; k < e.used; ++k) chosen += p[order[k]];
    for (int k = 0; k < e.used; ++k) shares[order[k]].push_back({r, p[order[k]] / (e.renormalise ? chosen : sum)});
  }
  return shares;
}

template <class T>
Result<void> Mlp<T>::run_experts(const ExpertWeights& w, View<const T> in, View<T> out) {
  LSTAR_ASSIGN(const auto shares, route(w.router, in));
  for (int64_t r = 0; r < out.rows; ++r) std::fill_n(out.row(r), out.cols, T(0));
  for (size_t expert = 0; expert < w.experts.size(); ++expert) {
    const std::vector<RowShare>& tokens = shares[expert];
    if (tokens.empty()) continue;
    const auto count = static_cast<int64_t>(tokens.size());
    for (int64_t i = 0; i < count; ++i) std::copy_n(in.row(tokens[i].row), a_.hidden, gathered_.view().row(i));
    const View<T> one = one_.view(count, a_.hidden);
    LSTAR_TRY(run_mlp(w.experts[expert], a_.experts.mlp, gathered_.view(count, a_.hidden), one));
    backend_.add_rows(out, tokens, one);
  }
  if (!w.shared) return {};
  const View<T> one = one_.view(in.rows, a_.hidden);
  LSTAR_TRY(run_mlp(*w.shared, a_.experts.shared_mlp, in, one));
  Matrix<T> switches(in.rows, 1);
  if (w.shared_switch) LSTAR_TRY(backend_.linear(c_, *w.shared_switch, in, switches.view()));
  std::vector<RowShare> all(static_cast<size_t>(in.rows));
  for (int64_t r = 0; r < in.rows; ++r)
    all[r] = {r, w.shared_switch ? 1 / (1 + std::exp(-static_cast<double>(switches.view()(r, 0)))) : 1};
  backend_.add_rows(out, all, one);
  return {};
}

template class Mlp<float>;
template class Mlp<double>;

}  // namespace lstar
