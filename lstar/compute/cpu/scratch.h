// Memory that a backend keeps between calls. It grows to the largest call and is never shrunk, so that a layer loop
// allocates nothing. Not for several threads: each worker has its own.
#pragma once

#include "lstar/base/array.h"

namespace lstar {

template <class T>
class Scratch {
 public:
  // At least `count` elements, 64-byte aligned, of any content. Earlier pointers become invalid.
  T* at_least(int64_t count) {
    if (count > memory_.cols()) memory_ = Matrix<T>(1, count);
    return memory_.data();
  }

 private:
  Matrix<T> memory_;
};

}  // namespace lstar
