#include "lstar/cli/stored_run.h"

#include <sys/stat.h>

#include <fstream>
#include <iomanip>
#include <sstream>
#include <utility>

#include <fmt/chrono.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/file_magic.h"
#include "lstar/study/evaluate_run.h"

namespace lstar::cli {
namespace {

constexpr const char* kStoreName = "measurements.sqlite";
constexpr const char* kStoredTime = "%Y-%m-%dT%H:%M:%SZ";

bool is_database(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;  // a pipe would be waited for
  std::string head(16, '\0');
  std::ifstream(path, std::ios::binary).read(head.data(), static_cast<std::streamsize>(head.size()));
  return has_magic(head, "sqlite");
}

std::optional<std::time_t> parsed(const std::string& stored) {
  std::tm time{};
  std::istringstream in(stored);
  in >> std::get_time(&time, kStoredTime);
  if (in.fail() || in.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
  return ::timegm(&time);
}

}  // namespace

std::string store_in(const std::string& folder) { return folder + "/" + kStoreName; }

std::string timestamp_of(std::time_t time) { return fmt::format("{:%Y%m%d_%H%M%S}", fmt::localtime(time)); }
std::string stored_time_of(std::time_t time) { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(time)); }
std::string timestamp_of(const StoredRun& run) {
  const auto time = parsed(run.provenance.time);
  return time ? timestamp_of(*time) : run.provenance.time;
}

Result<GivenRun> read_given(const std::string& place) {
  struct stat status;
  if (::stat(place.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    std::string store = store_in(place);
    if (file_exists(store)) return GivenRun{.store = std::move(store)};
    return fail({.kind = ErrorKind::missing,
                 .what = fmt::format("no {} in this folder, where lstar run --out keeps what it measured; to take the "
                                     "JSON of a result, name that file",
                                     kStoreName),
                 .file = place});
  }
  if (is_database(place)) return GivenRun{.store = place};
  LSTAR_ASSIGN(ResultFile result, read_result(place));
  return GivenRun{.result = std::move(result)};
}

CLI::Validator run_digits() {
  return CLI::Validator(
      [](const std::string& given) {
        constexpr size_t kLeastDigits = 4, kMostDigits = 64;
        if (given.size() >= kLeastDigits && given.size() <= kMostDigits &&
            given.find_first_not_of("0123456789abcdef") == given.npos)
          return std::string();
        return fmt::format("expected the first 4 digits of a run or more (lstar store list shows them), found {}",
                           given);
      },
      "DIGITS");
}

Result<StudyResult> evaluate_stored(const std::string& file, const std::string& digits) {
  LSTAR_ASSIGN(Store store, Store::open(file));
  LSTAR_ASSIGN(const StoredRun run, store.find_run(digits));
  LSTAR_ASSIGN(auto models, evaluate_models(store, run, run.study));
  return evaluate_run(run, run.study, std::move(models), timestamp_of(run));
}

}  // namespace lstar::cli
