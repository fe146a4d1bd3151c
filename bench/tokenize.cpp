// How fast a text becomes ids, on one thread:  bench_tokenize MODEL OPENINGS [TEXT [IDS]]
// Opens the tokenizer of a folder or .gguf file OPENINGS times, then encodes every line of the file TEXT by itself,
// without special tokens. Prints one JSON object: the seconds of each opening, of encoding, bytes and ids. IDS, if
// named, gets the ids of all lines one after the other, each as four bytes.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lstar/base/atomic_file.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/tokenizer/tokenizer.h"

namespace {

using namespace lstar;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Result<Tokenizer> open(const std::string& path) {
  if (std::filesystem::is_directory(path)) return open_tokenizer({.folder = path});
  LSTAR_ASSIGN(const auto checkpoint, open_checkpoint(path));
  return open_tokenizer(checkpoint->tokenizer());
}

Result<void> run(const std::string& model, int openings, const std::string& text_path, const std::string& ids_path) {
  std::vector<double> opening;
  std::optional<Tokenizer> tokenizer;
  for (int i = 0; i < openings; ++i) {
    tokenizer.reset();
    const auto start = Clock::now();
    LSTAR_ASSIGN(tokenizer, open(model));
    opening.push_back(seconds_since(start));
  }
  std::string text;
  if (!text_path.empty()) {
    LSTAR_ASSIGN(text, read_file(text_path));
  }
  std::vector<int32_t> all;
  double encoding = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const auto start = Clock::now();
    LSTAR_ASSIGN(const auto ids, tokenizer->encode(std::string_view(text).substr(begin, end - begin), false));
    encoding += seconds_since(start);
    all.insert(all.end(), ids.begin(), ids.end());
    begin = end + 1;
  }
  if (!ids_path.empty()) {
    std::FILE* file = std::fopen(ids_path.c_str(), "wb");
    const bool written = file && std::fwrite(all.data(), 4, all.size(), file) == all.size();
    if (!file || std::fclose(file) != 0 || !written) return fail({.what = "could not write", .file = ids_path});
  }
  fmt::print(R"({{"vocabulary": {}, "opening": [{:.6f}], "encoding": {:.4f}, "bytes": {}, "ids": {}}})"
             "\n",
             tokenizer->size(), fmt::join(opening, ", "), encoding, text.size(), all.size());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("bench_tokenize MODEL OPENINGS [TEXT [IDS]]\n", stderr), 2;
  const auto ran = run(argv[1], std::max(1, std::atoi(argv[2])), argc > 3 ? argv[3] : "", argc > 4 ? argv[4] : "");
  if (!ran) return fmt::print(stderr, "{}\n", ran.error().message()), 1;
}
