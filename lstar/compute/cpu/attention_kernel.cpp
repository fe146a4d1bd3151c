#include <algorithm>
#include <cmath>
#include <limits>

#include "lstar/base/vector_target.h"
#include "lstar/compute/cpu/attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/compute/cpu/attention_kernel.cpp"
#include <hwy/foreach_target.h>

#include "lstar/compute/cpu/activations-inl.h"
#include "lstar/compute/cpu/attention_packing-inl.h"
#include "lstar/compute/cpu/gemm-inl.h"
#include "lstar/compute/cpu/overlap-inl.h"
#include "lstar/compute/cpu/rounded_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {
namespace {

// Rounded to bfloat16 and back, whatever the run's dtype is.
template <class D, class V>
HWY_INLINE V as_bfloat16(D d, V x) {
  if constexpr (sizeof(hn::TFromD<D>) == 8) {
    const hn::Rebind<float, D> single;
    return hn::PromoteTo(d, ToBfloat16()(single, hn::DemoteTo(single, x)));
  } else {
    return ToBfloat16()(d, x);
  }
}

template <class T, class Round>
class BlockKernel {
 public:
  BlockKernel(const AttentionBlock<T>& block, Round round)
      : b_(block),
        spec_(*block.spec),
        round_(round),
        value_stride_(value_stride_of<T>(spec_.head_dim)),
        keys_begin_(first_key(0) / kKeyBlock * kKeyBlock),
        keys_end_(end_key(block.rows - 1)) {
    const ScoreRounding rounding = spec_.rounding;
    rounds_product_ = rounding == ScoreRounding::product_then_scale;
    has_alibi_ = !spec_.alibi_slopes.empty();
    rounds_score_ = rounding != ScoreRounding::none;
    // Where nothing comes between the product and the softmax, the queries are scaled, and a product is a score.
    is_plain_ = Round::kIsExact && !has_alibi_ && spec_.softcap == 0;
    scales_query_ = is_plain_ || rounding == ScoreRounding::query_first;
    scale_ = scales_query_ ? T(1) : static_cast<T>(spec_.scale);
  }

  // A head after the other, each in three walks over the keys: scores and the rows' maxima, weights and their sums,
  // probabilities and P V.
  void run() {
    if (b_.rounded_rows) {
      std::fill_n(b_.rounded_rows, b_.rows, 0.0f);
      for_key_blocks([&](int64_t key) { std::fill_n(b_.mean + place(0, key), b_.rows * kKeyBlock, 0.0f); });
    }
    for (int h = 0; h < spec_.heads; ++h) {
      load_queries(h);
      // A sink is there before the first key.
      const T lowest = spec_.sinks.empty() ? -std::numeric_limits<T>::infinity() : static_cast<T>(spec_.sinks[h]);
      std::fill_n(b_.state, b_.rows, RowState<T>{lowest, 0, 0, 0});
      for_key_blocks([&](int64_t key) {
        score(h, key);
        for (int64_t i = 0; i < b_.rows; ++i) raise_largest(h, i, key);
      });
      for_key_blocks([&](int64_t key) {
        for (int64_t i = 0; i < b_.rows; ++i) weigh(i, key);
      });
      if (b_.on_head) {
        hand_out(h);
        continue;
      }
      report(h);
      if (writes_rows() || b_.rounded_rows || b_.kept) use_probabilities(h);
    }
    if (b_.rounded_rows)
      for_key_blocks([&](int64_t key) {
        const auto seen = [&](int64_t i) { return visible(i, key); };
        add_rounded_rows(b_.mean + place(0, key), spec_.heads, b_.rows, seen, b_.rounded_rows);
      });
    if (!b_.kept) return;
    for_key_blocks([&](int64_t key) {
      const auto seen = [&](int64_t i) { return visible(i, key); };
      add_overlaps(b_.kept + kept_place(0, 0, key), b_.kept_stride, spec_.heads, b_.rows, seen, b_.overlap);
    });
  }

 private:
  bool writes_rows() const { return b_.first_out < b_.rows; }
  // The first row of the first register block that is written.
  int64_t first_tile_out() const { return b_.first_out / kTileRows * kTileRows; }
  template <class F>
  void for_key_blocks(const F& f) const {
    for (int64_t key = keys_begin_; key < keys_end_; key += kKeyBlock) f(key);
  }
  // Where row i has its scores for the keys from `key` on, and the mean of its probabilities over the heads.
  int64_t place(int64_t i, int64_t key) const { return (key - keys_begin_) * kQueryBlock + i * kKeyBlock; }

