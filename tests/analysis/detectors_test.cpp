#include "lstar/analysis/detectors.h"

#include <random>

#include <gmock/gmock.h>

#include "tests/analysis/recorded.h"

namespace lstar {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Detection find(std::string_view detector, const std::vector<double>& trace, const std::vector<double>& floor = {},
               NanPolicy policy = NanPolicy::report) {
  return detect(*find_detector(detector), trace, floor, policy);
}

std::vector<double> random_trace(size_t layers, std::mt19937_64& random) {
  std::vector<double> trace(layers);
  for (double& t : trace) t = static_cast<double>(random() % 1000003);
  return trace;
}

// Every answer of numpy, exactly: these are integers.
TEST(Detectors, AnswerAsNumpyDoes) {
  const JsonDocument document = read_json("tests/data/detectors.json");
  size_t cases = 0;
  for (const Json entry : document.root()["cases"].items()) {
    const std::vector<double> trace = numbers(entry["trace"]);
    SCOPED_TRACE(testing::PrintToString(trace));
    EXPECT_EQ(find("argmax_step", trace, {}, NanPolicy::propagate).layer, entry.integer("argmax_step"));
    EXPECT_EQ(find("central_difference", trace, {}, NanPolicy::propagate).layer, entry.integer("central_difference"));
    const Detection turn = find("sign_change", trace, {}, NanPolicy::propagate);
    if (const Json expected = entry["sign_change"]; expected.is_null()) {
      EXPECT_EQ(turn.layer, std::nullopt);
    } else {
      EXPECT_EQ(turn.layer, expected.at(0)->integer());
      EXPECT_EQ(turn.rule, expected.at(1)->string());
    }
    ++cases;
  }
  EXPECT_GT(cases, 200u);
}

// The published L* are those of central_difference on the published off-diagonal traces, NaN included.
TEST(Detectors, FindThePublishedLStar) {
  for (const PublishedTrace& published : published_traces()) {
    SCOPED_TRACE(published.model);
    EXPECT_EQ(find("central_difference", published.off_diagonal, {}, NanPolicy::propagate).layer, published.l_star);
  }
}

TEST(Detectors, DifferOnThePublishedTraces) {
  std::vector<int> steps;
  for (const PublishedTrace& published : published_traces())
    steps.push_back(*find("argmax_step", published.off_diagonal, {}, NanPolicy::propagate).layer);
  EXPECT_THAT(steps, testing::ElementsAre(8, 17, 3, 10, 4, 27));  // numpy's answers
}

TEST(Detectors, ReportABrokenTraceInsteadOfAnLStar) {
  const std::vector<double> trace = published_traces()[5].off_diagonal;  // pythia-2.8b, NaN from layer 27 on
  for (const Detection& found : detect_all(trace, {})) {
    EXPECT_EQ(found.layer, std::nullopt);
    EXPECT_EQ(found.broken_from, 27);
    EXPECT_EQ(found.reason, "NaN from layer 27 on");
    EXPECT_FALSE(found.resolved);
  }
  const Detection audited = find("central_difference", trace, {}, NanPolicy::propagate);
  EXPECT_EQ(audited.layer, 26);
  EXPECT_EQ(audited.broken_from, 27);
  EXPECT_FALSE(audited.resolved);
  EXPECT_EQ(audited.reason, "NaN from layer 27 on");
  // Without its NaN the same detector gives another layer.
  EXPECT_EQ(find("central_difference", {trace.begin(), trace.begin() + 27}).layer, 3);

  EXPECT_EQ(find("argmax_step", {1, 2, INFINITY}).reason, "infinite from layer 2 on");
}

TEST(Detectors, SayWhyThereIsNothingToResolve) {
  EXPECT_EQ(find("argmax_step", {}).reason, "no layers");
  for (const Detection& found : detect_all(std::vector<double>{1, 2}, {})) {
    EXPECT_EQ(found.reason, "two layers have one step") << found.rule;
    EXPECT_TRUE(found.layer) << found.rule;
  }
}

// No layer is one at which these change most. numpy would name one all the same.
TEST(Detectors, NoLStarWhereNothingStandsOut) {
  const std::pair<std::vector<double>, const char*> cases[] = {
      {{5}, "one layer has no steps"},
      {std::vector<double>(12, 0.0), "the trace is zero in every layer"},
      {{0}, "one layer has no steps"},
      {{3, 3}, "the trace does not change"},
      {std::vector<double>(7, 3.0), "all steps are equal"},
      {{1, 2, 3, 4, 5}, "all steps are equal"},
  };
  for (const auto& [flat, reason] : cases) {
    for (const Detection& found : detect_all(flat, {})) {
      EXPECT_EQ(found.layer, std::nullopt) << found.rule;
      EXPECT_EQ(found.margin, std::nullopt) << found.rule;
      EXPECT_FALSE(found.resolved) << found.rule;
      EXPECT_EQ(found.reason, reason) << found.rule;
    }
    for (const Detection& found : detect_all(flat, {}, NanPolicy::propagate)) {
      EXPECT_FALSE(found.resolved) << found.rule;
      EXPECT_NE(found.reason, "") << found.rule;
    }
  }
  EXPECT_EQ(find("argmax_step", std::vector<double>(12, 0.0), {}, NanPolicy::propagate).layer, 1);
}

TEST(Detectors, MarginIsTheRunnerUpsShare) {
  EXPECT_DOUBLE_EQ(*find("argmax_step", {0, 10, 2, 1}).margin, 1 - 8.0 / 10.0);
  EXPECT_DOUBLE_EQ(*find("central_difference", {0, 10, 2, 1}).margin, 1 - 4.5 / 10.0);  // slopes 10 1 -4.5 -1
  EXPECT_EQ(*find("argmax_step", {0, 4, 0, 1}).margin, 0.0);
  EXPECT_EQ(find("sign_change", {0, 10, 2, 1}).margin, std::nullopt);
}

TEST(Detectors, WithoutFloorsOnlyTiesAreUnresolved) {
  EXPECT_TRUE(find("argmax_step", {0, 4, 0.1, 1}).resolved);
  const Detection tied = find("argmax_step", {0, 4, 0, 1});
  EXPECT_EQ(tied.layer, 1);
  EXPECT_FALSE(tied.resolved);
  EXPECT_EQ(tied.reason, "the largest step is tied");
  EXPECT_TRUE(find("sign_change", {0, 1, 0, 0}).resolved);   // the plateau comes after the pair that fired
  EXPECT_FALSE(find("sign_change", {0, 0, 1, 0}).resolved);  // the one before could have been a turn
}

// Steps 10 up and 7 down share layer 1, which is subtracted from itself: their sizes differ by t_2 - t_0 whatever t_1
// is, as long as the steps keep their signs.
TEST(Detectors, ASharedLayerCancels) {
  const std::vector<double> trace{0, 10, 3, 3};
  EXPECT_TRUE(find("argmax_step", trace, {1.4, 4, 1.4, 0}).resolved);   // 3 > 1.4 + 1.4
  EXPECT_FALSE(find("argmax_step", trace, {1.6, 0, 1.6, 0}).resolved);  // 3 < 1.6 + 1.6
  EXPECT_FALSE(find("argmax_step", trace, {0, 9, 0, 0}).resolved);      // 10 - 9 and -7 + 9: the order turns over
}

// Steps 10 up and 7 up share layer 1 with twice its floor.
TEST(Detectors, ASharedLayerAdds) {
  const std::vector<double> trace{0, 10, 17, 17};
  EXPECT_TRUE(find("argmax_step", trace, {0, 1.4, 0, 0}).resolved);
  EXPECT_FALSE(find("argmax_step", trace, {0, 1.6, 0, 0}).resolved);
}

TEST(Detectors, CentralDifferenceHasItsOwnCoefficients) {
  const std::vector<double> trace{0, 0, 10, 20, 20, 23};  // slopes 0 5 10 5 1.5 3: winner (t3 - t1)/2
  // Against (t2 - t0)/2: no shared layer, floor (f0 + f1 + f2 + f3)/2 against 5.
  EXPECT_TRUE(find("central_difference", trace, {0, 0, 9.8, 0, 0, 0}).resolved);
  EXPECT_FALSE(find("central_difference", trace, {0, 0, 10.2, 0, 0, 0}).resolved);
}

TEST(Detectors, SignChangeNeedsEverySignUpToItsPair) {
  const std::vector<double> trace{5, 3, 4, 9, 2, 2};
  EXPECT_EQ(find("sign_change", trace).layer, 3);
  EXPECT_TRUE(find("sign_change", trace, std::vector<double>(6, 0.49)).resolved);
  EXPECT_FALSE(find("sign_change", trace, std::vector<double>(6, 0.51)).resolved);  // the step 3 -> 4
}

// Whatever errors within the floors are added, a resolved L* stays. Floors of one to ten percent of the trace.
TEST(Detectors, AResolvedLStarSurvivesErrorsInsideTheFloor) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> error(-0.999, 0.999);
  int resolved = 0;
  for (int round = 0; round < 300; ++round) {
    const std::vector<double> trace = random_trace(3 + random() % 10, random);
    std::vector<double> floor;
    for (const double t : trace) floor.push_back(t * 0.01 * static_cast<double>(1 + random() % 10));
    for (const Detector& detector : detectors()) {
      const Detection found = detect(detector, trace, floor);
      if (!found.resolved) continue;
      ++resolved;
      for (int draw = 0; draw < 30; ++draw) {
        std::vector<double> moved = trace;
        for (size_t i = 0; i < moved.size(); ++i)
          moved[i] += floor[i] * (draw < 15 ? error(random) : (random() % 2 ? 0.999 : -0.999));
        ASSERT_EQ(detect(detector, moved, {}).layer, found.layer) << detector.name << testing::PrintToString(trace);
      }
    }
  }
  EXPECT_GT(resolved, 100);
}

