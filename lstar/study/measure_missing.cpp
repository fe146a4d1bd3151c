#include "lstar/study/measure_missing.h"

#include <chrono>
#include <set>
#include <utility>

#include "lstar/analysis/estimators.h"
#include "lstar/compute/backend.h"
#include "lstar/study/store/content.h"

namespace lstar {
namespace {

using Clock = std::chrono::steady_clock;

// What is measured for the store: all that reports may ask for, but for the heads' overlap, which costs more than all
// of it and is measured for who asks.
MeasureOptions for_store(MeasureOptions options) {
  for (const Estimator& estimator : estimators())
    if (!estimator.wants.has(Want::overlap)) options.wants = options.wants | estimator.wants;
  options.numerics.head_layout = HeadLayout::thirds;
  options.hash_files = true;
  return options;
}

// A measurement for the store as one that was asked for.
Measurement as_asked(Measurement m, const MeasureOptions& options) {
  m.numerics = options.numerics;
  if (options.numerics.head_layout == HeadLayout::actual) m.weights.w_v_cut_sq.clear();
  if (!options.wants.has(Want::diagonal)) m.seen.diagonal = m.seen.off_diagonal = {};
  if (!options.wants.has(Want::rounded_sum)) m.seen.rounded_sum = {};
  if (!options.wants.has(Want::output_scale)) m.seen.output_scale_sq = {};
  return m;
}

std::vector<std::vector<int32_t>> ids_of(const Measurement& m) {
  std::vector<std::vector<int32_t>> ids;
  for (const MeasuredPrompt& prompt : m.prompts)
    if (prompt.row) ids.push_back(prompt.ids);
  return ids;
}

class Missing {
 public:
  Missing(OpenModel& model, const std::vector<Prompt>& prompts, const MeasureOptions& options, const KeepOptions& keep)
      : model_(model), prompts_(prompts), options_(options), wide_(for_store(options)), keep_(keep) {}

  Result<KeptMeasurement> run() {
    const Result<bool> found = keep_.again ? Result<bool>(false) : look_up();
    if (found && *found) return std::move(kept_);
    if (!found && !is_of_store_) return fail(found.error());
    if (!found) kept_.kept.fault = found.error();
    return measure_all();
  }

 private:
  // An error of the store's, after which everything is measured without it.
  template <class T>
  T of_store(T outcome) {
    is_of_store_ = !outcome;
    return outcome;
  }

  // Whether the store knew some of it, and what it did not is measured and kept: the result is whole then.
  Result<bool> look_up() {
    LSTAR_ASSIGN(const bool is_empty, of_store(keep_.store->is_empty()));
    if (is_empty) return false;  // so that files are hashed beside the pass
    LSTAR_ASSIGN(Measurement prepared, model_.prepare(prompts_, wide_));
    LSTAR_ASSIGN(kept_.key, key_of(prepared));
    const std::vector<std::vector<int32_t>> ids = ids_of(prepared);
    LSTAR_ASSIGN(const Known known,
                 of_store(keep_.store->known(kept_.key, HeadLayout::thirds, ids, wide_.wants, wide_.next_tokens)));
    kept_.kept.asked = ids.size();
    kept_.kept.known = known.count();
    if (kept_.kept.asked == 0 || (kept_.kept.known == 0 && !known.weights)) return false;
    if (!known.all()) {
      const auto began = Clock::now();
      LSTAR_ASSIGN(const Measurement measured, model_.measure(missing_of(prepared, known), wide_));
      LSTAR_TRY(of_store(put(measured, began)));
    }
    LSTAR_ASSIGN(Measurement read, of_store(keep_.store->read(kept_.key, HeadLayout::thirds, prepared.prompts,
                                                              wide_.wants, wide_.next_tokens)));
    read.identity = std::move(prepared.identity);
    read.warnings = std::move(prepared.warnings);
    kept_.measurement = as_asked(std::move(read), options_);
    return true;
  }

  Result<KeptMeasurement> measure_all() {
    const auto began = Clock::now();
    LSTAR_ASSIGN(Measurement measured, model_.measure(prompts_, wide_));
    kept_.kept.asked = ids_of(measured).size();
    kept_.kept.known = 0;
    if (kept_.kept.asked > 0 && !kept_.kept.fault) {
      LSTAR_ASSIGN(kept_.key, key_of(measured));
      if (auto stored = put(measured, began); !stored) kept_.kept.fault = std::move(stored).error();
    }
    if (kept_.kept.fault) kept_.key = {};
    kept_.measurement = as_asked(std::move(measured), options_);
    return std::move(kept_);
  }

  Result<StoreKey> key_of(const Measurement& m) const {
    std::string content = keep_.content;
    if (content.empty()) {
      LSTAR_ASSIGN(content, content_of(model_.checkpoint(), m.identity.files));
    }
    const Dtype dtype = options_.numerics.dtype;
    const Rounding rounding = options_.rounding_seed ? Rounding(dtype, *options_.rounding_seed) : Rounding(dtype);
    return StoreKey{.content = std::move(content), .dtype = dtype, .backend = cpu_description(rounding)};
  }

  // The prompts that ran and are not known, each once.
  static std::vector<Prompt> missing_of(const Measurement& prepared, const Known& known) {
    std::vector<Prompt> missing;
    std::set<std::vector<int32_t>> taken;
    size_t row = 0;
    for (const MeasuredPrompt& prompt : prepared.prompts)
      if (prompt.row && !known.prompts[row++] && taken.insert(prompt.ids).second)
        missing.push_back({.text = prompt.text, .ids = prompt.ids});
    return missing;
  }

  Result<void> put(const Measurement& measured, Clock::time_point began) {
    Provenance provenance = keep_.provenance;
    provenance.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    return keep_.store->put(kept_.key, measured, provenance);
  }

  OpenModel& model_;
  const std::vector<Prompt>& prompts_;
  const MeasureOptions& options_;
  const MeasureOptions wide_;
  const KeepOptions& keep_;
  KeptMeasurement kept_;
  bool is_of_store_ = false;
};

}  // namespace

Result<KeptMeasurement> measure_missing(OpenModel& model, const std::vector<Prompt>& prompts,
                                        const MeasureOptions& options, const KeepOptions& keep) {
  return Missing(model, prompts, options, keep).run();
}

}  // namespace lstar
