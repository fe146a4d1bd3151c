#include "lstar/tokenizer/regex.h"

#include <mutex>
#include <span>
#include <vector>

#include <fmt/format.h>
#include <oniguruma.h>

#include "lstar/tokenizer/unicode_ranges.h"

namespace lstar {
namespace {

constexpr size_t kLongestPattern = 1 << 16;  // bytes; a published pattern has some hundreds

const UChar* bytes(const char* text) { return reinterpret_cast<const UChar*>(text); }

std::string message(int code, const OnigErrorInfo* info) {
  UChar text[ONIG_MAX_ERROR_MESSAGE_LEN];
  // The reader of the message takes `info` as a variadic argument, and only where the code uses it.
  const int length = info ? onig_error_code_to_str(text, code, info) : onig_error_code_to_str(text, code);
  return std::string(reinterpret_cast<const char*>(text), static_cast<size_t>(length));
}

// A property of ours takes precedence over the library's own of the same name, in every pattern of the process.
void define_property(const char* name, std::span<const CodePointRange> ranges, std::vector<OnigCodePoint>& storage) {
  storage.push_back(static_cast<OnigCodePoint>(ranges.size()));
  for (const CodePointRange& range : ranges) storage.insert(storage.end(), {range.first, range.last});
  onig_unicode_define_user_property(name, storage.data());
}

void initialize() {
  static std::once_flag once;
  std::call_once(once, [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    onig_initialize(encodings, 1);
    static std::vector<OnigCodePoint> letters, numbers;  // the library keeps pointers to them
    define_property("L", kLetterRanges, letters);
    define_property("N", kNumberRanges, numbers);
  });
}

}  // namespace

void Regex::Free::operator()(re_pattern_buffer* regex) const { onig_free(regex); }

Result<Regex> Regex::compile(std::string_view pattern) {
  initialize();
  if (pattern.size() > kLongestPattern)
    return fail({.what = "pattern too long",
                 .expected = fmt::format("at most {} bytes", kLongestPattern),
                 .found = fmt::format("{}", pattern.size())});
  Regex regex;
  regex_t* compiled = nullptr;
  OnigErrorInfo info;
  const UChar* begin = bytes(pattern.data());
  const int code = onig_new(&compiled, begin, begin + pattern.size(), ONIG_OPTION_NONE, ONIG_ENCODING_UTF8,
                            ONIG_SYNTAX_DEFAULT, &info);
  if (code != ONIG_NORMAL) return fail({.what = "pattern is not valid", .found = message(code, &info)});
  regex.regex_.reset(compiled);
  return regex;
}

Result<std::optional<Match>> Regex::search(std::string_view text, size_t from) const {
  struct Region {
    OnigRegion* region = onig_region_new();
    ~Region() { onig_region_free(region, 1); }
  };
  thread_local const Region found;
  const UChar* begin = bytes(text.data());
  const UChar* end = begin + text.size();
  const int at = onig_search(regex_.get(), begin, end, begin + from, end, found.region, ONIG_OPTION_NONE);
  if (at == ONIG_MISMATCH) return std::optional<Match>();
  if (at < 0) return fail({.what = "pattern gave up on the text", .found = message(at, nullptr)});
  return std::optional<Match>(
      Match{static_cast<size_t>(found.region->beg[0]), static_cast<size_t>(found.region->end[0])});
}

}  // namespace lstar
