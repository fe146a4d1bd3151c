#include "lstar/cli/asked_run.h"

#include <algorithm>
#include <utility>

#include "lstar/base/atomic_file.h"
#include "lstar/report/json/study_json.h"
#include "lstar/study/evaluate_run.h"

namespace lstar::cli {
namespace {

tl::unexpected<Error> refused(std::string what, std::string file, std::string at = {}) {
  return fail({.kind = ErrorKind::argument, .what = std::move(what), .file = std::move(file), .at = std::move(at)});
}

// What a RESULT says and no lstar run wrote.
tl::unexpected<Error> not_of_a_run(const NamedRun& named, std::string what, std::string at, std::string found) {
  constexpr size_t kMost = 80;
  return fail({.what = std::move(what), .file = named.place, .at = std::move(at), .found = found.substr(0, kMost)});
}

Result<AskedRun> of_given(const NamedRun& named, GivenRun given) {
  if (!given.result) {
    if (!named.store.empty())
      return refused("is for the JSON of a result; this is a store, or a folder with one", named.place, "--store");
    return AskedRun{.store = given.store, .digits = named.run, .result = {}};
  }
  if (!named.run.empty()) return refused("the JSON of a result names its run itself", named.place, "--run");
  const std::string digest = given.result->run.value.value_or("");
  if (!given.result->run.is_there)
    return fail({.kind = ErrorKind::missing,
                 .what = "of a version of lstar that did not write which run it is; a STORE with --run does",
                 .file = named.place});
  if (digest.empty())
    return refused("its measurements were not kept: lstar run with --out or --store keeps them", named.place);
  constexpr size_t kDigits = 64;
  if (digest.size() != kDigits || digest.find_first_not_of("0123456789abcdef") != digest.npos)
    return not_of_a_run(named, "not the digest of a run", "key run", digest);
  if (!named.store.empty()) return AskedRun{named.store, digest, std::move(given.result)};
  const size_t slash = named.place.rfind('/');
  std::string store = store_in(slash == std::string::npos ? "." : named.place.substr(0, std::max<size_t>(slash, 1)));
  if (!file_exists(store))
    return fail({.kind = ErrorKind::missing,
                 .what = "no store beside the result; --store says where its measurements are",
                 .file = std::move(store)});
  return AskedRun{std::move(store), digest, std::move(given.result)};
}

// Whether a JSON has L* by what is asked, as it stands.
bool has(const ResultFile& result, const std::string& estimator, const std::string& detector) {
  if (!detector.empty() && result.detector.value != detector) return false;
  return estimator.empty() || std::any_of(result.summaries.begin(), result.summaries.end(),
                                          [&](const ReportedSummary& s) { return s.estimator == estimator; });
}

Result<ResultFile> numbers_of(const NamedRun& named) {
  LSTAR_ASSIGN(GivenRun given, read_given(named.place));
  const auto& estimators = named.analysis.estimators;
  if (given.result && has(*given.result, estimators.empty() ? "" : estimators[0], named.analysis.detector))
    return *std::move(given.result);
  LSTAR_ASSIGN(const AskedRun asked, of_given(named, std::move(given)));
  LSTAR_ASSIGN(Store store, Store::open(asked.store));
  LSTAR_ASSIGN(const StoredRun run, store.find_run(asked.digits));
  LSTAR_ASSIGN(const Study study, questions(run.study, asked.result, named));
  LSTAR_ASSIGN(auto models, evaluate_models(store, run, study));
  LSTAR_ASSIGN(const StudyResult result, evaluate_run(run, study, std::move(models), timestamp_of(run)));
  return parse_result(study_json_text(result), named.place);
}

}  // namespace

Result<AskedRun> asked_run(const NamedRun& named) {
  LSTAR_ASSIGN(GivenRun given, read_given(named.place));
  return of_given(named, std::move(given));
}

Result<Study> questions(Study study, const std::optional<ResultFile>& result, const NamedRun& named) {
  if (result) {
    study.estimators = result->estimators.value.value_or(study.estimators);
    study.detector = result->detector.value.value_or(study.detector);
    study.formula = result->formula.value.value_or(study.formula);
    study.seed = result->seed.value.value_or(study.seed);
    const auto layout = parse_head_layout(result->head_layout.value.value_or(""));
    if (!layout && result->head_layout.value)
      return not_of_a_run(named, "unknown head layout", "key head_layout", *result->head_layout.value);
    study.head_layout = layout.value_or(study.head_layout);
    if (auto known = check(study); !known) {  // before the command line's, so that the fault is the file's
      known.error().kind = ErrorKind::malformed;
      return fail(std::move(known).error().in(named.place));
    }
  }
  named.analysis.put_into(study);
  study.head_layout = parse_head_layout(named.head_layout).value_or(study.head_layout);
  LSTAR_TRY(check(study));
  return study;
}

Result<std::vector<ResultFile>> read_results(const std::vector<std::string>& places, const std::string& estimator,
                                             const std::string& detector) {
  std::vector<ResultFile> results;
  for (const std::string& place : places) {
    NamedRun named{.place = place};
    if (!estimator.empty()) named.analysis.estimators = {estimator};
    named.analysis.detector = detector;
    LSTAR_ASSIGN(ResultFile result, numbers_of(named));
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace lstar::cli
