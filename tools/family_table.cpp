// Prints the table of docs/families.md: the registry, and for each family how far float32 is from what `transformers`
// computes in float64, at worst over its recorded checkpoints. `make families` puts it into the document.
#include <cstdio>
#include <map>

#include <fmt/format.h>

#include "lstar/architecture/family.h"
#include "tests/support/recorded_model.h"

namespace lstar {
namespace {

// The largest relative difference among values that are at least 1e-3 of the largest.
double worst_difference(const std::vector<double>& ours, const std::vector<double>& reference) {
  double scale = 0, worst = 0;
  for (double value : reference) scale = std::max(scale, std::fabs(value));
  for (size_t i = 0; i < reference.size() && i < ours.size(); ++i)
    if (std::fabs(reference[i]) >= 1e-3 * scale && scale > 0)
      worst = std::max(worst, std::fabs(ours[i] - reference[i]) / std::fabs(reference[i]));
  return worst;
}

double worst_difference(const Model& model, const JsonDocument& expected) {
  const std::vector<Json> prompts = testing::items(expected.root(), "prompts");
  const auto backend = make_cpu_backend<float>(Dtype::float32, 2);
  Observation seen;
  if (!forward(model, testing::batch_of(prompts), {.wants = testing::kAll}, *backend, seen)) return NAN;
  double worst = 0;
  const auto compare = [&](const std::vector<double>& ours, Json prompt, const char* key) {
    worst = std::max(worst, worst_difference(ours, testing::numbers(prompt, key)));
  };
  for (size_t p = 0; p < prompts.size(); ++p) {
    compare(testing::slice(seen.diagonal, p), prompts[p], "diagonal_sum_per_head");
    compare(testing::slice(seen.off_diagonal, p), prompts[p], "off_diagonal_sum_per_head");
    compare(testing::slice(seen.entropy, p), prompts[p], "entropy_per_head");
    compare({seen.residual_norm[p].begin(), seen.residual_norm[p].end()}, prompts[p], "residual_norm");
  }
  return worst;
}

int print() {
  struct Proof {
    int checkpoints = 0;
    double worst = 0;
  };
  std::map<std::string, Proof> proofs;
  for (const std::string& name : testing::recorded_checkpoints()) {
    const std::string folder = testing::source_path("tests/data/checkpoints/" + name);
    const auto model = open_model(folder);
    const auto expected = JsonDocument::read(folder + "/expected.json");
    if (!model || !expected) {
      fmt::print(stderr, "{}\n", (model ? expected.error() : model.error()).message());
      return 1;
    }
    Proof& proof = proofs[model->architecture.family];
    ++proof.checkpoints;
    proof.worst = std::max(proof.worst, worst_difference(*model, *expected));
  }
  fmt::print("| `model_type` | GGUF architecture | checkpoints, for example | recorded | float32, at worst |\n");
  fmt::print("| --- | --- | --- | --- | --- |\n");
  for (const Family& family : families()) {
    const Proof& proof = proofs[std::string(family.model_type)];
    fmt::print("| `{}` | {} | {} | {} | {:.0e} |\n", family.model_type,
               family.gguf.empty() ? "–" : fmt::format("`{}`", family.gguf), family.models, proof.checkpoints,
               proof.worst);
  }
  return 0;
}

}  // namespace
}  // namespace lstar

int main() { return lstar::print(); }
