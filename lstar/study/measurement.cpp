#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <map>

#include <fmt/core.h>

#include "lstar/base/catch_memory.h"
#include "lstar/base/worker_pool.h"
#include "lstar/model/forward.h"
#include "lstar/model/weight_norms.h"
#include "lstar/study/measurement.h"
#include "lstar/tokenizer/tokenizer.h"

namespace lstar {
namespace {

std::string stored_dtypes(const Checkpoint& checkpoint) {
  std::map<std::string, int64_t> elements;
  for (const TensorInfo& tensor : checkpoint.tensors())
    if (info(tensor.type).is_weight) elements[std::string(info(tensor.type).name)] += tensor.shape.elements();
  if (elements.size() == 1) return elements.begin()->first;
  std::string names;
  for (const auto& [name, count] : elements) names += (names.empty() ? "mixed: " : ", ") + name;
  return names;
}

// Tokenizes and checks every prompt; those that can run get a row and go into the batch.
Result<void> prepare(const Model& model, const std::vector<Prompt>& prompts, std::optional<Tokenizer>& tokenizer,
                     Measurement& m, Batch& batch) {
  const Architecture& a = model.architecture;
  for (const Prompt& prompt : prompts) {
    MeasuredPrompt measured{.text = prompt.text, .ids = prompt.ids, .row = {}, .error = {}, .id = prompt.id};
    if (prompt.ids.empty() && prompt.text) {
      if (!tokenizer) {
        LSTAR_ASSIGN(tokenizer, open_tokenizer(model.checkpoint->tokenizer()));
        m.warnings.insert(m.warnings.end(), tokenizer->warnings().begin(), tokenizer->warnings().end());
      }
      if (auto ids = tokenizer->encode(*prompt.text))
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
        m.warnings.push_back(fmt::format("prompt {} has {} tokens; the model was trained on at most {}",
                                         m.prompts.size() + 1, measured.ids.size(), a.max_positions));
    }
    m.prompts.push_back(std::move(measured));
  }
  return {};
}

template <class T>
Result<void> run(const Model& model, const Batch& batch, const MeasureOptions& options,
                 std::shared_ptr<WorkerPool> pool, Measurement& m) {
  const auto backend = make_cpu_backend<T>(options.numerics.dtype, std::move(pool));
  PassOptions pass;
  pass.wants = options.wants;
  if (options.next_tokens > 0 && model.weights.output) {
    pass.wants = pass.wants | Want::next_token;
    pass.next_tokens = options.next_tokens;
  }
  pass.progress = options.progress;
  LSTAR_TRY(forward(model, batch, pass, *backend, m.seen));
  m.backend = backend->description();
  return {};
}

bool has_nan(const Measurement& m) {
  const auto any = [](const std::vector<double>& values) {
    return std::any_of(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  };
  for (const auto& scores : m.seen.next_tokens)
    for (const TokenScore& score : scores)
      if (!std::isfinite(score.logit)) return true;
  return any(m.seen.off_diagonal.values()) || any(m.seen.residual_norm.values()) || any(m.weights.w_v_sq) ||
         any(m.weights.ov_sq.values());
}

}  // namespace

Identity identity_of(const std::string& name, const Checkpoint& checkpoint) {
  return {.model = name,
          .path = checkpoint.path(),
          .revision = checkpoint.revision(),
          .format = checkpoint.format(),
          .files = {},
          .stored_dtype = stored_dtypes(checkpoint)};
}

Result<void> refuse_warnings(const std::vector<std::string>& warnings, const std::string& model) {
  if (warnings.empty()) return {};
  const std::string others = warnings.size() > 1 ? fmt::format(" and {} more", warnings.size() - 1) : "";
  return fail({.kind = ErrorKind::unsupported,
               .what = fmt::format("{} (a warning{}, refused by strict)", warnings[0], others),
               .file = model});
}

namespace {

// The hashes of a checkpoint's files, found beside everything else, or after it where no thread can be had: one
// thread's work, of which a study's second run has none. Given up where nobody asks for them: an error need not wait.
class Hashes {
 public:
  Hashes(const Checkpoint& checkpoint, const std::string& memory)
      : found_(std::async(std::launch::async | std::launch::deferred,
                          [&checkpoint, memory, this] { return identify(checkpoint, memory, &stop_); })) {}
  ~Hashes() { stop_ = true; }
  Result<std::vector<FileIdentity>> get() { return found_.get(); }

