#include "lstar/tokenizer/pipeline/regex.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <new>
#include <span>
#include <vector>

#include <fmt/core.h>
#include <oniguruma.h>

#include "lstar/base/catch_memory.h"
#include "lstar/tokenizer/pipeline/unicode_ranges.h"

namespace lstar {
namespace {

constexpr size_t kLongestPattern = 1 << 16;  // bytes; a published pattern has some hundreds

// Patterns that call themselves (\\g<name>) go on without going back, so that nothing else counts them.
constexpr unsigned long kMostCalls = 1 << 14;

const UChar* bytes(const char* text) { return reinterpret_cast<const UChar*>(text); }

std::string message(int code, const OnigErrorInfo* info) {
  UChar text[ONIG_MAX_ERROR_MESSAGE_LEN];
  // The reader of the message takes `info` as a variadic argument, and only where the code uses it.
  const int length = info ? onig_error_code_to_str(text, code, info) : onig_error_code_to_str(text, code);
  return std::string(reinterpret_cast<const char*>(text), static_cast<size_t>(length));
}

// A property of ours takes precedence over the library's own of the same name, in every pattern of the process.
void define_property(const char* name, std::span<const CodePointRange> ranges, std::vector<OnigCodePoint>& storage) {
  storage.assign(1, static_cast<OnigCodePoint>(ranges.size()));
  for (const CodePointRange& range : ranges) storage.insert(storage.end(), {range.first, range.last});
  if (onig_unicode_define_user_property(name, storage.data()) == ONIGERR_MEMORY) throw std::bad_alloc();
}

void initialize() {
  static std::once_flag once;
  std::call_once(once, [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    onig_initialize(encodings, 1);
    onig_set_subexp_call_limit_in_search(kMostCalls);
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
    return fail({.kind = ErrorKind::unsupported,
                 .what = "pattern too long",
                 .expected = fmt::format("at most {} bytes", kLongestPattern),
                 .found = fmt::format("{}", pattern.size())});
  Regex regex;
  regex_t* compiled = nullptr;
  OnigErrorInfo info;
  const UChar* begin = bytes(pattern.data());
  const int code = onig_new(&compiled, begin, begin + pattern.size(), ONIG_OPTION_NONE, ONIG_ENCODING_UTF8,
                            ONIG_SYNTAX_DEFAULT, &info);
  if (code == ONIGERR_MEMORY) return fail(out_of_memory("compiling a pattern"));
  if (code != ONIG_NORMAL) return fail({.what = "pattern is not valid", .found = message(code, &info)});
  regex.regex_.reset(compiled);
  return regex;
}

namespace {

constexpr uint64_t kRetriesAUnit = 16;
constexpr unsigned long kFewRetries = 512;  // of a search: a published pattern seldom goes back more than ten times

constexpr int kGaveUp = ONIGERR_RETRY_LIMIT_IN_SEARCH_OVER;

// One search after the other in one text, each thread with its own memory for them.
struct Searcher {
  OnigRegion* region = onig_region_new();
  OnigMatchParam* limits = onig_new_match_param();
  Searcher() {
    if (!region || !limits) throw std::bad_alloc();
    onig_initialize_match_param(limits);
  }
  ~Searcher() {
    onig_region_free(region, 1);
    onig_free_match_param(limits);
  }
  Searcher(const Searcher&) = delete;
  Searcher& operator=(const Searcher&) = delete;

  // Goes back at most `retries` times. From what a look-ahead passes over it does not go back, but has to remember its
  // way all the same: places to go back to are counted too.
  int search(regex_t* regex, std::string_view text, size_t from, unsigned long retries) const {
    onig_set_retry_limit_in_search_of_match_param(limits, retries);
    onig_set_retry_limit_in_match_of_match_param(limits, retries);
    constexpr size_t kPlacesARetry = 1;
    constexpr size_t kPlacesAByte = 16, kFewPlaces = 1 << 16;  // what the longest match of a pattern may need
    const size_t most = std::min<size_t>(kPlacesAByte * text.size() + kFewPlaces, INT32_MAX);
    onig_set_match_stack_limit_size_of_match_param(
        limits, static_cast<unsigned>(std::min<size_t>(kPlacesARetry * retries, most)));
    const UChar* begin = bytes(text.data());
    const UChar* end = begin + text.size();
    const int at = onig_search_with_param(regex, begin, end, begin + from, end, region, ONIG_OPTION_NONE, limits);
    return at == ONIGERR_RETRY_LIMIT_IN_MATCH_OVER || at == ONIGERR_MATCH_STACK_LIMIT_OVER ? kGaveUp : at;
  }

  // The same with as many as the budget pays for. What a search took it does not say, so that it is tried with four
  // times more until it ends, and each try is paid for. To look far for a match is honest work, which the text that is
  // passed over pays for many times.
  int search(regex_t* regex, std::string_view text, size_t from, TextBudget& budget) const {
    int at = kGaveUp;
    for (unsigned long retries = kFewRetries; at == kGaveUp && budget.spend(retries / kRetriesAUnit); retries *= 4)
      at = search(regex, text, from, retries);
    return at;
  }
};

}  // namespace

Result<std::optional<Match>> Regex::search(std::string_view text, size_t from, TextBudget& budget) const {
  thread_local const Searcher searcher;
  const int at = searcher.search(regex_.get(), text, from, budget);
  if (at == ONIG_MISMATCH) return std::optional<Match>();
  if (budget.is_spent()) return fail(budget.error());
  if (at == ONIGERR_MEMORY) return fail(out_of_memory("searching a text for a pattern: shorter texts take less"));
  if (at < 0)
    return fail({.kind = ErrorKind::unsupported, .what = "pattern gave up on the text", .found = message(at, nullptr)});
  const OnigRegion& found = *searcher.region;
  return std::optional<Match>(Match{static_cast<size_t>(found.beg[0]), static_cast<size_t>(found.end[0])});
}

}  // namespace lstar