  // Where the probabilities of head h are kept for them.
  int64_t kept_place(int h, int64_t i, int64_t key) const {
    return h * b_.kept_stride + (key - keys_begin_) * b_.rows + i * kKeyBlock;
  }

  // Row i of the block sees the keys [first_key, end_key) of the prompt, its own among them.
  int64_t first_key(int64_t i) const {
    return spec_.window > 0 ? std::max<int64_t>(0, b_.begin + i + 1 - spec_.window) : 0;
  }
  int64_t end_key(int64_t i) const {
    if (spec_.causal) return b_.begin + i + 1;
    return spec_.window > 0 ? std::min(b_.length, b_.begin + i + spec_.window) : b_.length;
  }

  // Keys counted from the start of a key block.
  struct Span {
    int64_t from, to;
    bool empty() const { return from >= to; }
  };
  static Span in_block(int64_t first, int64_t end, int64_t key) {
    return {std::clamp<int64_t>(first - key, 0, kKeyBlock), std::clamp<int64_t>(end - key, 0, kKeyBlock)};
  }
  // What row i sees of the keys from `key` on, and what any row of its register block sees.
  Span visible(int64_t i, int64_t key) const { return in_block(first_key(i), end_key(i), key); }
  Span tile_visible(int64_t i, int64_t key) const {
    const int64_t first_row = i / kTileRows * kTileRows, last_row = std::min(first_row + kTileRows, b_.rows) - 1;
    return in_block(first_key(first_row), end_key(last_row), key);
  }

  void load_queries(int h) {
    const T scale = static_cast<T>(spec_.scale);
    for (int64_t i = 0; i < b_.rows; ++i) {
      const T* from = b_.q.rows.row(b_.first_row + b_.begin + i) + b_.q.heads.at(h);
      T* to = b_.queries + i * spec_.head_dim;
      for_elements<T>(spec_.head_dim, [&](auto d, int64_t c) {
        auto q = hn::LoadU(d, from + c);
        if (scales_query_) q = round_(d, hn::Mul(q, hn::Set(d, scale)));
        hn::StoreU(q, d, to + c);
      });
    }
  }

  // scores = q.k for the block's rows and the keys from `key` on; what no row of a register block sees is left out.
  void score(int h, int64_t key) {
    const hn::ScalableTag<T> d;
    constexpr int64_t width = panel_width<T>(), lanes = width / kTileVectors;
    const T* keys = b_.keys + kv_head(h) * b_.keys_head_stride + key * spec_.head_dim;
    for (int64_t j = 0; j < std::min(kKeyBlock, keys_end_ - key); j += width) {
      for (int64_t i = 0; i < b_.rows; i += kTileRows) {
        const Span seen = tile_visible(i, key);
        if (seen.to <= j || seen.from >= j + width) continue;
        const TileRows<T> a(b_.queries + i * spec_.head_dim, spec_.head_dim, b_.rows - i);
        T* to = b_.scores + place(i, key) + j;
        multiply_tile<kTileVectors>(
            a, keys + j * spec_.head_dim, width, spec_.head_dim, [&](int, int) { return hn::Zero(d); },
            [&](int r, int v, auto sum) { hn::Store(sum, d, to + r * kKeyBlock + v * lanes); });
      }
    }
  }

  template <class D, class V>
  HWY_INLINE V alibi(D d, V slope, V position) const {
    const V bias = spec_.alibi_in_bfloat16 ? as_bfloat16(d, hn::Mul(as_bfloat16(d, slope), as_bfloat16(d, position)))
                                           : round_(d, hn::Mul(slope, position));
    return spec_.alibi_scale == 1 ? bias : hn::Mul(bias, hn::Set(d, static_cast<T>(spec_.alibi_scale)));
  }

  // The score that enters the softmax, from q.k with the key at `position`.
  template <class D, class V>
  HWY_INLINE V finished_score(D d, V product, V position, V slope) const {
    if (rounds_product_) product = round_(d, product);
    const V scale = hn::Set(d, scale_);
    V s = has_alibi_ ? hn::MulAdd(product, scale, alibi(d, slope, position)) : hn::Mul(product, scale);
    if (rounds_score_) s = round_(d, s);
    if (spec_.softcap == 0) return s;
    const V cap = hn::Set(d, static_cast<T>(spec_.softcap));
    return round_(d, hn::Mul(cap, round_(d, tanh_of(d, round_(d, hn::Div(s, cap))))));
  }

