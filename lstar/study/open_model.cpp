#include "lstar/study/open_model.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <future>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/core.h>

#include "lstar/base/catch_memory.h"
#include "lstar/base/worker_pool.h"
#include "lstar/checkpoint/mapped_file.h"
#include "lstar/model/forward.h"
#include "lstar/model/weight_norms.h"

namespace lstar {
namespace {

constexpr std::string_view kDoing = "measuring the model: fewer or shorter prompts take less";

// One call at a time: held for as long as a call runs.
class Turn {
 public:
  explicit Turn(std::atomic<bool>& taken) : taken_(taken), is_ours_(!taken.exchange(true)) {}
  ~Turn() {
    if (is_ours_) taken_ = false;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  Result<void> check(const std::string& model) const {
    if (is_ours_) return {};
    return fail({.kind = ErrorKind::argument,
                 .what = "is in use: one call at a time, or open it once for each thread",
                 .file = model});
  }

 private:
  std::atomic<bool>& taken_;
  const bool is_ours_;
};

// The hashes of a checkpoint's files, found beside everything else, or after it where no thread can be had: one
// thread's work, of which a study's second run has none. Given up where nobody asks for them: an error need not wait.
class Hashes {
 public:
  Hashes(const Checkpoint& checkpoint, const std::string& memory)
      : found_(std::async(std::launch::async | std::launch::deferred,
                          [&checkpoint, memory, this] { return identify(checkpoint, memory, &watch_); })) {
    for (const MappedFile* file : checkpoint.files()) bytes_ += static_cast<int64_t>(file->size());
  }
  ~Hashes() { watch_.stop = true; }
  Result<std::vector<FileIdentity>> get(Steps& steps) {
    constexpr std::chrono::milliseconds kOften{50};
    while (found_.wait_for(kOften) == std::future_status::timeout)
      LSTAR_TRY(steps.at(Phase::hashing, static_cast<int64_t>(watch_.done.load()), bytes_));
    return found_.get();
  }

 private:
  int64_t bytes_ = 0;
  HashWatch watch_;
  std::future<Result<std::vector<FileIdentity>>> found_;  // destroyed first, which waits for the thread
};

bool has_nan(const Measurement& m) {
  const auto any = [](const std::vector<double>& values) {
    return std::any_of(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  };
  for (const auto& scores : m.seen.next_tokens)
    for (const TokenScore& score : scores)
      if (!std::isfinite(score.logit)) return true;
  return any(m.seen.off_diagonal.values()) || any(m.seen.residual_norm.values()) ||
         any(m.seen.output_scale_sq.values()) || any(m.seen.overlap.values()) || any(m.weights.w_v_sq) ||
         any(m.weights.ov_sq.values());
}

}  // namespace

struct OpenModel::State {
  Model model;
  std::string name;
  std::shared_ptr<WorkerPool> pool;
  std::optional<Tokenizer> tokenizer;
  std::map<std::tuple<Dtype, HeadLayout, bool, bool>, WeightNorms> norms;
  std::map<Dtype, std::unique_ptr<Backend<float>>> backends;
  std::unique_ptr<Backend<double>> backend64;
  std::optional<std::vector<FileIdentity>> files;  // once they were hashed
  std::atomic<bool> taken = false;

  Result<const Tokenizer*> opened_tokenizer() {
    if (!tokenizer) {
      LSTAR_ASSIGN(tokenizer, open_tokenizer(model.checkpoint->tokenizer()));
    }
    return &*tokenizer;
  }

  // `beside` is done on the pool's threads beside the norms, or alone where these are known.
  Result<const WeightNorms*> norms_of(const NormOptions& options, const std::function<Result<void>()>& beside = {}) {
    const std::tuple key(options.dtype, options.head_layout, options.spectral, options.products);
    if (const auto known = norms.find(key); known != norms.end()) {
      if (beside) LSTAR_TRY(beside());
      return &known->second;
    }
    LSTAR_ASSIGN(WeightNorms computed, weight_norms(model, options, *pool, beside));
    return &norms.emplace(key, std::move(computed)).first->second;
  }

