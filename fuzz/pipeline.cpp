// A text, a NUL, and the tokenizer.json that it goes through: what a text costs grows with its length, whatever the
// tokenizer says.
#include <ctime>

#include <sanitizer/allocator_interface.h>

#include "fuzz/tokens.h"
#include "lstar/tokenizer/pipeline/pipeline.h"
#include "lstar/tokenizer/pipeline/unicode.h"

namespace lstar::fuzz {
namespace {

// A pipeline that uses its whole budget takes 0.1 s, and 8 s in this build.
constexpr double kSeconds = 20, kSecondsAByte = 1e-3;
constexpr int64_t kBytes = 1 << 20, kBytesAByte = 4096;

// Memory at its most and processor time since the meter was made. One at a time.
class Meter {
 public:
  Meter() : began_(std::clock()) {
    [[maybe_unused]] static const int installed = __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, size_t size) {
          live += static_cast<int64_t>(size);
          most = std::max(most, live);
        },
        [](const volatile void* at) {
          if (at) live -= static_cast<int64_t>(__sanitizer_get_allocated_size(at));
        });
    live = most = 0;
  }
  int64_t bytes() const { return most; }
  double seconds() const { return static_cast<double>(std::clock() - began_) / CLOCKS_PER_SEC; }

 private:
  static inline int64_t live = 0, most = 0;
  std::clock_t began_;
};

void run(std::string_view input) {
  const size_t end = input.find('\0');
  if (end == input.npos) return;
  const std::string_view text = input.substr(0, end);
  auto pipeline = parse_tokenizer_json(input.substr(end + 1), "tokenizer.json");
  if (!succeeded(pipeline) || !succeeded((*pipeline)->finish())) return;
  const auto& around = **pipeline;
  const Tokenizer tokenizer(*pipeline);

  CharacterClasses::get();  // a megabyte once a process, of no text's account
  const Meter meter;
  const auto ids = encode_one(tokenizer, text, false);
  const double seconds = meter.seconds();
  const int64_t bytes = meter.bytes();
  if (std::getenv("LSTAR_METER"))  // what a seed reaches: bytes of text, ids, seconds, bytes of memory
    std::fprintf(stderr, "%zu %zu %.4f %ld\n", text.size(), ids ? ids->size() : 0, seconds, static_cast<long>(bytes));
  require(seconds <= kSeconds + kSecondsAByte * static_cast<double>(text.size()), "time grows with the text");
  require(bytes <= kBytes + kBytesAByte * static_cast<int64_t>(text.size()), "memory grows with the text");
  if (!ids) return;

  // What a pipeline remembers of words changes nothing, and special tokens stand around the same ids.
  const auto again = encode_one(tokenizer, text, true);
  require(again.has_value(), "what could be encoded once can be encoded again");
  std::vector<int32_t> expected = around.prefix;
  expected.insert(expected.end(), ids->begin(), ids->end());
  expected.insert(expected.end(), around.suffix.begin(), around.suffix.end());
  require(*again == expected, "special tokens stand around the ids of the text");
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
