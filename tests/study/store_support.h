// Measurements for the tests of the store: real ones of the recorded checkpoints, and one that is made up of everything
// that a number can be.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "lstar/study/open_model.h"
#include "lstar/study/store/database.h"
#include "lstar/study/store/measurement_record.h"
#include "lstar/study/store/store.h"
#include "tests/support/recorded.h"
#include "tests/support/same_measurement.h"
#include "tests/support/study_fixture.h"
#include "tests/support/temporary_folder.h"

namespace lstar::testing {

// What studies ask for, and all that may be asked for.
inline constexpr Wants kOfStudies =
    Want::diagonal | Want::rounded_sum | Want::entropy | Want::residual_norm | Want::output_scale;
inline constexpr Wants kEverything = kOfStudies | Want::overlap;

// Of token ids; an empty list is a prompt that cannot run.
inline std::vector<Prompt> id_prompts(const std::vector<std::vector<int32_t>>& lists) {
  std::vector<Prompt> prompts;
  for (const auto& ids : lists) prompts.push_back({.ids = ids});
  return prompts;
}

inline Measurement measured(const std::string& checkpoint, const std::vector<Prompt>& prompts,
                            const MeasureOptions& options = {.wants = kEverything, .next_tokens = 3}) {
  auto m = measure(source_path("tests/data/checkpoints/" + checkpoint), prompts, options,
                   {.name = checkpoint, .threads = 1});
  EXPECT_TRUE(m) << m.error().message();
  return m ? *std::move(m) : Measurement{};
}

// Every kind of number, a prompt that failed, one of a number for an id, texts in several scripts.
inline Measurement made_up_of_everything() {
  Measurement m =
      made_up_measurement({"org/Modell \xc3\xbc", "lab", "llama", "llama", 2, 3, 1, 1, 2}, Dtype::bfloat16, 2);
  m.identity.revision = std::string(40, 'a');
  m.identity.files.push_back({"b.safetensors", std::numeric_limits<uint64_t>::max(), std::string(64, '0')});
  m.numerics.head_layout = HeadLayout::thirds;
  m.shape.causal = false;
  m.shape.has_sinks = true;
  m.shape.has_output_norm = m.weights.has_output_norm = true;
  const double odd[] = {std::numeric_limits<double>::quiet_NaN(),
                        -std::numeric_limits<double>::quiet_NaN(),
                        std::bit_cast<double>(uint64_t{0x7ff0000000000001}),  // signalling
                        std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::denorm_min(),
                        -0.0,
                        std::numeric_limits<double>::max()};
  size_t next = 0;
  for (size_t row = 0; row < 2; ++row)
    for (size_t l = 0; l < 2; ++l)
      for (size_t h = 0; h < 3; ++h) m.seen.diagonal(row, l, h) = odd[next++ % std::size(odd)];
  m.seen.output_scale_sq = Array2<double>(2, 2);
  m.seen.output_scale_sq(1, 0) = odd[2];
  m.seen.overlap = Array3<double>(2, 2, pairs_of(3), 0.25);
  m.seen.overlap(1, 1, 5) = odd[4];
  m.weights.ov_products = Array2<double>(2, pairs_of(3), -1.5);
  m.seen.next_tokens = {{{7, odd[0]}, {-1, odd[6]}}, {}};
  m.next_pieces = {{"\xe2\x82\xac", std::string("a\0b", 3)}, {}};
  m.weights.w_v_cut_sq = {odd[3], odd[5]};
  m.weights.w_o_sq.clear();
  m.weights.w_v_spectral = {1, 2};
  m.weights.w_o_spectral = {3, 4};
  m.prompts[1].id = PromptId{"12.50", true};
  m.prompts[0].text.reset();
  m.prompts.insert(m.prompts.begin() + 1, {.text = "",
                                           .ids = {},
                                           .row = {},
                                           .error = Error{.kind = ErrorKind::argument,
                                                          .what = "empty",
                                                          .file = "f",
                                                          .at = "prompt 2",
                                                          .expected = "e",
                                                          .found = "g"},
                                           .id = PromptId{"x\ny", false}});
  m.warnings = {"one", "\x1b[31mtwo"};
  m.prompts_read = PromptsRead{.file = "p.csv", .format = "CSV", .count = 3};
  return m;
}

inline StoreKey key_of(const Measurement& m, const std::string& content = std::string(64, 'c')) {
  return {.content = content, .dtype = m.numerics.dtype, .backend = m.backend};
}

inline Provenance made_up_provenance(const std::string& time = "2026-11-29T12:00:00Z") {
  return {.time = time, .command = "lstar run --manifest m.toml", .manifest = "m.toml", .threads = 2, .seconds = 1.5};
}

// The prompts as they would be asked again.
inline std::vector<MeasuredPrompt> asked_again(const Measurement& m) {
  std::vector<MeasuredPrompt> prompts = m.prompts;
  for (MeasuredPrompt& prompt : prompts) prompt.row.reset();
  return prompts;
}

inline std::vector<std::vector<int32_t>> ids_of(const Measurement& m) {
  std::vector<std::vector<int32_t>> ids;
  for (const MeasuredPrompt& prompt : m.prompts)
    if (!prompt.error) ids.push_back(prompt.ids);
  return ids;
}

inline Store opened(const std::string& path, StoreAccess access = StoreAccess::create) {
  auto store = Store::open(path, access);
  EXPECT_TRUE(store) << store.error().message();
  return *std::move(store);
}

}  // namespace lstar::testing
