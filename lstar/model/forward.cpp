#include "lstar/model/forward.h"

#include <algorithm>
#include <cmath>

#include "lstar/base/catch_memory.h"
#include "lstar/model/mean_attention.h"
#include "lstar/model/mlp.h"
#include "lstar/model/output_scale.h"
#include "lstar/model/ov_products.h"

namespace lstar {
namespace {

constexpr int64_t kLogitRows = 64;  // prompts whose logits are held at a time

Observation sized(const Architecture& a, const Batch& batch, Wants wants) {
  const size_t prompts = batch.prompts(), layers = a.layers, heads = a.heads;
  Observation seen;
  for (size_t p = 0; p < prompts; ++p) seen.tokens.push_back(batch.length(p));
  if (wants.has(Want::diagonal)) {
    seen.diagonal = {prompts, layers, heads};
    seen.off_diagonal = {prompts, layers, heads};
  }
  if (wants.has(Want::entropy)) seen.entropy = {prompts, layers, heads};
  if (wants.has(Want::rounded_sum)) seen.rounded_sum = {prompts, layers};
  if (wants.has(Want::residual_norm)) seen.residual_norm = {prompts, layers + 1};
  if (wants.has(Want::overlap)) seen.overlap = {prompts, layers, pairs_of(heads)};
  if (wants.has(Want::output_scale) && a.has(Role::attention_output_norm)) seen.output_scale_sq = {prompts, layers};
  if (wants.has(Want::next_token)) seen.next_tokens.resize(prompts);
  return seen;
}

// The prompts [first, last) of a batch, as a batch.
Batch slice(const Batch& batch, size_t first, size_t last) {
  Batch wave;
  wave.ids.assign(batch.ids.begin() + batch.start[first], batch.ids.begin() + batch.start[last]);
  for (size_t p = first + 1; p <= last; ++p) wave.start.push_back(batch.start[p] - batch.start[first]);
  return wave;
}

// One wave's way through the model.
template <class T>
class Pass {
 public:
  Pass(const Model& model, Batch wave, size_t first_prompt, const PassOptions& options, Backend<T>& backend,
       Observation& seen)
      : a_(model.architecture),
        w_(model.weights),
        c_(*model.checkpoint),
        options_(options),
        backend_(backend),
        dtype_(backend.dtype()),
        seen_(seen),
        first_(first_prompt),
        batch_(std::move(wave)),
        rows_(batch_.rows()),
        prompts_(static_cast<int64_t>(batch_.prompts())),
        q_width_(a_.q_width()),
        kv_width_(a_.kv_width()),
        mlp_(a_, c_, backend, std::min(rows_, options.mlp_rows)) {
    for (size_t p = 0; p < batch_.prompts(); ++p)
      for (int64_t i = 0; i < batch_.length(p); ++i) positions_.push_back(static_cast<int32_t>(i));
    const int64_t chunk = std::min(rows_, options_.mlp_rows);
    x_ = Matrix<T>(rows_, a_.hidden);
    normed_ = Matrix<T>(rows_, a_.hidden);
    qkv_ = Matrix<T>(rows_, q_width_ + 2 * kv_width_);
    context_ = Matrix<T>(rows_, q_width_);
    down_ = Matrix<T>(chunk, a_.hidden);
    mlp_in_ = Matrix<T>(chunk, a_.hidden);
    attention_.heads = a_.heads;
    attention_.kv_heads = a_.kv_heads;
    attention_.head_dim = a_.head_dim;
    attention_.rounding = a_.rounding.scores;
    attention_.alibi_slopes = a_.alibi_slopes;
    attention_.alibi_scale = a_.alibi_scale;
    attention_.alibi_in_bfloat16 = a_.alibi_in_bfloat16;
    attention_.causal = a_.causal;
    attention_.softcap = a_.attention_softcap;
  }

  // `go_on` is asked where a layer takes long, `layer_done` when it has ended.
  Result<void> run(const std::function<Result<void>()>& go_on, const std::function<Result<void>()>& layer_done) {
    LSTAR_TRY(embed());
    observe_norms(0, /*last_rows=*/false);
    for (int l = 0; l < a_.layers; ++l) {
      const bool last = l + 1 == a_.layers;
      LSTAR_TRY(attend(l, last, go_on));
      if (!last || needs_last_rows()) {
        LSTAR_TRY(finish_layer(l, last ? prompts_ : rows_));
        observe_norms(l + 1, last);
      }
      backend_.drop(c_, linears(w_.layers[l]));
      if (options_.on_layer && !options_.on_layer(l, wave(), seen_)) return fail(cancelled());
      LSTAR_TRY(layer_done());
    }
    return options_.wants.has(Want::next_token) ? predict() : Result<void>{};
  }

