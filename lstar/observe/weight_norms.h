// Squared norms of the attention weights of every layer: plain data that model/ fills and analysis/ reads. All sums are
// formed in double from the widened weights. A number that was not computed leaves its array empty. Includes base/
// only; owns its arrays; written once, read by anyone afterwards.
#pragma once

#include <vector>

#include "lstar/base/array.h"

namespace lstar {

struct WeightNorms {
  std::vector<double> w_v_sq;      // (layers): ||W_V||_F^2
  std::vector<double> w_v_cut_sq;  // (layers): the same of what the notebook took for W_V; empty: of W_V
  Array2<double> w_v_head_sq;      // (layers, kv_heads): the same of each KV head's block
  Array2<double> ov_sq;            // (layers, heads): ||P_w diag(gamma_o) W_O^(h) W_V^(kv(h)) diag(gamma) P_r||_F^2
  std::vector<double> w_o_sq;      // (layers): ||W_O||_F^2
  // (layers, pairs of heads): <M_h, M_h'>_F of the maps whose squared norms ov_sq has (pair_at); may be empty
  Array2<double> ov_products;
  std::vector<double> w_v_spectral;  // (layers): largest singular value of W_V; may be empty
  std::vector<double> w_o_spectral;  // (layers): of W_O; may be empty
  // A norm follows W_O: gamma_o is its gain (1 elsewhere), and ov_sq is of a map that this norm still divides by the
  // root mean square of its output (Observation::output_scale_sq).
  bool has_output_norm = false;
};

}  // namespace lstar
