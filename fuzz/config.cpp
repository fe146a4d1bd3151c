// A config.json: as it stands, and as if it were another family's. The checkpoint begins empty and gets the tensors
// that binding asks for, one by one, as long as the model is small; what is complete then runs.
#include <functional>

#include "fuzz/made_up.h"
#include "fuzz/pass.h"
#include "lstar/architecture/family.h"
#include "lstar/base/json.h"
#include "lstar/base/worker_pool.h"
#include "lstar/model/forward.h"
#include "lstar/model/weight_norms.h"

namespace lstar::fuzz {
namespace {

// A whole pass over made-up numbers, once everything that binding asks for is there.
void run_pass(std::unique_ptr<MadeUp> checkpoint) {
  const auto model = open_model(std::move(checkpoint));
  if (!succeeded(model)) return;
  const Architecture& a = model->architecture;
  Batch batch;
  for (const int tokens : {5, 1}) {
    std::vector<int32_t> ids;
    for (int i = 0; i < tokens; ++i) ids.push_back(i % a.vocab);
    if (!succeeded(check_prompt(a, ids))) continue;
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    batch.start.push_back(static_cast<int64_t>(batch.ids.size()));
  }
  static const auto pool = std::make_shared<WorkerPool>(1);
  const auto norms = weight_norms(*model, {.head_layout = HeadLayout::thirds, .spectral = true}, *pool);
  if (succeeded(norms)) require_fitting(a, *norms);
  static const auto backend = make_cpu_backend<float>(Dtype::bfloat16, pool);
  PassOptions pass{.wants = kEverything};
  if (model->weights.output) {
    pass.wants = pass.wants | Want::next_token;
    pass.next_tokens = 3;
  }
  Observation seen;
  if (succeeded(forward(*model, batch, pass, *backend, seen)))
    require_fitting(a, seen, batch.prompts(), static_cast<size_t>(pass.next_tokens));
}

void bind_all(const Architecture& a, Configuration config, const char* format) {
  const int64_t experts = a.experts.count, norms = a.head_norm_of_each ? a.heads : 1;
  const bool is_small = a.layers <= 2 && experts <= 4 && norms <= 8;
  auto checkpoint = std::make_unique<MadeUp>(config, format);
  constexpr int64_t kMostElements = 1 << 14;
  if (complete(a, *checkpoint, is_small ? 100 : 2) && checkpoint->elements() <= kMostElements)
    run_pass(std::move(checkpoint));
}

void read(Configuration config) {
  for (const char* format : {"safetensors", "gguf"}) {
    const auto a = read_architecture(MadeUp(config, format));
    if (!succeeded(a)) continue;
    require(a->layers >= 1 && a->hidden >= 1 && a->heads >= 1 && a->kv_heads >= 1 && a->head_dim >= 1 && a->mlp >= 0 &&
                a->vocab >= 1,
            "sizes are positive");
    require(a->heads % a->kv_heads == 0, "heads are shared evenly");
    require(a->plan.size() == static_cast<size_t>(a->layers), "there is a plan for each layer");
    bind_all(*a, config, format);
  }
}

void run(std::string_view text) {
  const auto document = JsonDocument::parse(text, "memory/config.json");
  if (!succeeded(document) || !document->root().is_object()) return;
  read(Configuration(document->root()));

  // The same with the name of a family that the text itself chooses.
  std::string other(text);
  constexpr std::string_view kKey = "\"model_type\"";
  const size_t key = other.find(kKey), open = key == other.npos ? key : other.find('"', key + kKey.size());
  const size_t close = open == other.npos ? open : other.find('"', open + 1);
  if (close == other.npos) return;
  const size_t choice = std::hash<std::string_view>()(text) % families().size();
  other.replace(open + 1, close - open - 1, families()[choice].model_type);
  const auto renamed = JsonDocument::parse(other, "memory/config.json");
  if (succeeded(renamed) && renamed->root().is_object()) read(Configuration(renamed->root()));
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