 private:
  bool needs_last_rows() const {
    return options_.wants.has(Want::residual_norm) || options_.wants.has(Want::next_token);
  }

  Wave wave() const { return {first_, batch_.start}; }

  Result<void> embed() {
    View<T> x = x_.view();
    if (w_.project_in) {
      Matrix<T> narrow(rows_, a_.embedding);
      LSTAR_TRY(backend_.embed(c_, *w_.token_embedding, batch_.ids, narrow.view()));
      LSTAR_TRY(backend_.linear(c_, *w_.project_in, narrow.view(), x));
    } else {
      LSTAR_TRY(backend_.embed(c_, *w_.token_embedding, batch_.ids, x));
    }
    if (a_.embedding_scale != 1) {
      double scale = a_.embedding_scale;
      if (a_.rounding.embedding_scale && dtype_ != Dtype::float64) scale = round_to(dtype_, static_cast<float>(scale));
      backend_.scale(x, scale);
    }
    if (w_.token_type_embedding) {
      const std::vector<int32_t> zeros(static_cast<size_t>(rows_), 0);
      LSTAR_TRY(backend_.embed(c_, *w_.token_type_embedding, zeros, normed_.view()));
      backend_.add(x, normed_.view());
    }
    if (w_.position_embedding) {
      LSTAR_TRY(backend_.embed(c_, *w_.position_embedding, position_rows(), normed_.view()));
      backend_.add(x, normed_.view());
    }
    if (w_.embedding_norm) LSTAR_TRY(backend_.norm(c_, *w_.embedding_norm, x, x));
    return {};
  }

  // Each token's row of the learned positions.
  std::vector<int32_t> position_rows() const {
    const auto first = static_cast<int32_t>(a_.first_position_row);
    std::vector<int32_t> rows = positions_;
    int32_t padding = 0;  // of its prompt, so far
    for (size_t i = 0; i < rows.size(); ++i) {
      if (positions_[i] == 0) padding = 0;
      const bool is_padding = batch_.ids[i] == a_.padding_token;
      padding += is_padding;
      rows[i] = is_padding ? first - 1 : first + positions_[i] - padding;
    }
    return rows;
  }

  // Attention of layer l up to its heads' outputs, in context_: (rows, H d_h), or one row a prompt in the last layer.
  Result<void> attend(int l, bool last, const std::function<Result<void>()>& go_on) {
    const LayerWeights& w = w_.layers[l];
    const LayerPlan& plan = a_.plan[static_cast<size_t>(l)];
    View<const T> in = x_.view();
    if (a_.norm_place == NormPlace::before && w.attention_norm) {
      LSTAR_TRY(backend_.norm(c_, *w.attention_norm, x_.view(), normed_.view()));
      in = normed_.view();
    }
    HeadView<T> q, k, v;
    if (a_.is_fused()) {
      const View<T> fused = qkv_.view();
      LSTAR_TRY(backend_.linear(c_, w.query_key_value[0], in, fused));
      q = {fused, a_.q_rows};
      k = {fused, a_.k_rows};
      v = {fused, a_.v_rows};
    } else {
      T* data = qkv_.data();
      q = {{data, rows_, q_width_, q_width_}, a_.q_rows};
      data += rows_ * q_width_;
      k = {{data, rows_, kv_width_, kv_width_}, a_.k_rows};
      data += rows_ * kv_width_;
      v = {{data, rows_, kv_width_, kv_width_}, a_.v_rows};
      LSTAR_TRY(backend_.linear(c_, w.query_key_value[0], in, q.rows));
      LSTAR_TRY(backend_.linear(c_, w.query_key_value[1], in, k.rows));
      LSTAR_TRY(backend_.linear(c_, w.query_key_value[2], in, v.rows));
    }
    LSTAR_TRY(norm_heads(w.query_norm, a_.heads, q));
    LSTAR_TRY(norm_heads(w.key_norm, a_.kv_heads, k));
    if (a_.qkv_limit > 0) backend_.clamp(qkv_.view(), -a_.qkv_limit, a_.qkv_limit);
    if (plan.rotary >= 0) {
      rotate(a_.rotary[static_cast<size_t>(plan.rotary)], a_.heads, q);
      rotate(a_.rotary[static_cast<size_t>(plan.rotary)], a_.kv_heads, k);
    }
    attention_.scale = a_.scale_by_layer ? a_.attention_scale / (l + 1) : a_.attention_scale;
    attention_.window = plan.window;
    if (w.sinks) {
      attention_.sinks.resize(static_cast<size_t>(a_.heads));
      LSTAR_TRY(c_.read(*w.sinks, {0, 1}, std::span<double>(attention_.sinks)));
    }
    const bool last_rows_only = last && !options_.observer && !wants_output_scale();
    const View<T> out = context_.view(last_rows_only ? prompts_ : rows_, q_width_);
    LSTAR_TRY(
        backend_.attention(attention_, batch_, as_const(q), as_const(k), as_const(v), last_rows_only, out, stats(l)));
    if (options_.observer && !options_.observer({l, wave(), View<const T>(x_.view()), View<const T>(out)}))
      return fail(cancelled());
    if (options_.on_mean_attention)
      LSTAR_TRY(show_mean_attention(backend_, attention_, batch_, as_const(q), as_const(k), l, first_, go_on,
                                    options_.on_mean_attention));
    if (!last) return {};
    if (wants_output_scale()) LSTAR_TRY(observe_all_outputs(l));
    keep_last_rows(last_rows_only);
    return {};
  }

