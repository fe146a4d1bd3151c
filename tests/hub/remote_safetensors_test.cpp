// Weights read where they lie: the same numbers as from disk, and few bytes.
#include "tests/hub/hub_case.h"

#include <thread>

#include "lstar/checkpoint/checkpoint.h"
#include "lstar/hub/remote_safetensors.h"
#include "tests/support/checkpoint_writer.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::HubServer;
using ::testing::IsEmpty;
using testing::kCommit;
using testing::make_tensor;
using testing::put;
namespace fs = std::filesystem;

class RemoteSafetensors : public testing::HubTest {
 protected:
  Result<std::unique_ptr<Checkpoint>> open(const std::string& repo) {
    return open_remote_safetensors(options.hub, {.repo = repo}, options.retries);
  }
  static std::vector<float> ramp(size_t count, float first) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = first + static_cast<float>(i % 1000) / 8;
    return values;
  }
  static void expect_equal(const Checkpoint& a, const Checkpoint& b) {
    ASSERT_EQ(a.tensors().size(), b.tensors().size());
    for (const TensorInfo& tensor : a.tensors()) {
      const TensorInfo* other = b.find(tensor.name);
      ASSERT_TRUE(other) << tensor.name;
      EXPECT_EQ(tensor.shape, other->shape);
      EXPECT_EQ(tensor.type, other->type);
      std::vector<float> ours(static_cast<size_t>(tensor.shape.elements())), theirs(ours.size());
      ASSERT_TRUE(a.read(tensor, {0, tensor.shape.rows()}, std::span<float>(ours)));
      ASSERT_TRUE(b.read(*other, {0, tensor.shape.rows()}, std::span<float>(theirs)));
      EXPECT_EQ(ours, theirs) << tensor.name;
    }
  }
};

TEST_F(RemoteSafetensors, TheSameNumbersAsFromDisk) {
  const std::string first = testing::safetensors_bytes(
      {make_tensor("a", {700, 300}, ramp(210'000, 1)), make_tensor("b", {9}, ramp(9, 2), StoredType::float16),
       make_tensor("m_scales", {5, 3}, ramp(15, 120), StoredType::uint8)});
  const std::string second =
      testing::safetensors_bytes({make_tensor("c", {3, 5, 7}, ramp(105, 3), StoredType::bfloat16),
                                  make_tensor("m_blocks", {5, 3, 16}, ramp(240, 100), StoredType::uint8)});
  const std::string index =
      R"({"weight_map": {"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors",
                         "m_scales": "one.safetensors", "m_blocks": "two.safetensors"}})";
  server.add("org/two", "config.json", R"({"model_type": "made-up"})");
  server.add("org/two", "model.safetensors.index.json", index);
  server.add("org/two", "one.safetensors", first, true);
  server.add("org/two", "two.safetensors", second, true);
  for (const auto& [name, content] : std::map<std::string, std::string>{{"config.json", R"({"model_type": "made-up"})"},
                                                                        {"model.safetensors.index.json", index},
                                                                        {"one.safetensors", first},
                                                                        {"two.safetensors", second}})
    put(folder / ("local/" + name), content);
  const auto local = open_checkpoint(folder / "local");
  ASSERT_TRUE(local) << local.error().message();
  options.hub.token = "hf_t";
  const auto remote = open("org/two");
  ASSERT_TRUE(remote) << remote.error().message();
  ASSERT_TRUE(*remote);
  EXPECT_EQ((*remote)->revision(), kCommit);
  EXPECT_EQ((*remote)->path(), server.endpoint() + "/org/two/resolve/" + kCommit);
  EXPECT_EQ((*remote)->configuration().string("model_type"), "made-up");
  expect_equal(**remote, **local);
  EXPECT_EQ((*remote)->find("m")->shape, (Shape{{5, 96}})) << "an MXFP4 pair";
  EXPECT_FALSE(fs::exists(options.hub.cache)) << "nothing is written";
  for (const auto& request : server.requests())
    EXPECT_EQ(request.header("authorization"), request.at_storage ? "" : "Bearer hf_t");
}

