#include "lstar/study/measure_controls.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "lstar/architecture/llama_cpp.h"
#include "lstar/architecture/untrained_twin.h"
#include "lstar/study/measure_missing.h"
#include "lstar/study/prompts.h"
#include "lstar/study/store/record.h"

namespace lstar {
namespace {

// The prompts that ran, in the order of their rows.
std::vector<Prompt> ids_of_rows(const Measurement& m) {
  std::vector<Prompt> prompts;
  for (const MeasuredPrompt& prompt : m.prompts)
    if (prompt.row) prompts.push_back({.text = {}, .ids = prompt.ids});
  return prompts;
}

// The model's own, where its configuration names one that it has.
std::optional<int32_t> begin_token(const OpenModel& model) {
  const Configuration config = model.checkpoint().configuration();
  std::optional<int64_t> id = config.integer("bos_token_id");
  for (const char* part : {"text_config", "llm_config", "language_config"})
    if (const auto inner = config.find(part); !id && inner) id = inner->integer("bos_token_id");
  if (!id && model.checkpoint().format() == "gguf") id = config.integer(llama_cpp_key("bos_token_id"));
  if (!id || *id < 0 || *id >= model.architecture().vocab) return std::nullopt;
  return static_cast<int32_t>(*id);
}

// Each prompt's own tokens, without those that a tokenizer adds.
Result<std::vector<std::vector<int32_t>>> tokens_of(OpenModel& model, const std::vector<Prompt>& prompts) {
  std::vector<std::vector<int32_t>> all;
  for (const Prompt& prompt : prompts) {
    if (prompt.ids.empty() && prompt.text) {
      LSTAR_ASSIGN(const Tokenizer* tokenizer, model.tokenizer());
      if (auto ids = tokenizer->encode(*prompt.text, false)) all.push_back(*std::move(ids));
    } else {
      all.push_back(prompt.ids);
    }
  }
  return all;
}

class Controls {
 public:
  Controls(OpenModel& model, const Study& study, const Measurement& own, const std::string& content,
           const MeasureOptions& measuring, const RunOptions& options, std::shared_ptr<WorkerPool> pool)
      : model_(model),
        study_(study),
        own_(own),
        content_(content),
        measuring_(measuring),
        options_(options),
        pool_(std::move(pool)) {
    measuring_.hash_files = options.hash_files;
    measuring_.wants = wants_of(study.estimators);
  }

  Result<std::vector<MeasuredControl>> run() {
    const ControlWishes& wishes = study_.controls;
    const std::vector<Prompt> prompts = ids_of_rows(own_);
    if (wishes.shadow) {
      MeasureOptions shadow = measuring_;
      shadow.numerics.dtype = *wishes.shadow;
      LSTAR_TRY(add({ControlKind::shadow, 0, false}, measure(model_, prompts, shadow, options_.keep)));
    }
    for (int seed = 0; seed < wishes.mca; ++seed) {
      MeasureOptions random = measuring_;
      random.rounding_seed = static_cast<uint32_t>(seed);
      LSTAR_TRY(add({ControlKind::mca, seed, false}, measure(model_, prompts, random, options_.keep)));
    }
    for (int seed = 0; seed < wishes.untrained; ++seed) {
      const auto number = static_cast<uint64_t>(seed);
      OpenModel twin = OpenModel::from(untrained_twin(model_.model(), number), {}, {.pool = pool_});
      KeepOptions keep = options_.keep;
      keep.content = hex_of(sha256_bytes(fmt::format("untrained twin, seed {}, of {}", seed, content_)));
      LSTAR_TRY(add({ControlKind::untrained, seed, false}, measure(twin, prompts, measuring_, keep)));
    }
    if (wishes.lengths.empty()) return std::move(controls_);
    const auto cuts = length_cuts(model_, study_);
    if (!cuts) {
      for (const int tokens : wishes.lengths) LSTAR_TRY(add({ControlKind::length, tokens, false}, fail(cuts.error())));
      return std::move(controls_);
    }
    for (const LengthCut& cut : *cuts)
      LSTAR_TRY(add({ControlKind::length, cut.tokens, cut.has_begin},
                    measure(model_, cut.prompts, measuring_, options_.keep)));
    return std::move(controls_);
  }

