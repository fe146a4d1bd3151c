// kNumericsVersion says which bits lstar computes. tests/data/numerics.txt has their digests under each version: where
// they change, so must the version, for measurements of the old bits are in people's stores. LSTAR_RECORD=1 adds what
// is not there.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <sstream>

#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/checkpoint/digest.h"
#include "lstar/compute/numerics_version.h"
#include "lstar/study/open_model.h"
#include "tests/support/every_target.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

const std::string kRecorded = testing::source_path("tests/data/numerics.txt");

class Bits {
 public:
  void add(std::span<const double> values) { digest_.update(std::as_bytes(values)); }
  std::string finish() { return digest_.finish().substr(0, 16); }

 private:
  Digest digest_ = Digest::sha256();
};

// What the system's mathematics library answers, which is not ours to number.
std::string of_system() {
  Bits bits;
  for (int i = 0; i < 2000; ++i) {
    const double x = -20 + 0.0201 * i;
    const float f = static_cast<float>(x);
    bits.add(std::vector<double>{std::exp(x), std::sin(x), std::cos(x), std::tanh(x), std::erf(x), std::log(x + 21),
                                 std::pow(10000.0, x / 20), std::exp(f), std::sin(f), std::cos(f), std::tanh(f),
                                 std::erf(f), std::log(f + 21), std::pow(10000.0F, f / 20)});
  }
  return bits.finish();
}

std::string of_measurement(const Measurement& m) {
  Bits bits;
  for (const auto* array : {&m.seen.diagonal, &m.seen.off_diagonal, &m.seen.entropy, &m.seen.overlap})
    bits.add(array->values());
  for (const auto* array : {&m.seen.rounded_sum, &m.seen.residual_norm, &m.seen.output_scale_sq, &m.weights.w_v_head_sq,
                            &m.weights.ov_sq, &m.weights.ov_products})
    bits.add(array->values());
  for (const auto* list :
       {&m.weights.w_v_sq, &m.weights.w_v_cut_sq, &m.weights.w_o_sq, &m.weights.w_v_spectral, &m.weights.w_o_spectral})
    bits.add(*list);
  for (const auto& tokens : m.seen.next_tokens)
    for (const TokenScore& token : tokens) bits.add(std::vector{static_cast<double>(token.id), token.logit});
  return bits.finish();
}

// "VERSION SYSTEM TARGET MODEL DTYPE" -> digest.
std::map<std::string, std::string> recorded() {
  std::map<std::string, std::string> rows;
  std::istringstream lines(read_file(kRecorded).value_or(""));
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with('#')) rows[line.substr(0, line.rfind(' '))] = line.substr(line.rfind(' ') + 1);
  return rows;
}

class NumericsVersion : public testing::OnEveryTarget {};

TEST_P(NumericsVersion, IsOfTheseBits) {
  const auto rows = recorded();
  const std::string of = fmt::format("{} {} {}", kNumericsVersion, of_system(), vector_target_name(GetParam()));
  std::vector<Prompt> prompts(2);
  for (int32_t i = 0; i < 300; ++i) prompts[0].ids.push_back(i * 7 % 50);  // more than a block of keys
  prompts[1].ids = {3, 1, 4, 1, 5, 9, 2, 6};
  std::string added;
  int compared = 0;
  for (const char* model : {"checkpoints/gpt2", "checkpoints/llama", "checkpoints/bloom", "checkpoints/mixtral",
                            "checkpoints/gemma2", "checkpoints/gpt_oss", "gguf/llama-q4_0.gguf"})
    for (const Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16, Dtype::float64}) {
      MeasureOptions options{.wants = Want::diagonal | Want::rounded_sum | Want::entropy | Want::residual_norm |
                                      Want::output_scale | Want::overlap,
                             .next_tokens = 3};
      options.numerics.dtype = dtype;
      const auto measured = measure(testing::source_path(fmt::format("tests/data/{}", model)), prompts, options);
      ASSERT_TRUE(measured) << measured.error().message();
      const std::string key = fmt::format("{} {} {}", of, model, name(dtype)), bits = of_measurement(*measured);
      if (!rows.contains(key)) {
        added += fmt::format("{} {}\n", key, bits);
        continue;
      }
      ++compared;
      EXPECT_EQ(rows.at(key), bits) << key << ": other bits than this version's: raise kNumericsVersion";
    }
  if (added.empty()) return;
  EXPECT_EQ(compared, 0) << "rows are missing:\n" << added;
  if (std::getenv("LSTAR_RECORD"))
    ASSERT_TRUE(write_file(kRecorded, *read_file(kRecorded) + added));
  else
    GTEST_SKIP() << "nothing is recorded of " << of << ", a version, mathematics library or vector target";
}

INSTANTIATE_TEST_SUITE_P(Targets, NumericsVersion, testing::every_target(), testing::target_name);

}  // namespace
}  // namespace lstar