  Result<void> norm_heads(const std::vector<NormRef>& norms, int heads, const HeadView<T>& x) {
    if (norms.size() == 1 && a_.head_norm == HeadNorm::projection)
      return backend_.norm_heads(c_, norms[0], 1, heads * a_.head_dim, x);
    if (norms.size() == 1) return backend_.norm_heads(c_, norms[0], heads, a_.head_dim, x);
    for (size_t h = 0; h < norms.size(); ++h)
      LSTAR_TRY(backend_.norm_heads(c_, norms[h], 1, a_.head_dim, {x.rows, {.offset = x.heads.at(h)}}));
    return {};
  }

  // Where frequencies depend on a prompt's length, each prompt turns by its own.
  void rotate(const Rotary& rotary, int heads, const HeadView<T>& x) {
    RotarySpec spec{.heads = heads, .dims = rotary.dims, .interleaved = rotary.interleaved, .frequencies = {}};
    spec.factor = rotary.scaling.attention_factor;
    if (!depends_on_length(rotary)) {
      spec.frequencies = rotary_frequencies(rotary, 0);
      return backend_.rotate(spec, positions_, x);
    }
    for (size_t p = 0; p < batch_.prompts(); ++p) {
      const int64_t begin = batch_.start[p], end = batch_.start[p + 1];
      spec.frequencies = rotary_frequencies(rotary, end - begin);
      backend_.rotate(spec, {positions_.data() + begin, positions_.data() + end},
                      {x.rows.row_range(begin, end), x.heads});
    }
  }

  static HeadView<const T> as_const(const HeadView<T>& x) { return {x.rows, x.heads}; }

  AttentionStats stats(int l) {
    AttentionStats s;
    s.stride = int64_t{a_.layers} * a_.heads;
    s.rounded_stride = a_.layers;
    if (options_.wants.has(Want::diagonal)) {
      s.diagonal = &seen_.diagonal(first_, l, 0);
      s.off_diagonal = &seen_.off_diagonal(first_, l, 0);
    }
    if (options_.wants.has(Want::entropy)) s.entropy = &seen_.entropy(first_, l, 0);
    if (options_.wants.has(Want::rounded_sum)) s.rounded_sum = &seen_.rounded_sum(first_, l);
    if (options_.wants.has(Want::overlap)) s.overlap = &seen_.overlap(first_, l, 0);
    s.overlap_stride = static_cast<int64_t>(seen_.overlap.dim1() * seen_.overlap.dim2());
    return s;
  }

  // From here on row p of x_ and normed_ is the last token of prompt p.
  void keep_last_rows(bool context_has_no_others) {
    for (int64_t p = 0; p < prompts_; ++p) {
      const int64_t from = batch_.start[p + 1] - 1;
      if (!context_has_no_others) std::copy_n(context_.view().row(from), q_width_, context_.view().row(p));
      std::copy_n(x_.view().row(from), a_.hidden, x_.view().row(p));
      std::copy_n(normed_.view().row(from), a_.hidden, normed_.view().row(p));
    }
  }

  bool wants_output_scale() const { return !seen_.output_scale_sq.empty(); }

