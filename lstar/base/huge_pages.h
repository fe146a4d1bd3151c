// Tables of megabytes that are read at random. The kernel hands out memory in pages of 4 KB, at a microsecond or two
// each on a virtual machine, and the processor's list of pages misses nearly every read. Where the system has pages of
// 2 MB, these vectors ask for them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace lstar {

template <class T>
struct HugePageAllocator {
  using value_type = T;
  static constexpr size_t kPage = size_t{1} << 21;

  HugePageAllocator() = default;
  template <class U>
  HugePageAllocator(const HugePageAllocator<U>&) {}

  T* allocate(size_t count) {
    if (count > static_cast<size_t>(-1) / 2 / sizeof(T)) throw std::bad_array_new_length();
    const size_t bytes = count * sizeof(T), whole = (bytes + kPage - 1) / kPage * kPage;
    if (bytes < kPage) return static_cast<T*>(::operator new(bytes));
    void* memory = ::operator new(whole, std::align_val_t(kPage));
    ::madvise(memory, whole, MADV_HUGEPAGE);
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t count) {
    if (count * sizeof(T) < kPage)
      ::operator delete(memory);
    else
      ::operator delete(memory, std::align_val_t(kPage));
  }

  friend bool operator==(const HugePageAllocator&, const HugePageAllocator&) { return true; }
};

template <class T>
using HugeVector = std::vector<T, HugePageAllocator<T>>;

}  // namespace lstar