  // Lanes whose key, the first being j, lies in [from, to).
  template <class D>
  HWY_INLINE static hn::Mask<D> lanes_in(D d, int64_t j, int64_t from, int64_t to) {
    const auto count = [j](int64_t end) { return static_cast<size_t>(std::max<int64_t>(0, end - j)); };
    return hn::AndNot(hn::FirstN(d, count(from)), hn::FirstN(d, count(to)));
  }

  static T largest_score(const T* scores, Span seen) {
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    const auto lowest = hn::Set(d, -std::numeric_limits<T>::infinity());
    auto largest = lowest, other = lowest;
    int64_t j = (seen.from + lanes - 1) / lanes * lanes;
    if (j > seen.from)
      largest = hn::IfThenElse(lanes_in(d, j - lanes, seen.from, seen.to), hn::Load(d, scores + j - lanes), lowest);
    for (; j + 2 * lanes <= seen.to; j += 2 * lanes) {
      largest = hn::Max(largest, hn::Load(d, scores + j));
      other = hn::Max(other, hn::Load(d, scores + j + lanes));
    }
    for (; j < seen.to; j += lanes)
      other = hn::Max(other, hn::IfThenElse(lanes_in(d, j, seen.from, seen.to), hn::Load(d, scores + j), lowest));
    return hn::GetLane(hn::MaxOfLanes(d, hn::Max(largest, other)));
  }

  // Finishes the scores of row i that it sees and returns the largest of them. Scores beside them are not meant to be
  // read.
  T finish_scores(int h, int64_t key, T* scores, Span seen) const {
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    if (is_plain_) return largest_score(scores, seen);
    const auto slope = hn::Set(d, has_alibi_ ? static_cast<T>(spec_.alibi_slopes[h]) : T(0));
    const auto lowest = hn::Set(d, -std::numeric_limits<T>::infinity());
    auto largest = lowest;
    for (int64_t j = seen.from / lanes * lanes; j < seen.to; j += lanes) {
      const auto s = finished_score(d, hn::Load(d, scores + j), hn::Iota(d, static_cast<T>(key + j)), slope);
      hn::Store(s, d, scores + j);
      largest = hn::Max(largest, hn::IfThenElse(lanes_in(d, j, seen.from, seen.to), s, lowest));
    }
    return hn::GetLane(hn::MaxOfLanes(d, largest));
  }

  void raise_largest(int h, int64_t i, int64_t key) {
    const Span seen = visible(i, key);
    if (seen.empty()) return;
    const T found = finish_scores(h, key, b_.scores + place(i, key), seen);
    if (found > b_.state[i].largest) b_.state[i].largest = found;
  }

