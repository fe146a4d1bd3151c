// A model whose weights a program holds is measured as the files that they came from, to the bit, however the tensors
// lie in memory; and its measurements are kept and found by what is in it.
#include <gtest/gtest.h>

#include <filesystem>

#include "lstar/base/text_file.h"
#include "lstar/checkpoint/memory_checkpoint.h"
#include "lstar/study/measure_missing.h"
#include "lstar/study/store/content.h"
#include "lstar/study/store/store.h"
#include "tests/support/recorded.h"
#include "tests/support/same_measurement.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

const std::vector<Prompt> kPrompts{{.text = {}, .ids = {1, 2, 3, 4, 5, 6}}, {.text = {}, .ids = {7, 8, 9}}};

// How tensors lie in memory.
enum class Layout { dense, columns, padded };

// The values of a configuration, taken over one by one.
ConfigurationValue value_of(const Configuration& from) {
  switch (from.type()) {
    case Configuration::Type::null: return {};
    case Configuration::Type::boolean: return *from.boolean();
    case Configuration::Type::integer: return *from.integer();
    case Configuration::Type::number: return *from.number();
    case Configuration::Type::string: return *from.string();
    case Configuration::Type::list: {
      ConfigurationValue::List list;
      from.each([&](std::string_view, const Configuration& item) { list.push_back(value_of(item)); });
      return list;
    }
    case Configuration::Type::section: break;
  }
  ConfigurationValue::Section section;
  from.each([&](std::string_view key, const Configuration& field) { section.emplace(key, value_of(field)); });
  return section;
}

// The weights of a folder, copied into memory of the test's own.
class Held {
 public:
  explicit Held(const std::string& folder) : folder_(folder), files_(*open_checkpoint(folder)) {}

  std::unique_ptr<Checkpoint> checkpoint(Layout layout, bool as_values = false) {
    std::vector<MemoryTensor> tensors;
    for (const TensorInfo& tensor : files_->tensors()) {
      if (!info(tensor.type).is_weight) continue;
      const auto stored = files_->stored_rows(tensor, {0, tensor.shape.rows()});
      EXPECT_FALSE(stored.empty()) << tensor.name;
      tensors.push_back(laid_out(tensor, stored, layout));
    }
    if (change) change(memory_);
    const MemoryOptions options{.tokenizer = folder_};
    if (as_values)
      return *MemoryCheckpoint::from(
          std::move(tensors), std::get<ConfigurationValue::Section>(value_of(files_->configuration()).value), options);
    return *MemoryCheckpoint::from(std::move(tensors), *read_text_file(folder_ + "/config.json"), options);
  }

  std::function<void(std::vector<std::vector<std::byte>>& memory)> change;

 private:
  MemoryTensor laid_out(const TensorInfo& tensor, std::span<const std::byte> stored, Layout layout) {
    const auto width = static_cast<size_t>(info(tensor.type).block_bytes);
    const auto& dims = tensor.shape.dims;
    std::vector<int64_t> strides(dims.size());
    int64_t size = 1;
    for (size_t i = 0; i < dims.size(); ++i) {
      const size_t axis = layout == Layout::columns ? i : dims.size() - 1 - i;
      strides[axis] = size;
      size *= dims[axis];
      if (layout == Layout::padded) size += 3;
    }
    auto& memory = memory_.emplace_back(static_cast<size_t>(size) * width, std::byte{0xff});  // NaN where nothing lies
    std::vector<int64_t> at(dims.size(), 0);
    for (size_t element = 0; element * width < stored.size(); ++element) {
      size_t place = 0;
      for (size_t axis = 0; axis < dims.size(); ++axis) place += static_cast<size_t>(at[axis] * strides[axis]);
      std::copy_n(stored.data() + element * width, width, memory.data() + place * width);
      for (size_t axis = dims.size(); axis-- > 0;) {
        if (++at[axis] < dims[axis]) break;
        at[axis] = 0;
      }
    }
    if (layout == Layout::dense) strides.clear();
    return {.name = tensor.name, .type = tensor.type, .shape = tensor.shape, .bytes = memory, .strides = strides};
  }

  std::string folder_;
  std::unique_ptr<Checkpoint> files_;
  std::vector<std::vector<std::byte>> memory_;
};

std::string folder_of(const std::string& name) {
  const std::string recorded = testing::source_path("tests/data/checkpoints/" + name);
  return std::filesystem::exists(recorded) ? recorded : testing::source_path("zoo/" + name);
}

class MemoryModel : public ::testing::TestWithParam<std::string> {};

