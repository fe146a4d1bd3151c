// Several measurements at once on one pool give what each gives alone, to the bit.
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "lstar/base/worker_pool.h"
#include "lstar/study/open_model.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

TEST(Concurrent, MeasurementsShareAPool) {
  const std::vector<Prompt> prompts{{.text = {}, .ids = {1, 2, 3, 4, 5, 6}}, {.text = {}, .ids = {7, 8, 9}}};
  const auto pool = std::make_shared<WorkerPool>(3);
  const std::vector<std::string> models{"gpt2", "mixtral", "llama", "gpt2"};
  const auto run = [&](const std::string& model) {
    return measure(testing::source_path("tests/data/checkpoints/" + model), prompts, {}, {.pool = pool});
  };
  std::vector<Result<Measurement>> alone, together(models.size());
  for (const std::string& model : models) alone.push_back(run(model));
  std::latch all_there(
      static_cast<std::ptrdiff_t>(models.size()));  // else the first may be done before the last begins
  std::vector<std::thread> threads;
  for (size_t i = 0; i < models.size(); ++i)
    threads.emplace_back([&, i] {
      all_there.arrive_and_wait();
      for (int repeated = 0; repeated < 10; ++repeated) together[i] = run(models[i]);
    });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < models.size(); ++i) {
    ASSERT_TRUE(alone[i]) << alone[i].error().message();
    ASSERT_TRUE(together[i]) << together[i].error().message();
    EXPECT_EQ(together[i]->weights.w_v_sq, alone[i]->weights.w_v_sq) << models[i];
    for (size_t p = 0; p < prompts.size(); ++p)
      for (int l = 0; l < alone[i]->shape.layers; ++l) {
        const auto layer = static_cast<size_t>(l);
        for (int h = 0; h < alone[i]->shape.heads; ++h)
          EXPECT_EQ(together[i]->seen.off_diagonal(p, layer, h), alone[i]->seen.off_diagonal(p, layer, h)) << models[i];
        EXPECT_EQ(together[i]->seen.residual_norm(p, layer), alone[i]->seen.residual_norm(p, layer)) << models[i];
      }
  }
}

}  // namespace
}  // namespace lstar