 private:
  // Keeps its key beside it.
  Result<Measurement> measure(OpenModel& model, const std::vector<Prompt>& prompts, const MeasureOptions& measuring,
                              const KeepOptions& keep) {
    key_ = {};
    if (!keep.store) return model.measure(prompts, measuring);
    LSTAR_ASSIGN(KeptMeasurement found, measure_missing(model, prompts, measuring, keep));
    found.kept.is_control = true;
    if (options_.kept) options_.kept(found.kept);
    key_ = std::move(found.key);
    return std::move(found.measurement);
  }

  Result<void> add(Control control, Result<Measurement> measured) {
    if (!measured && (measured.error().kind == ErrorKind::memory || measured.error().kind == ErrorKind::cancelled))
      return fail(std::move(measured).error());
    if (measured) measured->warnings.clear();  // the model's own, said already
    controls_.push_back({{control, std::move(measured)}, std::move(key_)});
    return {};
  }

  OpenModel& model_;
  const Study& study_;
  const Measurement& own_;
  const std::string& content_;
  MeasureOptions measuring_;
  const RunOptions& options_;
  std::shared_ptr<WorkerPool> pool_;
  StoreKey key_;
  std::vector<MeasuredControl> controls_;
};

}  // namespace

Result<std::vector<LengthCut>> length_cuts(OpenModel& model, const Study& study) {
  const std::vector<int>& lengths = study.controls.lengths;
  if (lengths.empty()) return std::vector<LengthCut>{};
  const auto longest = static_cast<size_t>(*std::max_element(lengths.begin(), lengths.end()));
  LSTAR_ASSIGN(auto texts, tokens_of(model, study.prompts));
  std::erase_if(texts, [&](const auto& ids) { return ids.size() < longest; });
  if (texts.empty()) {
    constexpr size_t kTexts = 8;  // enough to see whether they agree
    LSTAR_ASSIGN(const std::vector<Prompt> passages, prompt_set("passage"));
    LSTAR_ASSIGN(texts, tokens_of(model, passages));
    std::erase_if(texts, [&](const auto& ids) { return ids.size() < longest; });
    if (texts.size() > kTexts) texts.resize(kTexts);
  }
  if (texts.empty())
    return fail({.kind = ErrorKind::argument,
                 .what = fmt::format("no text of {} tokens to cut from: --prompts with longer ones", longest),
                 .file = model.name()});
  const std::optional<int32_t> begin = begin_token(model);
  std::vector<LengthCut> cuts;
  for (const int tokens : lengths)
    for (const bool has_begin : {false, true}) {
      if (has_begin && !begin) continue;
      LengthCut cut{.tokens = tokens, .has_begin = has_begin, .prompts = {}};
      for (const std::vector<int32_t>& ids : texts) {
        Prompt prompt;
        if (has_begin) prompt.ids.push_back(*begin);
        for (size_t i = 0; prompt.ids.size() < static_cast<size_t>(tokens); ++i) prompt.ids.push_back(ids[i]);
        cut.prompts.push_back(std::move(prompt));
      }
      cuts.push_back(std::move(cut));
    }
  return cuts;
}

Result<std::vector<MeasuredControl>> measure_controls(OpenModel& model, const Study& study, const Measurement& own,
                                                      const std::string& content, const MeasureOptions& measuring,
                                                      const RunOptions& options,
                                                      const std::shared_ptr<WorkerPool>& pool) {
  return Controls(model, study, own, content, measuring, options, pool).run();
}

}  // namespace lstar
