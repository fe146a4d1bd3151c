// Dense arrays and views of them. Arrays own their memory and are sized once; views borrow and are passed by value.
// Index order is the order of the axes in every comment: a(i, j) of "(prompts, layers)" is prompt i, layer j.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace lstar {

// A matrix somebody else owns. Rows may be further apart than they are wide.
template <class T>
struct View {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;  // elements from one row to the next

  T* row(int64_t i) const { return data + i * stride; }
  T& operator()(int64_t i, int64_t j) const { return data[i * stride + j]; }
  View row_range(int64_t begin, int64_t end) const { return {row(begin), end - begin, cols, stride}; }
  View columns(int64_t begin, int64_t end) const { return {data + begin, rows, end - begin, stride}; }
  operator View<const T>() const { return {data, rows, cols, stride}; }
};

// A dense matrix on 64-byte aligned memory, for activations and weight tiles. Not zeroed. Throws std::bad_alloc, as the
// standard containers do (catch_memory.h).
template <class T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(int64_t rows, int64_t cols) : rows_(rows), cols_(cols) {
    const size_t bytes = static_cast<size_t>(rows * cols) * sizeof(T);
    memory_.reset(static_cast<T*>(::operator new((bytes + 63) / 64 * 64 + 64, kAligned)));
  }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  T* data() const { return memory_.get(); }
  View<T> view() const { return {memory_.get(), rows_, cols_, cols_}; }
  // The first `rows` rows, as a dense matrix of `cols` columns over the same memory.
  View<T> view(int64_t rows, int64_t cols) const { return {memory_.get(), rows, cols, cols}; }

 private:
  static constexpr std::align_val_t kAligned{64};
  struct Free {
    void operator()(T* p) const { ::operator delete(p, kAligned); }
  };
  int64_t rows_ = 0, cols_ = 0;
  std::unique_ptr<T[], Free> memory_;
};

template <class T>
class Array2 {
 public:
  Array2() = default;
  Array2(size_t d0, size_t d1, T fill = T{}) : d0_(d0), d1_(d1), values_(d0 * d1, fill) {}
  size_t dim0() const { return d0_; }
  size_t dim1() const { return d1_; }
  bool empty() const { return values_.empty(); }
  T& operator()(size_t i, size_t j) { return values_[i * d1_ + j]; }
  const T& operator()(size_t i, size_t j) const { return values_[i * d1_ + j]; }
  std::span<T> operator[](size_t i) { return {values_.data() + i * d1_, d1_}; }
  std::span<const T> operator[](size_t i) const { return {values_.data() + i * d1_, d1_}; }
  const std::vector<T>& values() const { return values_; }

 private:
  size_t d0_ = 0, d1_ = 0;
  std::vector<T> values_;
};

template <class T>
class Array3 {
 public:
  Array3() = default;
  Array3(size_t d0, size_t d1, size_t d2, T fill = T{}) : d0_(d0), d1_(d1), d2_(d2), values_(d0 * d1 * d2, fill) {}
  size_t dim0() const { return d0_; }
  size_t dim1() const { return d1_; }
  size_t dim2() const { return d2_; }
  bool empty() const { return values_.empty(); }
  T& operator()(size_t i, size_t j, size_t k) { return values_[(i * d1_ + j) * d2_ + k]; }
  const T& operator()(size_t i, size_t j, size_t k) const { return values_[(i * d1_ + j) * d2_ + k]; }
  std::span<T> operator()(size_t i, size_t j) { return {values_.data() + (i * d1_ + j) * d2_, d2_}; }
  std::span<const T> operator()(size_t i, size_t j) const { return {values_.data() + (i * d1_ + j) * d2_, d2_}; }
  const std::vector<T>& values() const { return values_; }

 private:
  size_t d0_ = 0, d1_ = 0, d2_ = 0;
  std::vector<T> values_;
};

}  // namespace lstar
