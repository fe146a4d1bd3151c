// A model that is open: the centre of the library. Files are mapped, weights found, the tokenizer read, norms of
// weights computed and threads started once, and kept for every measurement that follows. Whoever measures (the command
// line, a study, a sweep) calls the one `measure` below.
//
// Any number of models may be open at once, and each may be used from a thread of its own. Of one model one call runs
// at a time: a second, from another thread or from a callback of the first, is an error. Models that share a WorkerPool
// wait for each other at every step.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lstar/architecture/architecture.h"
#include "lstar/base/steps.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/observe/mean_attention.h"
#include "lstar/observe/observer.h"
#include "lstar/study/measurement.h"
#include "lstar/tokenizer/tokenizer.h"

namespace lstar {

struct Model;
class WorkerPool;

struct MeasureOptions {
  Numerics numerics = {};
  // Want::overlap, which edge_energy alone reads, takes products of weights with it; Want::spectral is of weights
  // alone.
  Wants wants = Want::diagonal | Want::residual_norm | Want::output_scale;  // what estimators and report read
  int next_tokens = 0;                                                      // K likeliest next tokens of each prompt
  // The pass rounds at random (Rounding): of float16, bfloat16 and, in twice the time, float32. Loading rounds to the
  // nearest, and norms of weights are the same. The measurement's backend says it.
  std::optional<uint32_t> rounding_seed = {};
  bool hash_files = true;        // sha256 of the weight files
  std::string hash_memory = {};  // a folder that keeps these hashes (checkpoint_identity.h); empty: none
  OnStep on_step = {};
  OnLayer on_layer = {};
  Observer observer = {};
  OnMeanAttention on_mean_attention = {};  // attention_spectra.h has one
};

struct OpenOptions {
  std::string name = {};                  // as results show it; empty: the path
  int threads = 0;                        // 0: as many as the process may use
  std::shared_ptr<WorkerPool> pool = {};  // these threads instead
  OnStep on_step = {};                    // of opening alone
};

class OpenModel {
 public:
  // A folder or a file (open_checkpoint). Names of a hub are located first (hub/locate_model.h).
  static Result<OpenModel> open(const std::string& path, OpenOptions = {});
  // A checkpoint from anywhere: memory, random numbers. Without a tokenizer its own is read, if it has one, when a text
  // is first to be cut.
  static Result<OpenModel> from(std::unique_ptr<Checkpoint>, std::optional<Tokenizer> = {}, OpenOptions = {});
  // The same from a checkpoint whose weights are found already.
  static OpenModel from(Model, std::optional<Tokenizer> = {}, OpenOptions = {});

  OpenModel(OpenModel&&) noexcept;
  OpenModel& operator=(OpenModel&&) noexcept;
  ~OpenModel();

  const std::string& name() const;
  const Architecture& architecture() const;
  const Checkpoint& checkpoint() const;
  // What was assumed, and what is in the checkpoint and not read: one line each.
  const std::vector<std::string>& warnings() const;
  // With the weights: for what is built on the layers above study/ (forward, weight_norms).
  const Model& model() const;

  // Read when it is first asked for. Lives as long as this.
  Result<const Tokenizer*> tokenizer();

  // Computed when they are first asked for, and kept for each dtype. `w_v_cut_sq` is there with HeadLayout::thirds, the
  // largest singular values with `spectral`. Lives as long as this.
  Result<const WeightNorms*> norms(Dtype, HeadLayout = HeadLayout::actual, bool spectral = false,
                                   const OnStep& on_step = {});

  // What measure() knows before it computes anything: the prompts as token ids, each with its row or its error, who the
  // checkpoint is, and all warnings. Observations and norms are empty.
  Result<Measurement> prepare(const std::vector<Prompt>&, const MeasureOptions& = {});

  // Tokenizes, runs all prompts together and takes the norms that belong to them. A prompt that cannot be run says so
  // in its MeasuredPrompt; the call fails only if the model cannot be run at all. The files are looked at again
  // afterwards: a change is an error, whatever else came of it.
  Result<Measurement> measure(const std::vector<Prompt>&, const MeasureOptions& = {});

 private:
  struct State;
  explicit OpenModel(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

// Opens, measures once and closes. Safe from several threads.
Result<Measurement> measure(const std::string& path, const std::vector<Prompt>&, const MeasureOptions& = {},
                            OpenOptions = {});

}  // namespace lstar
