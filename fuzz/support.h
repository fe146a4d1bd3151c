// What the fuzz targets share: promises that every reader keeps, whatever it is given, and files that live in memory.
// A broken promise ends the program, as a sanitizer's finding does.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"

namespace lstar::fuzz {

inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

inline void require_one_line(const Error& error) {
  const std::string line = error.message();
  if (std::getenv("DBG")) std::fprintf(stderr, "SAID %s\n", line.c_str());
  require(!line.empty() && !error.what.empty(), "an error says what is wrong");
  require(std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 127; }),
          "an error is one line");
  require(line.size() < 4000, "an error is short, whatever it is about");
}

// Whether something was read; if not, the user sees one line that says why.
template <class T>
bool succeeded(const Result<T>& result) {
  if (!result) require_one_line(result.error());
  return result.has_value();
}

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A folder in memory, removed when the program ends as it should.
class MemoryFolder {
 public:
  MemoryFolder() {
    std::string name = "/dev/shm/lstar-fuzz-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr, "a folder can be made");
    path_ = name;
  }
  ~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;

  const std::string& path() const { return path_; }
  void write(const std::string& name, std::string_view content) const {
    const int fd = ::open((path_ + "/" + name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(fd >= 0 && ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()),
            "a file can be written");
    ::close(fd);
  }
  void remove(const std::string& name) const { ::unlink((path_ + "/" + name).c_str()); }

 private:
  std::string path_;
};

// Files of an input in which each begins behind a line "%%%% NAME", written to a folder until the end of the scope.
// What has another name than one of `names` is passed over.
class WrittenFiles {
 public:
  WrittenFiles(const MemoryFolder& folder, std::string_view input, std::span<const std::string_view> names)
      : folder_(folder), names_(names), written_(names.size()) {
    constexpr std::string_view kMark = "%%%% ";
    for (size_t begin = input.find(kMark); begin != input.npos;) {
      const std::string_view rest = input.substr(begin + kMark.size());
      const size_t next = rest.find(kMark);
      const std::string_view part = rest.substr(0, next);
      const size_t line = std::min(part.find('\n'), part.size());
      const auto name = std::find(names.begin(), names.end(), part.substr(0, line));
      if (name != names.end()) {
        folder.write(std::string(*name), part.substr(std::min(line + 1, part.size())));
        written_[static_cast<size_t>(name - names.begin())] = true;
      }
      begin = next == rest.npos ? input.npos : begin + kMark.size() + next;
    }
  }
  ~WrittenFiles() {
    for (size_t i = 0; i < names_.size(); ++i)
      if (written_[i]) folder_.remove(std::string(names_[i]));
  }
  WrittenFiles(const WrittenFiles&) = delete;
  WrittenFiles& operator=(const WrittenFiles&) = delete;

 private:
  const MemoryFolder& folder_;
  std::span<const std::string_view> names_;
  std::vector<bool> written_;
};

// The first and the last row of some tensors, in both widths: the same numbers, from inside the file.
inline void read_rows(const Checkpoint& checkpoint) {
  constexpr size_t kMost = 40;
  const auto tensors = checkpoint.tensors();
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo& tensor = tensors[i];
    require(i == 0 || tensors[i - 1].name < tensor.name, "tensors are sorted, each name once");
    require(checkpoint.find(tensor.name) == &tensor, "a tensor is found by its name");
    for (const int64_t dim : tensor.shape.dims) require(dim >= 0, "no axis is negative");
    const int64_t rows = tensor.shape.rows(), cols = tensor.shape.cols();
    if (i >= kMost || rows == 0 || cols == 0) continue;
    for (const int64_t row : {int64_t{0}, rows - 1}) {
      std::vector<float> narrow(static_cast<size_t>(cols));
      std::vector<double> wide(static_cast<size_t>(cols));
      const auto read = checkpoint.read(tensor, {row, row + 1}, std::span(narrow));
      const auto again = checkpoint.read(tensor, {row, row + 1}, std::span(wide));
      require(succeeded(read) == succeeded(again), "both widths can be read, or none");
      for (size_t c = 0; read && tensor.type != StoredType::float64 && c < wide.size(); ++c)
        require(static_cast<double>(narrow[c]) == wide[c] || (std::isnan(narrow[c]) && std::isnan(wide[c])),
                "both widths hold the same numbers");
    }
    checkpoint.drop(tensor);
  }
}

}  // namespace lstar::fuzz
