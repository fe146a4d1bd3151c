// Products of heads' circuits with each other, for the energy along an edge (docs/mathematics.md).
#pragma once

#include <span>
#include <vector>

#include "lstar/architecture/architecture.h"
#include "lstar/base/array.h"
#include "lstar/base/result.h"

namespace lstar {

// Vectors of all heads, head_dim of each, one head after the other: rows of a matrix or columns of it.
struct HeadMatrix {
  Matrix<double> vectors;
  bool are_rows = false;
};

// What is asked for by pairs of heads stays within limits::kHeadPairs.
Result<void> check_pairs(const Architecture&);

// (pairs of heads): <M_h, M_h'>_F, M_h = P_w diag(output_gain) W_O^(h) W_V^(kv(h)) diag(gain) P_r, in the order of
// pair_at(). `values` are the rows of W_V, `outputs` the columns of W_O; an empty gain is 1. Of M_h = O_h V_h that is
// the sum of the elements of O_h^T O_h' times those of V_h V_h'^T: head width by head width. Those of some heads with
// all before them are formed at a time.
void ov_products(const Architecture&, const HeadMatrix& values, const std::vector<double>& gain,
                 const HeadMatrix& outputs, const std::vector<double>& output_gain, std::span<double> products);

}  // namespace lstar
