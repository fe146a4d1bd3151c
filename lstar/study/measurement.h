// A measurement: what was seen of one checkpoint on one set of prompts, and all that is needed to see it again. Only
// measurements are worth storing; traces, L*, tables and verdicts are recomputed from them (lstar/study/study.h).
// Plain data that owns its memory. study/ may include everything above it but cli and report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lstar/architecture/head_layout.h"
#include "lstar/base/dtype.h"
#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint_identity.h"
#include "lstar/observe/observation.h"
#include "lstar/observe/weight_norms.h"

namespace lstar {

class Checkpoint;

// What a file calls a prompt: a text, or a number with the digits that it has there, however many.
struct PromptId {
  std::string text;
  bool is_number = false;

  bool operator==(const PromptId&) const = default;
};

// A prompt as it was asked: a text, or token ids where `ids` is not empty.
struct Prompt {
  std::optional<std::string> text;
  std::vector<int32_t> ids;
  std::optional<PromptId> id;
};

// Where prompts came from, as every report says.
struct PromptsRead {
  std::string file;    // as the user named it; empty where they came from the command line or a manifest's list
  std::string format;  // "CSV, column prompt"; empty without a file
  size_t count = 0;
};

// A prompt as it was run.
struct MeasuredPrompt {
  std::optional<std::string> text;
  std::vector<int32_t> ids;
  std::optional<size_t> row;   // its row in the Observation; none if it failed
  std::optional<Error> error;  // why it could not be run
  std::optional<PromptId> id;
};

// Where all numbers are computed; results say so.
inline constexpr const char* kDevice = "cpu";

// How numbers were computed.
struct Numerics {
  Dtype dtype = Dtype::float32;
  HeadLayout head_layout = HeadLayout::actual;  // as_written's; every other estimator takes the real W_V
};

struct Identity {
  std::string model;  // as the user named it
  std::string path;   // what was opened
  std::optional<std::string> revision;
  std::string format;               // "safetensors", "gguf"
  std::vector<FileIdentity> files;  // weight files with size and sha256; empty where not asked for
  std::string stored_dtype;         // of the weights, e.g. "float16"; "mixed: Q4_1, Q8_0, float32"
};

// The checkpoint as it was opened; files are left empty.
Identity identity_of(const std::string& model, const Checkpoint&);

struct ModelShape {
  std::string family;         // "gpt_neox"
  std::string notebook_name;  // "pythia"
  int layers = 0, heads = 0, kv_heads = 0, head_dim = 0, hidden = 0;
  bool causal = true;            // false: a token sees those behind it too
  bool has_sinks = false;        // rows of probabilities over tokens do not sum to 1
  bool has_output_norm = false;  // a norm follows W_O: any multiple of W_O computes the same (WeightNorms)
};

struct Measurement {
  Identity identity;
  ModelShape shape;
  Numerics numerics;
  std::vector<MeasuredPrompt> prompts;
  Observation seen;  // one row for each prompt that ran
  WeightNorms weights;
  std::vector<std::vector<std::string>> next_pieces;  // texts of seen.next_tokens, where a tokenizer was at hand
  std::string backend;                                // Backend::description()
  std::vector<std::string> warnings;                  // one line each
  std::optional<PromptsRead> prompts_read = {};       // where they came from, if that is known
};

// For callers to whom a warning is an error: the first of them as one.
Result<void> refuse_warnings(const std::vector<std::string>& warnings, const std::string& model);

}  // namespace lstar
