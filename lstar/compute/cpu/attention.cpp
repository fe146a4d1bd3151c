#include "lstar/compute/cpu/attention.h"

#include <algorithm>

#include <fmt/core.h>

namespace lstar {
namespace {

int64_t blocks_of(int64_t n, int64_t block) { return (n + block - 1) / block; }

// Of a block of rows: all keys in the key blocks that it may see a part of.
int64_t keys_in_blocks(const AttentionSpec& spec, int64_t length) {
  const int64_t reach = spec.causal ? spec.window : 2 * spec.window;
  const int64_t seen = spec.window > 0 ? std::min(length, reach + kQueryBlock) : length;
  return (blocks_of(seen, kKeyBlock) + 1) * kKeyBlock;
}

Result<void> check(const AttentionSpec& spec) {
  if (spec.heads < 1 || spec.kv_heads < 1 || spec.heads % spec.kv_heads != 0 || spec.head_dim < 1)
    return fail({.kind = ErrorKind::argument,
                 .what = "attention heads",
                 .expected = "query heads a multiple of key and value heads",
                 .found = fmt::format("{} and {}, width {}", spec.heads, spec.kv_heads, spec.head_dim)});
  const auto of_heads = [&](const std::vector<double>& values) {
    return values.empty() || values.size() == static_cast<size_t>(spec.heads);
  };
  if (!of_heads(spec.alibi_slopes) || !of_heads(spec.sinks))
    return fail({.kind = ErrorKind::argument,
                 .what = "attention biases",
                 .expected = fmt::format("none, or one for each of {} heads", spec.heads),
                 .found = fmt::format("{} slopes, {} sinks", spec.alibi_slopes.size(), spec.sinks.size())});
  if (spec.window < 0)
    return fail({.kind = ErrorKind::argument,
                 .what = "attention window",
                 .expected = "0 or more",
                 .found = fmt::format("{}", spec.window)});
  return {};
}

template <class T>
Result<void> check(const AttentionSpec& spec, const Batch& batch, bool last_rows_only, View<T> out) {
  LSTAR_TRY(check(spec));
  const int64_t rows = last_rows_only ? static_cast<int64_t>(batch.prompts()) : batch.rows();
  if (out.rows != rows || out.cols != int64_t{spec.heads} * spec.head_dim)
    return fail({.kind = ErrorKind::argument,
                 .what = "attention output",
                 .expected = fmt::format("{} x {}", rows, int64_t{spec.heads} * spec.head_dim),
                 .found = fmt::format("{} x {}", out.rows, out.cols)});
  return {};
}

}  // namespace

int64_t rows_together(int heads, int64_t keys, int64_t element_bytes) {
  constexpr int64_t kKeptBytes = int64_t{128} << 20;  // a thread
  int64_t rows = kQueryBlock;
  for (const int64_t fewer : {48, 24})
    if (heads * rows * keys * element_bytes > kKeptBytes) rows = fewer;
  return rows;
}

template <class T>
void Attention<T>::pack(const AttentionSpec& spec, const Batch& batch, HeadView<const T> k,
                        const HeadView<const T>* v) {
  const int64_t width = kernels_.panel_width, value_stride = kernels_.value_stride(spec.head_dim);
  key_start_.assign(1, 0);
  for (size_t p = 0; p < batch.prompts(); ++p)
    key_start_.push_back(key_start_.back() + blocks_of(batch.length(p), width) * width);
  const int64_t packed = key_start_.back();
  T* keys = keys_.at_least(packed * spec.kv_heads * spec.head_dim);
  T* values = v ? values_.at_least(packed * spec.kv_heads * value_stride) : nullptr;
  pool_.for_each(batch.prompts() * static_cast<size_t>(spec.kv_heads), [&](size_t task, int) {
    const size_t p = task / static_cast<size_t>(spec.kv_heads), head = task % static_cast<size_t>(spec.kv_heads);
    const int64_t place = static_cast<int64_t>(head) * packed + key_start_[p];
    const auto start = [&](const HeadView<const T>& x) {
      return x.rows.row(batch.start[p]) + x.heads.at(static_cast<int64_t>(head));
    };
    kernels_.pack_keys(start(k), k.rows.stride, batch.length(p), spec.head_dim, keys + place * spec.head_dim);
    if (v)
      kernels_.pack_values(start(*v), v->rows.stride, batch.length(p), spec.head_dim, values + place * value_stride);
  });
}

template <class T>
AttentionBlock<T> Attention<T>::block_of(const AttentionSpec& spec, const Batch& batch, HeadView<const T> q,
                                         size_t prompt, Worker& mine) {
  const int64_t packed = key_start_.back(), value_stride = kernels_.value_stride(spec.head_dim);
  AttentionBlock<T> block{.spec = &spec, .rounding = rounding_, .q = q, .first_row = batch.start[prompt]};
  block.length = batch.length(prompt);
  block.keys = keys_.at_least(0) + key_start_[prompt] * spec.head_dim;
  block.keys_head_stride = packed * spec.head_dim;
  block.values_head_stride = packed * value_stride;
  block.queries = mine.queries.at_least(kQueryBlock * spec.head_dim);
  block.scores = mine.scores.at_least(keys_in_blocks(spec, block.length) * kQueryBlock);
  block.state = mine.state.at_least(kQueryBlock);
  return block;
}

// Block sums become the prompt's, block after block.
template <class T>
void Attention<T>::reduce(const AttentionSpec& spec, const Batch& batch, const AttentionStats& stats) const {
  const auto heads = static_cast<size_t>(spec.heads);
  double* const wanted[] = {stats.diagonal, stats.off_diagonal, stats.entropy};
  for (size_t which = 0; which < 3; ++which) {
    if (!wanted[which]) continue;
    for (size_t p = 0; p < batch.prompts(); ++p)
      std::fill_n(wanted[which] + static_cast<int64_t>(p) * stats.stride, heads, 0.0);
    for (size_t t = 0; t < tasks_.size(); ++t) {
      double* of_prompt = wanted[which] + static_cast<int64_t>(tasks_[t].prompt) * stats.stride;
      for (size_t h = 0; h < heads; ++h) of_prompt[h] += block_sums_[(t * 3 + which) * heads + h];
    }
  }
  if (stats.overlap) {
    const size_t pairs = pairs_of(heads);
    for (size_t p = 0; p < batch.prompts(); ++p)
      std::fill_n(stats.overlap + static_cast<int64_t>(p) * stats.overlap_stride, pairs, 0.0);
    for (size_t t = 0; t < tasks_.size(); ++t) {
      double* of_prompt = stats.overlap + static_cast<int64_t>(tasks_[t].prompt) * stats.overlap_stride;
      for (size_t pair = 0; pair < pairs; ++pair) of_prompt[pair] += overlaps_[t * pairs + pair];
    }
  }
  if (!stats.rounded_sum) return;
  for (size_t p = 0; p < batch.prompts(); ++p) {
    float sum = 0;
    for (int64_t i = batch.start[p]; i < batch.start[p + 1]; ++i) sum += rounded_rows_[static_cast<size_t>(i)];
    stats.rounded_sum[static_cast<int64_t>(p) * stats.rounded_stride] = sum;
  }
}

template <class T>
Result<void> Attention<T>::operator()(const AttentionSpec& spec, const Batch& batch, HeadView<const T> q,
                                      HeadView<const T> k, HeadView<const T> v, bool last_rows_only, View<T> out,
                                      const AttentionStats& stats) {
  LSTAR_TRY(check(spec, batch, last_rows_only, out));
  pack(spec, batch, k, &v);
  tasks_.clear();
  const bool wants_sums = stats.diagonal || stats.off_diagonal || stats.entropy || stats.rounded_sum || stats.overlap;
  for (size_t p = 0; p < batch.prompts(); ++p) {
    for (int64_t begin = 0; begin < batch.length(p); begin += kQueryBlock) {
      const int64_t end = std::min(begin + kQueryBlock, batch.length(p));
      if (wants_sums || !last_rows_only || end == batch.length(p)) tasks_.push_back({p, begin, end});
    }
  }
  const auto heads = static_cast<size_t>(spec.heads);
  block_sums_.assign(tasks_.size() * 3 * heads, 0);
  if (stats.overlap) overlaps_.assign(tasks_.size() * pairs_of(heads), 0);
  if (stats.rounded_sum) rounded_rows_.resize(static_cast<size_t>(batch.rows()));

  const int64_t value_stride = kernels_.value_stride(spec.head_dim);
  const T* values = values_.at_least(0);
  pool_.for_each(tasks_.size(), [&](size_t index, int worker) {
    const size_t t =
        tasks_.size() - 1 - index;  // late rows may see more keys: they go first, so that no worker waits long
    const Task& task = tasks_[t];
    const int64_t first_row = batch.start[task.prompt], last = batch.length(task.prompt) - 1;
    Worker& mine = workers_[worker];
    AttentionBlock<T> block = block_of(spec, batch, q, task.prompt, mine);
    block.values = values + key_start_[task.prompt] * value_stride;
    block.wants_entropy = stats.entropy != nullptr;
    block.diagonal = block_sums_.data() + t * 3 * heads;
    block.off_diagonal = block.diagonal + heads;
    block.entropy = block.off_diagonal + heads;
    const int64_t seen = keys_in_blocks(spec, block.length);
    block.sums = mine.sums.at_least(kQueryBlock * value_stride);
    if (stats.rounded_sum) block.mean = mine.mean.at_least(seen * kQueryBlock);
    int64_t together = kQueryBlock;
    if (stats.overlap) {
      together = rows_together(spec.heads, seen, sizeof(T));
      block.overlap = overlaps_.data() + t * pairs_of(heads);
      block.kept_stride = seen * together;
      block.kept = mine.kept.at_least(spec.heads * block.kept_stride);
    }
    for (block.begin = task.begin; block.begin < task.end; block.begin += together) {
      const int64_t end = std::min(task.end, block.begin + together);
      block.rows = end - block.begin;
      if (last_rows_only) {
        block.first_out = end - 1 == last ? block.rows - 1 : block.rows;
        block.out = out.row_range(static_cast<int64_t>(task.prompt), static_cast<int64_t>(task.prompt) + 1);
      } else {
        block.out = out.row_range(first_row + block.begin, first_row + end);
      }
      if (stats.rounded_sum) block.rounded_rows = rounded_rows_.data() + first_row + block.begin;
      kernels_.run(block);
    }
  });
  reduce(spec, batch, stats);
  return {};
}

template <class T>
Result<void> Attention<T>::rows(const AttentionSpec& spec, const Batch& batch, HeadView<const T> q, HeadView<const T> k,
                                size_t streams, const OnAttentionRows<T>& on_rows) {
  LSTAR_TRY(check(spec));
  pack(spec, batch, k, nullptr);
  tasks_.clear();
  for (size_t p = 0; p < batch.prompts(); ++p)
    for (int64_t begin = 0; begin < batch.length(p); begin += kQueryBlock)
      tasks_.push_back({p, begin, std::min(begin + kQueryBlock, batch.length(p))});
  pool_.for_each(std::min(streams, tasks_.size()), [&](size_t stream, int worker) {
    for (size_t t = stream; t < tasks_.size(); t += streams) {
      const Task& task = tasks_[t];
      AttentionBlock<T> block = block_of(spec, batch, q, task.prompt, workers_[worker]);
      block.begin = task.begin;
      block.rows = task.end - task.begin;
      const std::function<void(int, int64_t, View<const T>)> on_head = [&](int head, int64_t key, View<const T> p) {
        on_rows({stream, task.prompt, head, task.begin, key, p});
      };
      block.on_head = &on_head;
      kernels_.run(block);
    }
  });
  return {};
}

template class Attention<float>;
template class Attention<double>;

}  // namespace lstar