  // In the last layer, of which the other rows are not needed otherwise.
  Result<void> observe_all_outputs(int l) {
    for (int64_t begin = 0; begin < rows_; begin += down_.rows()) {
      const int64_t end = std::min(rows_, begin + down_.rows());
      const View<T> outputs = down_.view(end - begin, a_.hidden);
      LSTAR_TRY(backend_.linear(c_, w_.layers[l].attention_out, context_.view().row_range(begin, end), outputs));
      observe_outputs(l, begin, outputs);
    }
    return {};
  }

  // The rows from `begin` on, as the norm behind W_O is about to see them.
  void observe_outputs(int l, int64_t begin, View<const T> outputs) {
    output_lengths_.resize(static_cast<size_t>(outputs.rows));
    backend_.row_norms(outputs, output_lengths_);
    add_output_scales(output_lengths_, a_.hidden, w_.layers[l].attention_output_norm->epsilon, batch_, begin,
                      &seen_.output_scale_sq(first_, l), a_.layers);
  }

  // Everything of a layer after its heads' outputs, for the first `rows` rows, in chunks.
  Result<void> finish_layer(int l, int64_t rows) {
    const LayerWeights& w = w_.layers[l];
    const bool last = l + 1 == a_.layers;
    for (int64_t begin = 0; begin < rows; begin += down_.rows()) {
      const int64_t end = std::min(rows, begin + down_.rows()), count = end - begin;
      const View<T> x = x_.view().row_range(begin, end);
      const View<T> attended = normed_.view().row_range(begin, end);  // holds attention's input until it is projected
      const View<T> mlp_in = mlp_in_.view(count, a_.hidden), down = down_.view(count, a_.hidden);
      const View<T> context = context_.view().row_range(begin, end);
      if (a_.residual_from_norm) std::copy_n(attended.data, count * a_.hidden, x.data);

      if (a_.residual == Residual::parallel) {
        if (w.mlp_norm) LSTAR_TRY(backend_.norm(c_, *w.mlp_norm, x, mlp_in));
        LSTAR_TRY(mlp_.run(w, w.mlp_norm ? mlp_in : attended, down));
        LSTAR_TRY(backend_.linear(c_, w.attention_out, context, attended));
        scale_contribution(attended);
        scale_contribution(down);
        backend_.add(down, attended);
        backend_.add(x, down);
        continue;
      }
      LSTAR_TRY(backend_.linear(c_, w.attention_out, context, attended));
      if (wants_output_scale() && !last) observe_outputs(l, begin, attended);
      if (w.attention_output_norm) LSTAR_TRY(backend_.norm(c_, *w.attention_output_norm, attended, attended));
      scale_contribution(attended);
      backend_.add(x, attended);
      const bool after = a_.norm_place == NormPlace::after;
      if (after && w.attention_norm) LSTAR_TRY(backend_.norm(c_, *w.attention_norm, x, x));
      const bool normed = !after && w.mlp_norm;
      if (normed) LSTAR_TRY(backend_.norm(c_, *w.mlp_norm, x, mlp_in));
      LSTAR_TRY(mlp_.run(w, normed ? mlp_in : x, down));
      if (w.mlp_output_norm) LSTAR_TRY(backend_.norm(c_, *w.mlp_output_norm, down, down));
      scale_contribution(down);
      if (normed && a_.residual_from_norm) std::copy_n(mlp_in.data, count * a_.hidden, x.data);
      backend_.add(x, down);
      if (after && w.mlp_norm) LSTAR_TRY(backend_.norm(c_, *w.mlp_norm, x, x));
    }
    return {};
  }

  void scale_contribution(View<T> y) {
    if (a_.residual_scale != 1) backend_.scale(y, a_.residual_scale);
  }

  void observe_norms(int state, bool last_rows) {
    if (!options_.wants.has(Want::residual_norm)) return;
    for (int64_t p = 0; p < prompts_; ++p) {
      const int64_t row = last_rows ? p : batch_.start[p + 1] - 1;
      backend_.row_norms(x_.view().row_range(row, row + 1), {&seen_.residual_norm(first_ + p, state), 1});
    }
  }

