// What the reader of files on disk refuses, the reader of files on the hub refuses in the same words: each case is put
// in a folder and on a server, and both are asked the same.
#include "tests/hub/hub_case.h"

#include <optional>

#include "lstar/checkpoint/checkpoint.h"
#include "lstar/hub/remote_safetensors.h"
#include "tests/support/checkpoint_writer.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using testing::make_tensor;
using testing::put;
using testing::safetensors_bytes;

// What is read after opening; where nothing is, opening itself must fail.
struct Question {
  std::string tensor;
  RowRange rows;
  size_t numbers;
};

struct Case {
  std::map<std::string, std::string> files;
  std::optional<Question> question;
  std::string says;  // somewhere in the error
};

using Files = std::map<std::string, std::string>;

Files with_weights(const std::string& bytes) { return {{"config.json", "{}"}, {"model.safetensors", bytes}}; }

Files with_tensors(const std::vector<testing::StoredTensor>& tensors) {
  return with_weights(safetensors_bytes(tensors));
}

// model.safetensors with one tensor of this description, and `data` bytes behind the header.
Files with_entry(const std::string& entry, size_t data = 24) {
  return with_weights(safetensors_bytes(R"({"w":)" + entry + "}", std::string(data, '\0')));
}

Files with_index(const std::string& map) {
  return {{"config.json", "{}"},
          {"model.safetensors.index.json", R"({"weight_map":)" + map + "}"},
          {"one.safetensors", safetensors_bytes({make_tensor("a", {2}, {1, 2}), make_tensor("c", {1}, {3})})},
          {"two.safetensors", safetensors_bytes({make_tensor("b", {1}, {4}), make_tensor("c", {1}, {4})})}};
}

Files with_float8(const std::string& type, const std::string& scale) {
  return with_weights(safetensors_bytes(R"({"q.weight":{"dtype":")" + type +
                                            R"(","shape":[2],"data_offsets":[0,2]},"q.)" + scale +
                                            R"(":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
                                        std::string(6, 'x')));
}

testing::StoredTensor bytes_of(const std::string& name, std::vector<int64_t> dims) {
  size_t count = 1;
  for (const int64_t dim : dims) count *= static_cast<size_t>(dim);
  return make_tensor(name, std::move(dims), std::vector<float>(count, 120), StoredType::uint8);
}

std::vector<Case> cases() {
  const Files matrix = with_tensors(
      {make_tensor("w", {2, 3}, {1, 2, 3, 4, 5, 6}), make_tensor("mask", {2, 2}, {1, 0, 1, 1}, StoredType::boolean)});
  std::string long_header = safetensors_bytes({make_tensor("w", {1}, {1})});
  long_header[7] = 1;
  const std::string eight = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  return {
      // A tensor, as it is asked for.
      {with_float8("F8_E4M3", "weight_scale_inv"), Question{"q.weight", {0, 1}, 2}, "scales lie in another tensor"},
      {with_float8("F8_E4M3", "weight_scale"), Question{"q.weight", {0, 1}, 2}, "scales lie in another tensor"},
      {with_float8("F8_E5M2", "weight_scale_inv"), Question{"q.weight", {0, 1}, 2}, "scales lie in another tensor"},
      {with_float8("F8_E4M3FNUZ", "weight_scale"), Question{"q.weight", {0, 1}, 2}, "scales lie in another tensor"},
      {matrix, Question{"mask", {0, 2}, 4}, "holds no weights"},
      {matrix, Question{"w", {1, 3}, 6}, "rows out of range"},
      {matrix, Question{"w", {-1, 1}, 6}, "rows out of range"},
      {matrix, Question{"w", {2, 1}, 0}, "rows out of range"},
      {matrix, Question{"w", {0, 2}, 5}, "output of another size"},
      {matrix, Question{"other", {0, 1}, 1}, "not in this checkpoint"},
      // A header.
      {with_weights(long_header), {}, "header too long"},
      {with_weights("\1\2\3\4\5\6\7"), {}, "truncated"},
      {with_weights(safetensors_bytes("{\"w\": ", "")), {}, "not valid JSON"},
      {with_weights(safetensors_bytes("[1, 2]", "")), {}, "header is not a JSON object"},
      {with_weights(safetensors_bytes(R"({"w":)" + eight + R"(,"w":)" + eight + "}", "01234567")), {}, "appears twice"},
      // A tensor's description.
      {with_entry("3"), {}, "has no dtype"},
      {with_entry(R"({"dtype":"F8","shape":[24],"data_offsets":[0,24]})"), {}, "unknown dtype"},
      {with_entry(R"({"dtype":"F32","data_offsets":[0,24]})"), {}, "has no shape"},
      {with_entry(R"({"dtype":"F32","shape":[-2,-3],"data_offsets":[0,24]})"), {}, "bad shape"},
      {with_entry(R"({"dtype":"F32","shape":[2,3],"data_offsets":[24,0]})"), {}, "bad data_offsets"},
      {with_entry(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})", 23), {}, "outside the file"},
      {with_entry(R"({"dtype":"F32","shape":[2,2],"data_offsets":[0,24]})"), {}, "size does not match"},
      {with_entry(R"({"dtype":"F4","shape":[16,3],"data_offsets":[0,24]})"), {}, "must be whole blocks"},
      {with_entry(R"({"dtype":"F32","shape":[4294967296,4294967296,6],"data_offsets":[0,24]})"), {}, "too many"},
      // Tensors together.
      {with_weights(safetensors_bytes(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},)"
                                      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                      std::string(12, 'x'))),
       {},
       "its data overlaps that of tensor a"},
      {with_index(R"({"a":"one.safetensors","b":"two.safetensors"})"), {}, "appears twice, first in one.safetensors"},
      {with_tensors({make_tensor("module.model.layers.0.x", {1}, {1}), make_tensor("module.lm_head.weight", {1}, {1})}),
       Question{"module.lm_head.weight", {0, 1}, 1}, "not in this checkpoint"},  // a wrapper's prefix is taken off
      {with_tensors({bytes_of("m_blocks", {2, 1, 16})}), {}, "m_blocks"},
      {with_tensors({bytes_of("m_blocks", {2, 1, 16}), bytes_of("m_scales", {3, 1})}), {}, "m_"},
      {with_tensors({bytes_of("m_blocks", {2, 1, 16}), bytes_of("m_scales", {2, 1}), make_tensor("m", {1}, {1})}),
       {},
       "tensor m"},
      // The index and the configuration.
      {with_index("3"), {}, "has no object weight_map"},
      {with_index("{}"), {}, "weight_map names no tensor"},
      {with_index(R"({"a":3})"), {}, "bad shard name"},
      {with_index(R"({"a":"../x.safetensors"})"), {}, "bad shard name"},
      {{{"config.json", "[]"}, {"model.safetensors", safetensors_bytes({make_tensor("w", {1}, {1})})}},
       {},
       "not a JSON object"},
  };
}