 private:
  std::atomic<bool> stop_ = false;
  std::future<Result<std::vector<FileIdentity>>> found_;  // destroyed first, which waits for the thread
};

Result<Measurement> measure_opened(const std::string& name, const Model& model, const std::vector<Prompt>& prompts,
                                   const MeasureOptions& options) {
  const Architecture& a = model.architecture;
  std::optional<Hashes> hashes;
  if (options.hash_files) hashes.emplace(*model.checkpoint, options.hash_memory);

  Measurement m;
  m.identity = identity_of(name, *model.checkpoint);
  m.shape = {a.family,           a.notebook_name,
             a.layers,           a.heads,
             a.kv_heads,         a.head_dim,
             a.hidden,           a.causal,
             a.has(Role::sinks), a.has(Role::attention_output_norm)};
  m.numerics = options.numerics;
  m.warnings = model.warnings;

  // Norms of weights need no tokens: a large vocabulary, one thread's work, is opened beside them, and closed.
  std::optional<Tokenizer> tokenizer;
  Batch batch;
  const auto pool = options.pool ? options.pool : std::make_shared<WorkerPool>(options.threads);
  LSTAR_ASSIGN(m.weights,
               weight_norms(model, {.dtype = options.numerics.dtype, .head_layout = options.numerics.head_layout},
                            *pool, [&]() -> Result<void> {
                              LSTAR_TRY(prepare(model, prompts, tokenizer, m, batch));
                              if (options.next_tokens == 0) tokenizer.reset();
                              return {};
                            }));
  if (options.next_tokens > 0 && !model.weights.output)
    m.warnings.push_back("no next tokens: " + model.weights.output.error().message());
  if (batch.prompts() == 0) return m;
  if (options.numerics.dtype == Dtype::float64)
    LSTAR_TRY(run<double>(model, batch, options, pool, m));
  else
    LSTAR_TRY(run<float>(model, batch, options, pool, m));

  // A NaN or an infinity is either the checkpoint's fault, which is named, or an overflow of the run's dtype, which
  // leaves a broken trace for the detectors to report.
  if (has_nan(m)) LSTAR_TRY(check_finite(model));
  if (options.next_tokens > 0) {
    if (!tokenizer)
      if (auto opened = open_tokenizer(model.checkpoint->tokenizer()))
        tokenizer = std::move(*opened);
      else if (opened.error().kind == ErrorKind::memory)
        return fail(std::move(opened).error());
    for (const auto& scores : m.seen.next_tokens) {
      std::vector<std::string> pieces;
      if (tokenizer)
        for (const TokenScore& score : scores) pieces.push_back(tokenizer->decode(std::span(&score.id, 1)));
      m.next_pieces.push_back(std::move(pieces));
    }
  }
  if (hashes) {
    LSTAR_ASSIGN(m.identity.files, hashes->get());
  }
  return m;
}

}  // namespace

Result<Measurement> measure(const std::string& name, const std::string& path, const std::vector<Prompt>& prompts,
                            const MeasureOptions& options) {
  return catch_memory("measuring the model: fewer or shorter prompts take less", path, [&]() -> Result<Measurement> {
    LSTAR_ASSIGN(const Model model, open_model(path));
    Result<Measurement> measured = measure_opened(name, model, prompts, options);
    LSTAR_TRY(check_unchanged(*model.checkpoint));  // before whatever else came of it
    return measured;
  });
}

}  // namespace lstar