TEST_F(RemoteSafetensors, ReadsHeadersAndWhatIsAskedFor) {
  const std::string whole = testing::safetensors_bytes(
      {make_tensor("a", {2000, 1000}, ramp(2'000'000, 1)), make_tensor("z", {10}, ramp(10, 5))});
  server.add("org/large", "config.json", "{}");
  server.add("org/large", "model.safetensors", whole, true);
  const auto remote = open("org/large");
  ASSERT_TRUE(remote) << remote.error().message();
  const size_t opened = transfers().size();
  EXPECT_EQ(opened, 1u);
  EXPECT_EQ(transfers()[0].header("range"), "bytes=0-262143");
  std::vector<double> row(1000);
  const TensorInfo* a = (*remote)->find("a");
  ASSERT_TRUE((*remote)->read(*a, {1000, 1001}, std::span<double>(row)));
  for (size_t i = 0; i < row.size(); ++i) ASSERT_EQ(row[i], 1 + static_cast<double>(i) / 8);
  ASSERT_TRUE((*remote)->read(*a, {1001, 1002}, std::span<double>(row)));
  ASSERT_EQ(transfers().size(), opened + 1) << "the neighbour came with it";
  unsigned long long begin = 0, end = 0;
  ASSERT_EQ(std::sscanf(transfers().back().header("range").c_str(), "bytes=%llu-%llu", &begin, &end), 2);
  EXPECT_LE(end - begin, 2u * 262144) << "of 8 MB";
  (*remote)->drop(*a);
  ASSERT_TRUE((*remote)->read(*a, {1000, 1001}, std::span<double>(row)));
  EXPECT_EQ(transfers().size(), opened + 2);

  std::vector<std::thread> threads;
  std::vector<std::vector<float>> read(4, std::vector<float>(500'000));
  for (size_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      const auto row_begin = static_cast<int64_t>(500 * i);
      EXPECT_TRUE((*remote)->read(*a, {row_begin, row_begin + 500}, std::span<float>(read[i])));
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& part : read) EXPECT_EQ(part, ramp(500'000, 1));
}

TEST_F(RemoteSafetensors, WhatCannotBeReadSaysWhy) {
  add_model("org/name");  // whose weights are noise
  EXPECT_THAT(open("org/name").error().message(),
              AllOf(HasSubstr("org/name/resolve/" + kCommit + "/model.safetensors"), HasSubstr("header")));
  server.add("org/bin", "config.json", "{}");
  server.add("org/bin", "pytorch_model.bin", "x", true);
  const auto none = open("org/bin");
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, nullptr);
  EXPECT_THAT(open("org/nowhere").error().message(), HasSubstr("no such repository"));
  options.hub.offline = true;
  server.forget_requests();
  EXPECT_THAT(open("org/name").error().message(), HasSubstr("HF_HUB_OFFLINE"));
  EXPECT_THAT(server.requests(), IsEmpty());
  options.hub.offline = false;

  server.add("org/breaks", "config.json", "{}");
  server.add("org/breaks", "model.safetensors",
             testing::safetensors_bytes({make_tensor("a", {1000, 1000}, ramp(1'000'000, 1))}), true);
  const auto breaks = open("org/breaks");
  ASSERT_TRUE(breaks);
  server.on_request([](const HubServer::Request&) { return std::optional<HubServer::Response>({.status = 500}); });
  std::vector<float> row(1000);
  EXPECT_THAT((*breaks)->read(*(*breaks)->find("a"), {900, 901}, std::span<float>(row)).error().message(),
              AllOf(HasSubstr("org/breaks"), HasSubstr("model.safetensors"), HasSubstr("500")));
}

}  // namespace
}  // namespace lstar