  Measurement begun(const MeasureOptions& options) const;
  Result<void> add_prompts(const std::vector<Prompt>& prompts, const MeasureOptions& options, Steps& steps,
                           Measurement& m, Batch& batch);
  Result<Measurement> prepare(const std::vector<Prompt>& prompts, const MeasureOptions& options);
  template <class T>
  Result<void> run(Backend<T>& backend, const Batch& batch, const MeasureOptions& options, Steps& steps,
                   Measurement& m) const;
  Result<void> run(const Batch& batch, const MeasureOptions& options, Steps& steps, Measurement& m);
  Result<Measurement> measure(const std::vector<Prompt>& prompts, const MeasureOptions& options);
};

// A measurement of nothing yet.
Measurement OpenModel::State::begun(const MeasureOptions& options) const {
  const Architecture& a = model.architecture;
  Measurement m;
  m.identity = identity_of(name, *model.checkpoint);
  m.shape = {a.family,           a.notebook_name,
             a.layers,           a.heads,
             a.kv_heads,         a.head_dim,
             a.hidden,           a.causal,
             a.has(Role::sinks), a.has(Role::attention_output_norm)};
  m.weights.has_output_norm = m.shape.has_output_norm;
  m.numerics = options.numerics;
  m.warnings = model.warnings;
  return m;
}

// Tokenizes and checks every prompt; those that can run get a row and go into the batch.
Result<void> OpenModel::State::add_prompts(const std::vector<Prompt>& prompts, const MeasureOptions& options,
                                           Steps& steps, Measurement& m, Batch& batch) {
  const Architecture& a = model.architecture;
  const auto count = static_cast<int64_t>(prompts.size());
  bool has_texts = false;
  std::vector<std::string> warnings;
  for (const Prompt& prompt : prompts) {
    LSTAR_TRY(steps.at(Phase::tokenizing, static_cast<int64_t>(m.prompts.size()), count));
    MeasuredPrompt measured{.text = prompt.text, .ids = prompt.ids, .row = {}, .error = {}, .id = prompt.id};
    if (prompt.ids.empty() && prompt.text) {
      LSTAR_ASSIGN(const Tokenizer* cutter, opened_tokenizer());
      has_texts = true;
      if (auto ids = cutter->encode(*prompt.text))
        measured.ids = std::move(*ids);
      else
        measured.error = ids.error();
    }
    if (!measured.error)
      if (auto good = check_prompt(a, measured.ids); !good) measured.error = std::move(good).error();
    if (!measured.error) {
      measured.row = batch.prompts();
      batch.ids.insert(batch.ids.end(), measured.ids.begin(), measured.ids.end());
      batch.start.push_back(static_cast<int64_t>(batch.ids.size()));
      if (static_cast<int64_t>(measured.ids.size()) > a.max_positions)
        warnings.push_back(fmt::format("prompt {} has {} tokens; the model was trained on at most {}",
                                       m.prompts.size() + 1, measured.ids.size(), a.max_positions));
    }
    m.prompts.push_back(std::move(measured));
  }
  if (has_texts) m.warnings.insert(m.warnings.end(), tokenizer->warnings().begin(), tokenizer->warnings().end());
  m.warnings.insert(m.warnings.end(), warnings.begin(), warnings.end());
  if (options.next_tokens > 0 && !model.weights.output)
    m.warnings.push_back("no next tokens: " + model.weights.output.error().message());
  return steps.at(Phase::tokenizing, count, count);
}

Result<Measurement> OpenModel::State::prepare(const std::vector<Prompt>& prompts, const MeasureOptions& options) {
  Steps steps(options.on_step);
  std::optional<Hashes> hashes;
  if (options.hash_files && !files) hashes.emplace(*model.checkpoint, options.hash_memory);
  Measurement m = begun(options);
  Batch batch;
  LSTAR_TRY(add_prompts(prompts, options, steps, m, batch));
  if (hashes) {
    LSTAR_ASSIGN(files, hashes->get(steps));
  }
  if (options.hash_files) m.identity.files = *files;
  return m;
}

template <class T>
Result<void> OpenModel::State::run(Backend<T>& backend, const Batch& batch, const MeasureOptions& options, Steps& steps,
                                   Measurement& m) const {
  PassOptions pass{.wants = options.wants,
                   .steps = &steps,
                   .on_layer = options.on_layer,
                   .observer = options.observer,
                   .on_mean_attention = options.on_mean_attention};
  if (options.next_tokens > 0 && model.weights.output) {
    pass.wants = pass.wants | Want::next_token;
    pass.next_tokens = options.next_tokens;
  }
  LSTAR_TRY(forward(model, batch, pass, backend, m.seen));
  m.backend = backend.description();
  return {};
}

Result<void> OpenModel::State::run(const Batch& batch, const MeasureOptions& options, Steps& steps, Measurement& m) {
  const Dtype dtype = options.numerics.dtype;
  if (const auto seed = options.rounding_seed) {
    if (dtype == Dtype::float64)
      return fail({.kind = ErrorKind::argument,
                   .what = "float64 cannot be rounded at random: there is nothing wider to round from",
                   .file = name});
    const Rounding rounding(dtype, *seed);
    if (dtype == Dtype::float32) return run(*make_cpu_backend<double>(rounding, pool), batch, options, steps, m);
    return run(*make_cpu_backend<float>(rounding, pool), batch, options, steps, m);
  }
  if (dtype == Dtype::float64) {
    if (!backend64) backend64 = make_cpu_backend<double>(dtype, pool);
    return run(*backend64, batch, options, steps, m);
  }
  auto& backend = backends[dtype];
  if (!backend) backend = make_cpu_backend<float>(dtype, pool);
  return run(*backend, batch, options, steps, m);
}

Result<Measurement> OpenModel::State::measure(const std::vector<Prompt>& prompts, const MeasureOptions& options) {
  Steps steps(options.on_step);
  std::optional<Hashes> hashes;
  if (options.hash_files && !files) hashes.emplace(*model.checkpoint, options.hash_memory);

  // Norms of weights need no tokens: a large vocabulary, one thread's work, is read beside them.
  Measurement m = begun(options);
  Batch batch;
  LSTAR_ASSIGN(const WeightNorms* computed, norms_of({.dtype = options.numerics.dtype,
                                                      .head_layout = options.numerics.head_layout,
                                                      .spectral = options.wants.has(Want::spectral),
                                                      .products = options.wants.has(Want::overlap),
                                                      .steps = &steps},
                                                     [&] { return add_prompts(prompts, options, steps, m, batch); }));
  m.weights = *computed;
  if (batch.prompts() == 0) return m;
  LSTAR_TRY(run(batch, options, steps, m));

  // A NaN or an infinity is either the checkpoint's fault, which is named, or an overflow of the run's dtype, which
  // leaves a broken trace for the detectors to report.
  if (has_nan(m)) LSTAR_TRY(check_finite(model));
  if (options.next_tokens > 0) {
    const auto decoder = opened_tokenizer();
    if (!decoder && decoder.error().kind == ErrorKind::memory) return fail(decoder.error());
    for (const auto& scores : m.seen.next_tokens) {
      std::vector<std::string> pieces;
      if (decoder)
        for (const TokenScore& score : scores) pieces.push_back((*decoder)->decode(std::span(&score.id, 1)));
      m.next_pieces.push_back(std::move(pieces));
    }
  }
  if (hashes) {
    LSTAR_ASSIGN(files, hashes->get(steps));
  }
  if (options.hash_files) m.identity.files = *files;
  return m;
}

OpenModel::OpenModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpenModel::OpenModel(OpenModel&&) noexcept = default;
OpenModel& OpenModel::operator=(OpenModel&&) noexcept = default;
OpenModel::~OpenModel() = default;

OpenModel OpenModel::from(Model model, std::optional<Tokenizer> tokenizer, OpenOptions options) {
  auto state = std::make_unique<State>();
  state->name = std::move(options.name);
  if (state->name.empty()) state->name = model.checkpoint->path();
  state->model = std::move(model);
  state->tokenizer = std::move(tokenizer);
  state->pool = options.pool ? std::move(options.pool) : std::make_shared<WorkerPool>(options.threads);
  return OpenModel(std::move(state));
}

Result<OpenModel> OpenModel::from(std::unique_ptr<Checkpoint> checkpoint, std::optional<Tokenizer> tokenizer,
                                  OpenOptions options) {
  return catch_memory("opening the model", [&]() -> Result<OpenModel> {
    LSTAR_ASSIGN(Model model, open_model(std::move(checkpoint)));
    return from(std::move(model), std::move(tokenizer), std::move(options));
  });
}

Result<OpenModel> OpenModel::open(const std::string& path, OpenOptions options) {
  return catch_memory("opening the model", path, [&]() -> Result<OpenModel> {
    Steps steps(options.on_step);
    LSTAR_TRY(steps.at(Phase::opening, 0, 1, path));
    LSTAR_ASSIGN(Model model, open_model(path));
    LSTAR_TRY(steps.at(Phase::opening, 1, 1, path));
    return from(std::move(model), {}, std::move(options));
  });
}

const std::string& OpenModel::name() const { return state_->name; }
const Architecture& OpenModel::architecture() const { return state_->model.architecture; }
const Checkpoint& OpenModel::checkpoint() const { return *state_->model.checkpoint; }
const std::vector<std::string>& OpenModel::warnings() const { return state_->model.warnings; }
const Model& OpenModel::model() const { return state_->model; }

Result<const Tokenizer*> OpenModel::tokenizer() {
  const Turn turn(state_->taken);
  LSTAR_TRY(turn.check(state_->name));
  return catch_memory("reading the tokenizer", state_->name, [&] { return state_->opened_tokenizer(); });
}

Result<const WeightNorms*> OpenModel::norms(Dtype dtype, HeadLayout layout, bool spectral, const OnStep& on_step) {
  const Turn turn(state_->taken);
  LSTAR_TRY(turn.check(state_->name));
  return catch_memory(
      "computing the norms of weights: fewer threads take less", state_->name, [&]() -> Result<const WeightNorms*> {
        Steps steps(on_step);
        auto found = state_->norms_of({.dtype = dtype, .head_layout = layout, .spectral = spectral, .steps = &steps});
        LSTAR_TRY(check_unchanged(*state_->model.checkpoint));
        return found;
      });
}

Result<Measurement> OpenModel::prepare(const std::vector<Prompt>& prompts, const MeasureOptions& options) {
  const Turn turn(state_->taken);
  LSTAR_TRY(turn.check(state_->name));
  return catch_memory(kDoing, state_->name, [&]() -> Result<Measurement> {
    Result<Measurement> prepared = state_->prepare(prompts, options);
    LSTAR_TRY(check_unchanged(*state_->model.checkpoint));
    return prepared;
  });
}

Result<Measurement> OpenModel::measure(const std::vector<Prompt>& prompts, const MeasureOptions& options) {
  const Turn turn(state_->taken);
  LSTAR_TRY(turn.check(state_->name));
  return catch_memory(kDoing, state_->name, [&]() -> Result<Measurement> {
    Result<Measurement> measured = state_->measure(prompts, options);
    LSTAR_TRY(check_unchanged(*state_->model.checkpoint));  // before whatever else came of it
    return measured;
  });
}

Result<Measurement> measure(const std::string& path, const std::vector<Prompt>& prompts, const MeasureOptions& options,
                            OpenOptions open) {
  LSTAR_ASSIGN(OpenModel model, OpenModel::open(path, std::move(open)));
  return model.measure(prompts, options);
}

}  // namespace lstar
