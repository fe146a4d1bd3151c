// Weights before training: the distributions of transformers' classes, drawn where they are read.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "lstar/architecture/binder.h"
#include "lstar/architecture/family.h"
#include "lstar/architecture/untrained_twin.h"
#include "lstar/checkpoint/random_checkpoint.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

std::vector<float> all_of(const Checkpoint& checkpoint, const TensorInfo& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
  EXPECT_TRUE(checkpoint.read(tensor, {0, tensor.shape.rows()}, std::span<float>(values)));
  return values;
}

// Elements, mean and deviation of the kind of parameters whose name ends so; empty where there is none.
std::vector<double> find_kind(Json parameters, const std::string& kind) {
  for (const auto& [key, value] : parameters.fields()) {
    const std::string_view longer = key.size() > kind.size() ? key : kind,
                           shorter = key.size() > kind.size() ? kind : key;
    const bool ends_so =
        longer.ends_with(shorter) && (longer == shorter || longer[longer.size() - shorter.size() - 1] == '.');
    std::vector<double> numbers;
    if (ends_so) testing::flatten(value, numbers);
    if (ends_so) return numbers;
  }
  return {};
}

// 10^5 draws: moments within five standard errors of a normal distribution's, and nothing in common between neighbours,
// tensors and seeds.
TEST(RandomCheckpoint, DrawsNormalNumbers) {
  const std::vector<RandomTensor> tensors{
      {.info = {"a", StoredType::float32, {{100, 1000}}}, .mean = 1, .deviation = 2},
      {.info = {"b", StoredType::float32, {{100, 1000}}}, .mean = 1, .deviation = 2},
      {.info = {"ones", StoredType::float32, {{7}}}, .mean = 1}};
  const RandomCheckpoint first(tensors, 1, "first"), second(tensors, 2, "second");
  const auto a = all_of(first, *first.find("a")), b = all_of(first, *first.find("b")),
             other = all_of(second, *second.find("a"));
  EXPECT_EQ(all_of(first, *first.find("ones")), std::vector<float>(7, 1.0F));
  const double n = 1e5;
  const auto mean_of = [&](const auto& term) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += term(i);
    return sum / n;
  };
  const auto z = [](float value) { return (value - 1.0) / 2; };
  EXPECT_NEAR(mean_of([&](size_t i) { return z(a[i]); }), 0, 5 / std::sqrt(n));
  EXPECT_NEAR(mean_of([&](size_t i) { return std::pow(z(a[i]), 2); }), 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(mean_of([&](size_t i) { return std::pow(z(a[i]), 3); }), 0, 5 * std::sqrt(15 / n));
  EXPECT_NEAR(mean_of([&](size_t i) { return std::pow(z(a[i]), 4); }), 3, 5 * std::sqrt(96 / n));
  const double within = mean_of([&](size_t i) { return std::abs(z(a[i])) < 1; });  // 0.682689492 of a normal
  EXPECT_NEAR(within, 0.682689492, 5 * std::sqrt(0.6827 * 0.3173 / n));
  for (const size_t apart : {1, 2, 1000})
    EXPECT_NEAR(mean_of([&](size_t i) { return z(a[i]) * z(a[(i + apart) % a.size()]); }), 0, 5 / std::sqrt(n))
        << apart;
  EXPECT_NEAR(mean_of([&](size_t i) { return z(a[i]) * z(b[i]); }), 0, 5 / std::sqrt(n));
  EXPECT_NEAR(mean_of([&](size_t i) { return z(a[i]) * z(other[i]); }), 0, 5 / std::sqrt(n));
}

// Rows are what they are in the whole, however they are read.
TEST(RandomCheckpoint, RowsDoNotDependOnHowTheyAreRead) {
  const RandomCheckpoint checkpoint({{.info = {"a", StoredType::float32, {{9, 7}}}, .deviation = 0.02}}, 3, "random");
  const TensorInfo& tensor = *checkpoint.find("a");
  const auto whole = all_of(checkpoint, tensor);
  for (int64_t begin = 0; begin < 9; ++begin)
    for (int64_t end = begin; end <= 9; ++end) {
      std::vector<double> part(static_cast<size_t>((end - begin) * 7));
      ASSERT_TRUE(checkpoint.read(tensor, {begin, end}, std::span(part)));
      for (size_t i = 0; i < part.size(); ++i) EXPECT_EQ(part[i], whole[static_cast<size_t>(begin) * 7 + i]);
    }
  std::vector<float> wrong(3);
  EXPECT_FALSE(checkpoint.read(tensor, {0, 1}, std::span(wrong)));
  EXPECT_FALSE(checkpoint.read(tensor, {8, 10}, std::span(wrong)));
}

