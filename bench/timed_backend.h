// A backend that passes every call on to another and adds up the seconds that each kind of call takes. The calls are
// coarse, a few a layer, so reading the clock costs nothing that could be seen.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "lstar/compute/backend.h"

namespace lstar::bench {

template <class T>
class TimedBackend : public Backend<T> {
 public:
  explicit TimedBackend(Backend<T>& inner) : inner_(inner) {}

  const std::map<std::string, double>& seconds() const { return seconds_; }
  void reset() { seconds_.clear(); }

  Result<void> embed(const Checkpoint& checkpoint, const TensorInfo& table, std::span<const int32_t> ids,
                     View<T> y) override {
    return timed("embed", [&] { return inner_.embed(checkpoint, table, ids, y); });
  }
  Result<void> linear(const Checkpoint& checkpoint, const LinearRef& linear, View<const T> x, View<T> y) override {
    return timed("linear", [&] { return inner_.linear(checkpoint, linear, x, y); });
  }
  Result<void> norm(const Checkpoint& checkpoint, const NormRef& norm, View<const T> x, View<T> y) override {
    return timed("norm", [&] { return inner_.norm(checkpoint, norm, x, y); });
  }
  Result<void> norm_heads(const Checkpoint& checkpoint, const NormRef& norm, int heads, int width,
                          HeadView<T> x) override {
    return timed("norm", [&] { return inner_.norm_heads(checkpoint, norm, heads, width, x); });
  }
  void rotate(const RotarySpec& spec, std::span<const int32_t> positions, HeadView<T> x) override {
    timed("rotate", [&] { inner_.rotate(spec, positions, x); });
  }
  Result<void> attention(const AttentionSpec& spec, const Batch& batch, HeadView<const T> q, HeadView<const T> k,
                         HeadView<const T> v, bool last_rows_only, View<T> out, const AttentionStats& stats) override {
    return timed("attention", [&] { return inner_.attention(spec, batch, q, k, v, last_rows_only, out, stats); });
  }
  Result<void> attention_rows(const AttentionSpec& spec, const Batch& batch, HeadView<const T> q, HeadView<const T> k,
                              size_t streams, const OnAttentionRows<T>& on_rows) override {
    return timed("attention rows", [&] { return inner_.attention_rows(spec, batch, q, k, streams, on_rows); });
  }
  void activate(Activation activation, View<T> x) override {
    timed("activate", [&] { inner_.activate(activation, x); });
  }
  void multiply(View<T> x, View<const T> y) override {
    timed("add", [&] { inner_.multiply(x, y); });
  }
  void add(View<T> x, View<const T> y) override {
    timed("add", [&] { inner_.add(x, y); });
  }
  void add_rows(View<T> y, std::span<const RowShare> shares, View<const T> x) override {
    timed("add", [&] { inner_.add_rows(y, shares, x); });
  }
  void scale(View<T> x, double factor) override {
    timed("add", [&] { inner_.scale(x, factor); });
  }
  void shift(View<T> x, double by) override {
    timed("add", [&] { inner_.shift(x, by); });
  }
  void clamp(View<T> x, double low, double high) override {
    timed("add", [&] { inner_.clamp(x, low, high); });
  }
  void row_norms(View<const T> x, std::span<double> norms) override {
    timed("row norms", [&] { inner_.row_norms(x, norms); });
  }
  void drop(const Checkpoint& c, std::span<const LinearRef* const> linears) override {
    timed("pages given back", [&] { inner_.drop(c, linears); });
  }
  Dtype dtype() const override { return inner_.dtype(); }
  std::string description() const override { return inner_.description(); }

 private:
  class Stopwatch {
   public:
    explicit Stopwatch(double& total) : total_(total) {}
    ~Stopwatch() { total_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

   private:
    double& total_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  };

  template <class F>
  auto timed(const char* call, const F& f) {
    const Stopwatch watch(seconds_[call]);
    return f();
  }

  Backend<T>& inner_;
  std::map<std::string, double> seconds_;
};

}  // namespace lstar::bench
