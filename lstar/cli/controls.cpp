#include "lstar/cli/controls.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/core.h>

namespace lstar::cli {
namespace {

std::optional<int> count_in(std::string_view text, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > most) return std::nullopt;
  return value;
}

constexpr std::string_view kUntrained = "untrained=";

}  // namespace

void ControlOptions::add_to(CLI::App& app) {
  app.add_option("--controls", controls,
                 "untrained=N: what L* says of N twins of each model with random weights, seeded, on the same prompts")
      ->delimiter(',')
      ->take_all()
      ->allow_extra_args(false)
      ->check(CLI::Validator(
          [](const std::string& given) {
            if (given.starts_with(kUntrained) && count_in(given.substr(kUntrained.size()), kMostSeeds))
              return std::string();
            return fmt::format("expected untrained=N with N from 1 to {}, found {}", kMostSeeds, given);
          },
          "untrained=N"));
  app.add_option(
         "--lengths", lengths,
         "L* by the length of prompts: cuts of longer texts of so many tokens each, with and without the model's "
         "beginning-of-sequence token; of the prompts where they are long enough, else of texts of lstar's own")
      ->delimiter(',')
      ->take_all()
      ->allow_extra_args(false)
      ->check(CLI::Validator(
          [](const std::string& given) {
            if (count_in(given, kLongestCut).value_or(0) >= 2) return std::string();
            return fmt::format("expected numbers of tokens from 2 to {}, found {}", kLongestCut, given);
          },
          "N,N,..."));
  app.add_flag("--shadow{float32},--no-shadow{none}", shadow,
               "The same prompts once more in float32, or =float64: an L* that is another there is not resolved. A "
               "float16 or bfloat16 run has its shadow without being asked")
      ->check(CLI::IsMember({"float32", "float64", "none"}));
  app.add_option("--mca", mca,
                 "Monte Carlo arithmetic: the same prompts N times more, the dtype's rounding up or down at random, "
                 "seeded. An L* that fewer than 95% of them have is not resolved")
      ->check(CLI::Range(1, kMostSeeds).description(""))
      ->option_text("N");
}

void ControlOptions::put_into(Study& study) const {
  ControlWishes& wishes = study.controls;
  if (!shadow.empty()) wishes.shadow = parse_dtype(shadow);  // none is no dtype
  if (shadow.empty() && !wishes.shadow) wishes.shadow = usual_shadow(study.dtype);
  if (mca > 0) wishes.mca = mca;
  for (const std::string& one : controls)
    wishes.untrained = count_in(std::string_view(one).substr(kUntrained.size()), kMostSeeds).value_or(0);
  if (lengths.empty()) return;
  wishes.lengths.clear();
  for (const std::string& one : lengths) wishes.lengths.push_back(*count_in(one, kLongestCut));
  std::sort(wishes.lengths.begin(), wishes.lengths.end());
  wishes.lengths.erase(std::unique(wishes.lengths.begin(), wishes.lengths.end()), wishes.lengths.end());
}

}  // namespace lstar::cli
