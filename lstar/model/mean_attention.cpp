#include "lstar/model/mean_attention.h"

#include <algorithm>
#include <vector>

#include <Eigen/Core>

namespace lstar {
namespace {

// What columns get is added up in so many parts, whose number must not depend on the threads that there are: the parts
// may be formed side by side, and memory is this times n.
constexpr size_t kStreams = 32;

template <class T>
using Row = Eigen::Map<const Eigen::Array<T, 1, Eigen::Dynamic>>;
using Sums = Eigen::Map<Eigen::Array<double, 1, Eigen::Dynamic>>;

// One prompt's.
template <class T>
class Products {
 public:
  Products(Backend<T>& backend, const AttentionSpec& spec, const Batch& batch, size_t prompt, HeadView<const T> q,
           HeadView<const T> k, const std::function<Result<void>()>& go_on)
      : backend_(backend), spec_(spec), go_on_(go_on), n_(batch.length(prompt)) {
    const int64_t begin = batch.start[prompt], end = batch.start[prompt + 1];
    q_ = {q.rows.row_range(begin, end), q.heads};
    k_ = {k.rows.row_range(begin, end), k.heads};
    alone_.start = {0, n_};
    parts_.resize(kStreams * static_cast<size_t>(n_));
  }

  // Refers to this.
  Result<MeanAttention> attention() {
    MeanAttention attention{.causal = spec_.causal, .given = {}, .received = {}, .multiply = {}};
    LSTAR_TRY(sums(attention.given, attention.received));
    attention.multiply = [this](std::span<const double> x, std::span<double> y) { return multiply(x, y); };
    return attention;
  }

 private:
  // given_i and received_i, of all heads together.
  Result<void> sums(std::vector<double>& given, std::vector<double>& received) {
    given.assign(static_cast<size_t>(n_), 0);
    received.resize(static_cast<size_t>(n_));
    const auto add = [&](double* part, int64_t row, int64_t key, Row<T> p) {
      given[static_cast<size_t>(row)] += p.template cast<double>().sum();  // a row is one stream's
      Sums(part + key, p.size()) += p.template cast<double>();
    };
    LSTAR_TRY(stream(add, received));
    for (auto* values : {&given, &received})
      for (double& value : *values) value /= spec_.heads;
    return {};
  }

  Result<void> multiply(std::span<const double> x, std::span<double> y) {
    const auto add = [&](double* part, int64_t row, int64_t key, Row<T> p) {
      const Row<double> along(x.data() + key, p.size());
      part[row] += (p.template cast<double>() * along).sum();
      Sums(part + key, p.size()) += p.template cast<double>() * x[static_cast<size_t>(row)];
    };
    LSTAR_TRY(stream(add, y));
    for (double& value : y) value /= 2 * spec_.heads;
    return {};
  }

  // y = the sum of what the streams gathered. add(part, row, key, p) takes some of a row's probabilities, those from
  // `key` on, the diagonal not among them.
  template <class Add>
  Result<void> stream(const Add& add, std::span<double> y) {
    LSTAR_TRY(go_on_());
    std::fill(parts_.begin(), parts_.end(), 0.0);
    LSTAR_TRY(backend_.attention_rows(spec_, alone_, q_, k_, kStreams, [&](const AttentionRows<T>& rows) {
      double* part = parts_.data() + rows.stream * static_cast<size_t>(n_);
      for (int64_t i = 0; i < rows.p.rows; ++i) {
        const int64_t row = rows.first_row + i, own = std::clamp<int64_t>(row - rows.first_key, 0, rows.p.cols);
        const T* p = rows.p.row(i);
        if (own > 0) add(part, row, rows.first_key, Row<T>(p, own));
        const bool is_left_of_it = row < rows.first_key;
        const int64_t behind = is_left_of_it ? 0 : own + 1;
        if (behind < rows.p.cols) add(part, row, rows.first_key + behind, Row<T>(p + behind, rows.p.cols - behind));
      }
    }));
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = 0;
      for (size_t s = 0; s < kStreams; ++s) y[i] += parts_[s * static_cast<size_t>(n_) + i];
    }
    return {};
  }

  Backend<T>& backend_;
  const AttentionSpec& spec_;
  const std::function<Result<void>()>& go_on_;
  const int64_t n_;
  HeadView<const T> q_, k_;
  Batch alone_;
  std::vector<double> parts_;  // (streams, tokens)
};

}  // namespace

template <class T>
Result<void> show_mean_attention(Backend<T>& backend, const AttentionSpec& spec, const Batch& batch,
                                 HeadView<const T> q, HeadView<const T> k, int layer, size_t first_prompt,
                                 const std::function<Result<void>()>& go_on, const OnMeanAttention& on_mean_attention) {
  for (size_t p = 0; p < batch.prompts(); ++p) {
    Products<T> products(backend, spec, batch, p, q, k, go_on);
    LSTAR_ASSIGN(const MeanAttention attention, products.attention());
    LSTAR_TRY(on_mean_attention(layer, first_prompt + p, attention));
  }
  return {};
}

template Result<void> show_mean_attention(Backend<float>&, const AttentionSpec&, const Batch&, HeadView<const float>,
                                          HeadView<const float>, int, size_t, const std::function<Result<void>()>&,
                                          const OnMeanAttention&);
template Result<void> show_mean_attention(Backend<double>&, const AttentionSpec&, const Batch&, HeadView<const double>,
                                          HeadView<const double>, int, size_t, const std::function<Result<void>()>&,
                                          const OnMeanAttention&);

}  // namespace lstar