TEST(Detectors, ScalingLeavesLStarAndAConstantLeavesSteps) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    const std::vector<double> trace = random_trace(1 + random() % 30, random);
    std::vector<double> scaled = trace, shifted = trace;
    for (double& t : scaled) t *= 0x1p-40;  // exact
    for (double& t : shifted) t += 4096;    // exact: integers
    for (const Detector& detector : detectors()) {
      EXPECT_EQ(detect(detector, scaled, {}).layer, detect(detector, trace, {}).layer);
      EXPECT_EQ(detect(detector, shifted, {}).layer, detect(detector, trace, {}).layer);
    }
  }
}

TEST(Detectors, ATraceBelowItsFloorIsNeverResolved) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    const std::vector<double> trace = random_trace(1 + random() % 30, random);
    for (const Detection& found : detect_all(trace, trace)) EXPECT_FALSE(found.resolved) << found.rule;
  }
}

// The largest step leads the second by more than the floor, but a third, known less well, may be larger still.
TEST(Detectors, EveryOtherStepIsARival) {
  EXPECT_TRUE(find("argmax_step", {0, 10, 10, 18, 18, 11}, {0, 0, 0, 0, 0, 0}).resolved);
  EXPECT_FALSE(find("argmax_step", {0, 10, 10, 18, 18, 11}, {0, 0, 0, 0, 0, 4}).resolved);
}

TEST(Detectors, TheLayerAloneIsThatOfDetect) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> trace(random() % 9);
    for (double& t : trace) t = static_cast<double>(random() % 4);  // ties, zeros, equal steps
    if (!trace.empty() && round % 17 == 0) trace[random() % trace.size()] = round % 2 ? kNan : INFINITY;
    for (const Detector& detector : detectors())
      EXPECT_EQ(detect_layer(detector, trace), detect(detector, trace, {}).layer)
          << detector.name << testing::PrintToString(trace);
  }
}

TEST(Detectors, AreFoundByName) {
  for (const Detector& detector : detectors()) EXPECT_EQ(find_detector(detector.name), &detector);
  EXPECT_EQ(find_detector("argmax"), nullptr);
}

}  // namespace
}  // namespace lstar