class RemoteRefusals : public testing::HubTest {
 protected:
  // The answer, its error without the place where the files lie.
  static std::string answer(const Result<std::unique_ptr<Checkpoint>>& opened, const std::optional<Question>& question,
                            const std::string& place) {
    std::string text;
    if (!opened) {
      text = opened.error().message();
    } else if (!question) {
      return "opened";
    } else {
      const TensorInfo* found = (*opened)->find(question->tensor);
      const TensorInfo asked = found ? *found : TensorInfo{.name = question->tensor, .type = {}, .shape = {}};
      std::vector<float> out(question->numbers);
      const auto read = (*opened)->read(asked, question->rows, std::span<float>(out));
      if (read) return "read";
      text = read.error().message();
    }
    const size_t at = text.find(place);
    return at == text.npos ? "without its place: " + text : text.erase(at, place.size());
  }
};

TEST_F(RemoteRefusals, AreThoseOfAFolder) {
  int number = 0;
  for (const Case& one : cases()) {
    const std::string name = fmt::format("case{}", number++), repo = "org/" + name;
    for (const auto& [file, content] : one.files) {
      put(folder / (name + "/" + file), content);
      server.add(repo, file, content, file.ends_with(".safetensors"));
    }
    const std::string local = answer(open_checkpoint(folder / name), one.question, folder / name);
    EXPECT_THAT(local, HasSubstr(one.says)) << name;
    EXPECT_EQ(answer(open_remote_safetensors(options.hub, {.repo = repo}, options.retries), one.question,
                     server.endpoint() + "/" + repo + "/resolve/" + testing::kCommit),
              local)
        << name;
  }
}

// What an index names and no shard holds, and names of wrappers: neither is an error, and both are known.
TEST_F(RemoteRefusals, WhatIsUnreadAndRenamedIsTheSame) {
  const std::string index =
      R"({"weight_map":{"module.model.layers.0.a":"one.safetensors","module.gone":"one.safetensors"}})";
  const std::string shard = safetensors_bytes(
      {make_tensor("module.model.layers.0.a", {2}, {1, 2}), make_tensor("module.lm_head.weight", {1}, {1})});
  for (const auto& [file, content] :
       Files{{"config.json", "{}"}, {"model.safetensors.index.json", index}, {"one.safetensors", shard}}) {
    put(folder / ("local/" + file), content);
    server.add("org/name", file, content, file.ends_with(".safetensors"));
  }
  const auto local = open_checkpoint(folder / "local");
  const auto remote = open_remote_safetensors(options.hub, {.repo = "org/name"}, options.retries);
  ASSERT_TRUE(local) << local.error().message();
  ASSERT_TRUE(remote) << remote.error().message();
  for (const Checkpoint* checkpoint : {local->get(), remote->get()}) {
    EXPECT_TRUE(checkpoint->find("model.layers.0.a"));
    ASSERT_TRUE(checkpoint->why_unread("gone"));
    EXPECT_THAT(checkpoint->why_unread("gone")->message(),
                HasSubstr("one.safetensors: tensor module.gone: not in the"));
  }
  EXPECT_EQ((*local)->notes(), (*remote)->notes());
  EXPECT_EQ((*local)->notes().size(), 1u);
}

}  // namespace
}  // namespace lstar