// The walk that declares tensors names those that the checkpoints of all families have.
TEST(Untrained, DeclaresWhatCheckpointsHold) {
  for (const std::string& name : testing::recorded_checkpoints()) {
    auto model = open_model(testing::source_path("tests/data/checkpoints/" + name));
    ASSERT_TRUE(model) << name << ": " << model.error().message();
    const Model twin = untrained_twin(*model, 1);
    EXPECT_EQ(twin.architecture.layers, model->architecture.layers);
    const auto declared = tensors_of(model->architecture);
    EXPECT_EQ(twin.checkpoint->tensors().size(), declared.size());
    size_t found = 0;
    for (const DeclaredTensor& tensor : declared)
      if (const TensorInfo* there = model->checkpoint->find(tensor.info.name)) {
        ++found;
        // A norm of heads may have a row for each: the first of the shapes that it may have is one for all.
        EXPECT_EQ(there->shape.elements() % tensor.info.shape.elements(), 0) << name << ": " << tensor.info.name;
      }
    EXPECT_GE(found * 10, declared.size() * 7) << name;  // the embedding and norms may go by other names
  }
}

// "model.layers.{}.mlp.up_proj.weight"; what stands in front of the layers is a matter of the class.
std::string kind_of(const std::string& name) { return std::regex_replace(name, std::regex("[0-9]+"), "{}"); }

// As transformers initialises them: mean and deviation of every kind of tensor over 20 seeds of theirs and 20 of ours,
// within five standard errors of their difference. (tools/oracle/record_initialisation.py, initializer_range 0.05.)
TEST(Untrained, IsDrawnAsTransformersDrawsIt) {
  const auto recorded = JsonDocument::read(testing::source_path("tests/data/initialisation.json"));
  ASSERT_TRUE(recorded);
  size_t families = 0, compared = 0, without = 0;
  for (const std::string& name : testing::recorded_checkpoints()) {
    const auto family = recorded->root().find(name);
    if (!family) continue;
    ++families;
    auto model = open_model(testing::source_path("tests/data/checkpoints/" + name));
    ASSERT_TRUE(model) << name;
    model->architecture.initializer_range = 0.05;
    std::map<std::string, std::vector<double>> drawn;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const Model twin = untrained_twin(*model, seed);
      for (const TensorInfo& tensor : twin.checkpoint->tensors()) {
        const std::vector<float> values = all_of(*twin.checkpoint, tensor);
        std::vector<double>& of_kind = drawn[kind_of(tensor.name)];
        of_kind.insert(of_kind.end(), values.begin(), values.end());
      }
    }
    const Json parameters = *family->find("parameters");
    for (const auto& [kind, values] : drawn) {
      const auto theirs = find_kind(parameters, kind);
      if (theirs.empty()) {
        ++without;  // stored by another name in this checkpoint than the class has it
        continue;
      }
      ++compared;
      double sum = 0, squares = 0;
      for (const double value : values) sum += value;
      const double n = static_cast<double>(values.size()), m = theirs[0], mean = sum / n;
      for (const double value : values) squares += (value - mean) * (value - mean);
      const double deviation = std::sqrt(squares / n), error = theirs[2] * std::sqrt(1 / n + 1 / m);
      EXPECT_NEAR(mean, theirs[1], 5 * error) << name << ": " << kind;
      EXPECT_NEAR(deviation, theirs[2], 5 * error / std::sqrt(2)) << name << ": " << kind;
    }
  }
  EXPECT_GE(families, 43u);
  EXPECT_LE(without * 10, compared) << without << " of " << compared;
}

}  // namespace
}  // namespace lstar