  Result<void> predict() {
    if (!w_.output) return fail(w_.output.error());
    View<T> x = x_.view(prompts_, a_.hidden);
    if (w_.final_norm) LSTAR_TRY(backend_.norm(c_, *w_.final_norm, x, x));
    Matrix<T> narrow;
    if (w_.project_out) {
      narrow = Matrix<T>(prompts_, a_.embedding);
      LSTAR_TRY(backend_.linear(c_, *w_.project_out, x, narrow.view()));
      x = narrow.view();
    }
    const int64_t at_once = std::min<int64_t>(prompts_, kLogitRows);
    Matrix<T> logits(at_once, a_.vocab);
    const size_t k = std::min<size_t>(options_.next_tokens, a_.vocab);
    std::vector<int32_t> order(a_.vocab);
    for (int64_t p = 0; p < prompts_; ++p) {
      if (p % at_once == 0) {
        const int64_t end = std::min(prompts_, p + at_once);
        LSTAR_TRY(backend_.linear(c_, *w_.output, x.row_range(p, end), logits.view(end - p, a_.vocab)));
      }
      T* row = logits.view().row(p % at_once);
      if (a_.logit_scale != 1) backend_.scale({row, 1, a_.vocab, a_.vocab}, a_.logit_scale);
      if (a_.logit_softcap > 0)
        for (int32_t id = 0; id < a_.vocab; ++id)
          row[id] = static_cast<T>(a_.logit_softcap * std::tanh(static_cast<double>(row[id]) / a_.logit_softcap));
      for (int32_t id = 0; id < a_.vocab; ++id) order[id] = id;
      // NaN sorts last, ties by id: a strict weak order whatever the numbers are.
      const auto better = [row](int32_t i, int32_t j) {
        const bool i_nan = std::isnan(row[i]), j_nan = std::isnan(row[j]);
        if (i_nan || j_nan) return i_nan != j_nan ? j_nan : i < j;
        return row[i] != row[j] ? row[i] > row[j] : i < j;
      };
      std::partial_sort(order.begin(), order.begin() + k, order.end(), better);
      for (size_t i = 0; i < k; ++i)
        seen_.next_tokens[first_ + p].push_back({order[i], static_cast<double>(row[order[i]])});
    }
    return {};
  }

  const Architecture& a_;
  const Weights& w_;
  const Checkpoint& c_;
  const PassOptions& options_;
  Backend<T>& backend_;
  const Dtype dtype_;
  Observation& seen_;
  const size_t first_;  // the wave's first prompt in the observation
  const Batch batch_;
  const int64_t rows_, prompts_, q_width_, kv_width_;
  std::vector<int32_t> positions_;  // (rows)
  AttentionSpec attention_;
  Mlp<T> mlp_;
  Matrix<T> x_;                         // (rows, hidden): the residual stream
  Matrix<T> normed_;                    // (rows, hidden): attention's input, then its contribution
  Matrix<T> qkv_;                       // (rows, (H + 2 K) d_h), fused or three dense parts
  Matrix<T> context_;                   // (rows, H d_h): the heads' outputs
  Matrix<T> mlp_in_, down_;             // (chunk, hidden)
  std::vector<double> output_lengths_;  // (chunk)
};

template <class T>
Result<void> run(const Model& model, const Batch& batch, const PassOptions& options, Backend<T>& backend,
                 Observation& seen) {
  for (size_t p = 0; p < batch.prompts(); ++p)
    LSTAR_TRY(
        check_prompt(model.architecture, {batch.ids.data() + batch.start[p], static_cast<size_t>(batch.length(p))}));
  if (options.wants.has(Want::overlap)) LSTAR_TRY(check_pairs(model.architecture));
  seen = sized(model.architecture, batch, options.wants);
  std::vector<size_t> waves{0};
  for (size_t p = 0; p < batch.prompts(); ++p)
    if (p > waves.back() && batch.start[p + 1] - batch.start[waves.back()] > options.wave_tokens) waves.push_back(p);
  const int64_t total = static_cast<int64_t>(waves.size()) * model.architecture.layers;
  int64_t done = 0;
  const auto report = [&] { return options.steps ? options.steps->at(Phase::layers, done, total) : Result<void>(); };
  LSTAR_TRY(report());
  waves.push_back(batch.prompts());
  for (size_t i = 0; i + 1 < waves.size() && waves[i] < waves[i + 1]; ++i) {
    Pass<T> pass(model, slice(batch, waves[i], waves[i + 1]), waves[i], options, backend, seen);
    LSTAR_TRY(pass.run(report, [&] {
      ++done;
      return report();
    }));
  }
  return {};
}

}  // namespace

template <class T>
Result<void> forward(const Model& model, const Batch& batch, const PassOptions& options, Backend<T>& backend,
                     Observation& seen) {
  return catch_memory("running the prompts: fewer or shorter ones take less", model.checkpoint->path(),
                      [&] { return run(model, batch, options, backend, seen); });
}

template Result<void> forward(const Model&, const Batch&, const PassOptions&, Backend<float>&, Observation&);
template Result<void> forward(const Model&, const Batch&, const PassOptions&, Backend<double>&, Observation&);

}  // namespace lstar