TEST_P(MemoryModel, MeasuresAsItsFiles) {
  const std::string folder = folder_of(GetParam());
  auto of_files = OpenModel::open(folder, {.threads = 2});
  ASSERT_TRUE(of_files) << of_files.error().message();
  Held held(folder);
  for (const Layout layout : {Layout::dense, Layout::columns, Layout::padded}) {
    auto in_memory = OpenModel::from(held.checkpoint(layout, layout == Layout::columns), {}, {.threads = 2});
    ASSERT_TRUE(in_memory) << in_memory.error().message();
    for (const Dtype dtype : {Dtype::float32, Dtype::float64, Dtype::bfloat16}) {
      SCOPED_TRACE(::testing::Message() << name(dtype) << ", layout " << static_cast<int>(layout));
      const MeasureOptions options{.numerics = {.dtype = dtype, .head_layout = HeadLayout::thirds},
                                   .wants = Want::diagonal | Want::entropy | Want::rounded_sum | Want::residual_norm,
                                   .next_tokens = 3};
      const auto expected = of_files->measure(kPrompts, options), measured = in_memory->measure(kPrompts, options);
      ASSERT_TRUE(expected) << expected.error().message();
      ASSERT_TRUE(measured) << measured.error().message();
      ASSERT_EQ(measured->prompts[0].row, 0u);
      testing::expect_same_numbers(*measured, *expected);
      EXPECT_EQ(measured->identity.format, "memory");
      EXPECT_TRUE(measured->identity.files.empty());
      EXPECT_EQ(measured->identity.stored_dtype, expected->identity.stored_dtype);
    }
  }
}

// Conv1D and tied embeddings, float16, shards, mixtures one by one and stacked, encoders, a fused projection by heads.
INSTANTIATE_TEST_SUITE_P(Families, MemoryModel,
                         ::testing::Values("gpt2", "gpt2-float16", "llama-sharded", "llama-bfloat16", "mixtral",
                                           "qwen2_moe", "granitemoe", "gpt_oss-plain", "gemma2", "falcon-new", "bloom",
                                           "gpt_neox", "bert", "opt-12x12"),
                         testing::test_name);

std::string content(Held& held, Layout layout, bool as_values = false) {
  const auto checkpoint = held.checkpoint(layout, as_values);
  const auto found = content_of(*checkpoint, {});
  EXPECT_TRUE(found) << found.error().message();
  return found.value_or("");
}

TEST(MemoryContent, IsOfNumbersAndNotOfTheirPlaces) {
  Held held(folder_of("gpt2"));
  const std::string dense = content(held, Layout::dense);
  EXPECT_EQ(dense.size(), 64u);
  EXPECT_EQ(content(held, Layout::columns), dense);
  EXPECT_EQ(content(held, Layout::padded), dense);
  EXPECT_EQ(content(held, Layout::dense, /*as_values=*/true), dense) << "a configuration by what it says";
  Held changed(folder_of("gpt2"));
  changed.change = [](auto& memory) { memory.back().front() ^= std::byte{1}; };
  EXPECT_NE(content(changed, Layout::dense), dense) << "one bit of one element";
  Held pad(folder_of("gpt2"));
  pad.change = [](auto& memory) { memory.back().back() ^= std::byte{1}; };
  EXPECT_EQ(content(pad, Layout::padded), dense) << "what lies between the rows";
}

TEST(MemoryContent, MeasurementsAreKeptAndFound) {
  const testing::TemporaryFolder folder;
  auto store = Store::open(folder / "store", StoreAccess::create);
  ASSERT_TRUE(store) << store.error().message();
  const KeepOptions keep{.store = &*store, .provenance = {.time = "2026-01-01T00:00:00Z", .command = "a program"}};
  const auto measured = [&](Held& held, Layout layout) {
    auto model = OpenModel::from(held.checkpoint(layout), {}, {.threads = 2});
    EXPECT_TRUE(model) << model.error().message();
    auto kept = measure_missing(*model, kPrompts, {}, keep);
    EXPECT_TRUE(kept) << kept.error().message();
    EXPECT_FALSE(kept->kept.fault) << kept->kept.fault->message();
    return *std::move(kept);
  };
  Held held(folder_of("llama")), changed(folder_of("llama"));
  changed.change = [](auto& memory) { memory.back().front() ^= std::byte{1}; };
  const KeptMeasurement first = measured(held, Layout::dense), again = measured(held, Layout::dense),
                        strided = measured(held, Layout::columns), other = measured(changed, Layout::dense);
  EXPECT_EQ(first.kept.known, 0u);
  EXPECT_EQ(again.kept.known, kPrompts.size());
  EXPECT_EQ(strided.kept.known, kPrompts.size());
  EXPECT_EQ(other.kept.known, 0u);
  testing::expect_same(again.measurement, first.measurement);
  testing::expect_same(strided.measurement, first.measurement);
}

}  // namespace
}  // namespace lstar