  // One row's finished scores become e^(s - m), and its state takes them in.
  void weigh(int64_t i, int64_t key) {
    T* HWY_RESTRICT scores = b_.scores + place(i, key);
    const Span seen = visible(i, key), tile = tile_visible(i, key);
    if (seen.empty()) return hide(scores, tile.from, tile.to);
    RowState<T>& state = b_.state[i];
    // With no score above -infinity every weight is 0, and the sums show it.
    const T m = state.largest == -std::numeric_limits<T>::infinity() ? T(0) : state.largest;
    const int64_t own = b_.begin + i - key;
    const bool has_own = seen.from <= own && own < seen.to;
    const T own_score = has_own ? scores[own] : T(0);

    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    const auto zero = hn::Zero(d), top = hn::Set(d, m);
    auto sum = zero, distance = zero;
    // The weight of vector j is stored, and those lanes of it that `count` keeps are summed.
    const auto take = [&](int64_t j, const auto& keep, const auto& count) HWY_ATTR {
      const auto below = hn::Sub(top, hn::Load(d, scores + j));  // m - s
      const auto weight = keep(exp_of_minus(d, below)), counted = count(weight);
      hn::Store(weight, d, scores + j);
      sum = hn::Add(sum, counted);
      // A weight of 0 may lie infinitely far below, and adds nothing.
      if (b_.wants_entropy) distance = hn::MulAdd(counted, hn::IfThenZeroElse(hn::Eq(counted, zero), below), distance);
    };
    const auto all = [](auto weight) HWY_ATTR { return weight; };
    const auto take_some = [&](int64_t j) HWY_ATTR {
      take(
          j, [&](auto weight) HWY_ATTR { return hn::IfThenElseZero(lanes_in(d, j, seen.from, seen.to), weight); },
          [&](auto weight) HWY_ATTR { return hn::IfThenZeroElse(lanes_in(d, j, own, own + 1), weight); });
    };
    int64_t j = seen.from / lanes * lanes;
    if (j < seen.from) take_some(j), j += lanes;
    const int64_t own_vector = has_own ? own / lanes * lanes : kKeyBlock;
    for (; j + lanes <= std::min(seen.to, own_vector); j += lanes) take(j, all, all);
    if (j == own_vector && j < seen.to) take_some(j), j += lanes;
    for (; j + lanes <= seen.to; j += lanes) take(j, all, all);
    if (j < seen.to) take_some(j);
    hide(scores, tile.from, seen.from);
    hide(scores, seen.to, tile.to);
    state.others += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
    state.distance += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, distance)));
    if (has_own) {
      state.own = scores[own];
      if (state.own > 0) state.distance += state.own * static_cast<double>(m - own_score);
    }
  }

  // Masked probabilities are exactly 0.
  static void hide(T* scores, int64_t from, int64_t to) {
    if (to > from) std::fill(scores + from, scores + to, T(0));
  }

  double total(int h, const RowState<T>& state) const {
    const double tokens = state.others + state.own;
    if (spec_.sinks.empty()) return tokens;
    return tokens + std::exp(static_cast<double>(static_cast<T>(spec_.sinks[h]) - state.largest));
  }

  void report(int h) {
    const RowState<T>* state = b_.state;
    double diagonal = b_.diagonal[h], off_diagonal = b_.off_diagonal[h], entropy = b_.entropy[h];
    for (int64_t i = 0; i < b_.rows; ++i) {
      const double z = total(h, state[i]);
      const double tokens = spec_.sinks.empty() ? 1 : (state[i].others + state[i].own) / z;
      diagonal += state[i].own / z;
      off_diagonal += state[i].others / z;
      if (b_.wants_entropy) entropy += tokens * std::log(z) + state[i].distance / z;
    }
    b_.diagonal[h] = diagonal;
    b_.off_diagonal[h] = off_diagonal;
    b_.entropy[h] = entropy;
  }

  // The probabilities as they are before they are rounded, key block after key block: what any row sees of one, and 0
  // where a row sees less.
  void hand_out(int h) {
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    for_key_blocks([&](int64_t key) {
      const Span shown = in_block(first_key(0), end_key(b_.rows - 1), key);
      T* block = b_.scores + place(0, key);
      for (int64_t i = 0; i < b_.rows; ++i) {
        T* HWY_RESTRICT weights = block + i * kKeyBlock;
        const Span seen = visible(i, key);
        const auto z = hn::Set(d, static_cast<T>(total(h, b_.state[i])));
        for (int64_t j = seen.from / lanes * lanes; j < seen.to; j += lanes)
          hn::Store(hn::Div(hn::Load(d, weights + j), z), d, weights + j);
        hide(weights, shown.from, std::min(seen.from, shown.to));
        hide(weights, std::max(seen.to, shown.from), shown.to);
      }
      if (!shown.empty())
        (*b_.on_head)(h, key + shown.from, {block + shown.from, b_.rows, shown.to - shown.from, kKeyBlock});
    });
  }

  void use_probabilities(int h) {
    const int64_t first = b_.rounded_rows || b_.kept ? 0 : first_tile_out();
    if (writes_rows()) std::fill_n(b_.sums, kQueryBlock * value_stride_, T(0));
    for_key_blocks([&](int64_t key) {
      for (int64_t i = first; i < b_.rows; ++i) make_probabilities(h, i, key);
      if (writes_rows()) add_values(h, key);
    });
    for (int64_t i = b_.first_out; i < b_.rows; ++i) {
      const T* sums = b_.sums + i * value_stride_;
      T* out = b_.out.row(i - b_.first_out) + h * spec_.head_dim;
      for_elements<T>(spec_.head_dim,
                      [&](auto d, int64_t c) { hn::StoreU(round_(d, hn::LoadU(d, sums + c)), d, out + c); });
    }
  }

  // Weights become probabilities, rounded, and are added to the mean over heads that rounded_sum is the sum of.
  void make_probabilities(int h, int64_t i, int64_t key) {
    T* HWY_RESTRICT weights = b_.scores + place(i, key);
    const Span seen = visible(i, key), tile = tile_visible(i, key);
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    const auto z = hn::Set(d, static_cast<T>(total(h, b_.state[i])));
    float* HWY_RESTRICT mean = b_.rounded_rows ? b_.mean + place(i, key) : nullptr;
    T* HWY_RESTRICT kept = b_.kept ? b_.kept + kept_place(h, i, key) : nullptr;
    // Lanes beside what is seen are not read from the mean, and are 0 in what is kept.
    for (int64_t j = seen.from / lanes * lanes; j < seen.to; j += lanes) {
      const auto exact = hn::Div(hn::Load(d, weights + j), z), probability = round_(d, exact);
      hn::Store(probability, d, weights + j);
      if (mean) add_to_mean(d, probability, mean + j);
      if (kept) hn::Store(exact, d, kept + j);
    }
    const int64_t own = b_.begin + i - key;
    if (kept && seen.from <= own && own < seen.to) kept[own] = 0;
    hide(weights, tile.from, std::min(seen.from, tile.to));
    hide(weights, std::max(seen.to, tile.from), tile.to);
  }

  template <class D, class V>
  HWY_INLINE static void add_to_mean(D d, V probability, float* mean) {
    if constexpr (sizeof(T) == 4) {
      hn::Store(hn::Add(hn::Load(d, mean), probability), d, mean);
    } else {
      const hn::Rebind<float, D> single;
      hn::Store(hn::Add(hn::Load(single, mean), hn::DemoteTo(single, probability)), single, mean);
    }
  }

  // sums += P V over the keys from `key` on, a key block's chain added whole: shorter chains round less. Some columns
  // of V at a time: they stay in the first-level cache while all rows pass by.
  void add_values(int h, int64_t key) {
    constexpr int64_t lanes = panel_width<T>() / kTileVectors;
    int64_t column = 0;
    for (; column + kTileVectors * lanes <= value_stride_; column += kTileVectors * lanes)
      add_columns<kTileVectors>(h, key, column);
    const int64_t vectors = (value_stride_ - column) / lanes;
    if (vectors == 1) add_columns<1>(h, key, column);
    if constexpr (kTileVectors > 2) {
      if (vectors == 2) add_columns<2>(h, key, column);
      if (vectors == 3) add_columns<3>(h, key, column);
    }
  }

  template <int kVectors>
  void add_columns(int h, int64_t key, int64_t column) {
    const hn::ScalableTag<T> d;
    constexpr int64_t lanes = panel_width<T>() / kTileVectors;
    const int64_t stride = value_stride_;
    for (int64_t i = first_tile_out(); i < b_.rows; i += kTileRows) {
      const Span seen = tile_visible(i, key);
      if (seen.empty()) continue;
      const TileRows<T> p(b_.scores + place(i, key) + seen.from, kKeyBlock, b_.rows - i);
      const T* values = b_.values + kv_head(h) * b_.values_head_stride + (key + seen.from) * stride + column;
      T* sums = b_.sums + i * stride + column;
      multiply_tile<kVectors>(
          p, values, stride, seen.to - seen.from, [&](int, int) { return hn::Zero(d); },
          [&](int r, int v, auto sum) {
            T* to = sums + r * stride + v * lanes;
            hn::Store(hn::Add(hn::Load(d, to), sum), d, to);
          });
    }
  }

  int64_t kv_head(int h) const { return int64_t{h} * spec_.kv_heads / spec_.heads; }

  const AttentionBlock<T>& b_;
  const AttentionSpec& spec_;
  const Round round_;
  const int64_t value_stride_, keys_begin_, keys_end_;
  bool rounds_product_ = false, rounds_score_ = false, has_alibi_ = false, is_plain_ = false, scales_query_ = false;
  T scale_ = 1;
};

template <class T>
void run_block(const AttentionBlock<T>& block) {
  with_rounding<T>(block.rounding, [&](auto round) { BlockKernel<T, decltype(round)>(block, round).run(); });
}

template <class T>
AttentionKernels<T> kernels() {
  return {panel_width<T>(), value_stride_of<T>, pack_keys<T>, pack_values<T>, run_block<T>};
}
// LSTAR_DISPATCH takes plain names.
AttentionKernels<float> kernels_f32() { return kernels<float>(); }
AttentionKernels<double> kernels_f64() { return kernels<double>(); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lstar {

template <>
AttentionKernels<float> attention_kernels() {
  return LSTAR_DISPATCH(kernels_f32)();
}
template <>
AttentionKernels<double> attention_kernels() {
  return LSTAR_DISPATCH(kernels_f64)();
}

}  // namespace lstar
#endif
