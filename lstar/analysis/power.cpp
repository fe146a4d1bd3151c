#include "lstar/analysis/power.h"

#include <array>
#include <cmath>

#include "lstar/analysis/distributions.h"
#include "lstar/analysis/intervals.h"
#include "lstar/analysis/random.h"

namespace lstar {
namespace {

constexpr double kLevel = 0.05, kPower = 0.8;
constexpr int kStudies = 500;

// From the models' published configurations.
constexpr std::array<KnownShape, 8> kKnownShapes{{{"pythia-70m", 6, 8},
                                                  {"pythia-160m", 12, 12},
                                                  {"pythia-1b", 16, 8},
                                                  {"pythia-410m", 24, 16},
                                                  {"pythia-6.9b", 32, 32},
                                                  {"gpt2-large", 36, 20},
                                                  {"opt-13b", 40, 40},
                                                  {"gpt2-xl", 48, 25}}};

// The t statistics of a growing sample.
class GrowingMean {
 public:
  void add(double value) {
    ++count_;
    const double step = value - mean_;
    mean_ += step / count_;
    squares_ += step * (value - mean_);
  }
  bool beats(double critical) const {
    if (count_ < 2) return false;
    const double error = std::sqrt(squares_ / (count_ - 1) / count_);
    return std::fabs(mean_) > critical * error && mean_ > 0;
  }

 private:
  double count_ = 0, mean_ = 0, squares_ = 0;
};

}  // namespace

std::span<const KnownShape> known_shapes() { return kKnownShapes; }

NoisePower noise_power(std::span<const double> noise, double expected) {
  const double critical = quantile(noise, kLevel);
  return {critical, expected * critical / quantile(noise, kPower)};
}

std::vector<NewModels> models_to_decide(const Formula& formula, std::span<const double> own, double constant,
                                        double scatter, uint64_t seed) {
  std::vector<NewModels> shapes;
  for (const KnownShape& shape : kKnownShapes) {
    const Prediction prediction = predict(formula, shape.layers, shape.heads);
    if (prediction.l_star && in_range(*prediction.l_star, shape.layers))
      shapes.push_back({shape, 100 * std::fabs(*prediction.l_star / shape.layers - constant), {}});
  }
  const size_t most = own.size() + kMostNewModels;
  std::vector<double> critical(most + 1);
  for (size_t n = 2; n <= most; ++n) critical[n] = student_t_quantile(1 - kLevel / 2, static_cast<double>(n) - 1);
  Random random(seed);
  std::vector<double> scattered;
  for (size_t k = 0; k < kStudies * most; ++k)  // the middle of an interval: never 0 or 1
    scattered.push_back(scatter * normal_quantile((static_cast<double>(random.below(1 << 20)) + 0.5) / (1 << 20)));
  // What the constant is further off than the formula, which is off by the scatter alone.
  const auto advantage = [](double differ, double e) { return std::fabs(differ + e) - std::fabs(e); };
  for (NewModels& shape : shapes) {
    std::vector<int> found(most + 1);  // studies that find it, by their number of models
    for (size_t study = 0; study < kStudies; ++study) {
      const double* e = &scattered[study * most];
      GrowingMean gain;
      for (size_t i = 0; i < most; ++i) {
        gain.add(advantage(i < own.size() ? 100 * (own[i] - constant) : shape.differ, e[i]));
        found[i + 1] += gain.beats(critical[i + 1]);
      }
    }
    for (size_t n = own.size(); n <= most && !shape.models; ++n)
      if (found[n] >= kPower * kStudies) shape.models = static_cast<int>(n - own.size());
  }
  return shapes;
}

}  // namespace lstar
