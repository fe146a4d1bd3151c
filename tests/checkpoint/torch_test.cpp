// PyTorch files that are broken, or that try what they should not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lstar/checkpoint/checkpoint.h"
#include "tests/checkpoint/torch_writer.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)
using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class Torch : public ::testing::Test {
 protected:
  void SetUp() override { write_bytes(folder_ / "config.json", R"({"model_type": "gpt2"})"); }

  // The message of opening a folder with this pytorch_model.bin, the file's name taken out.
  std::string message_for(const std::string& bytes) {
    write_bytes(folder_ / "pytorch_model.bin", bytes);
    opened_ = {};
    auto opened = open_checkpoint(folder_.path());
    if (opened) {
      opened_ = *std::move(opened);
      return "opened";
    }
    const std::string message = opened.error().message(), prefix = folder_ / "pytorch_model.bin: ";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  }
  // The same for an archive whose pickle holds {"w": value}.
  std::string message_of(const std::string& value) { return message_for(archive_of(pickle::dict({{"w", value}}))); }
  std::string message_with(const pickle::Tensor& tensor) { return message_of(pickle::tensor(tensor)); }

  std::vector<float> read(const char* name) {
    const TensorInfo* tensor = opened_->find(name);
    if (!tensor) return {};
    std::vector<float> values(static_cast<size_t>(tensor->shape.elements()));
    EXPECT_TRUE(opened_->read(*tensor, {0, tensor->shape.rows()}, std::span<float>(values)));
    return values;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Checkpoint> opened_;
};

TEST_F(Torch, TheWriterOfTheseTestsWritesWhatIsRead) {
  ASSERT_EQ(message_with({}), "opened");
  EXPECT_EQ(read("w"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  ASSERT_EQ(message_with({.sizes = {3, 2}, .strides = {1, 3}}), "opened");
  EXPECT_EQ(read("w"), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  const std::string state = pickle::dict({{"w", pickle::tensor({}, true)}});
  ASSERT_EQ(message_for(stream_of(state, pickle::list({pickle::text("0")}), counted(6, six_floats()))), "opened");
  EXPECT_EQ(read("w"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

TEST_F(Torch, RowsOfAViewLieApart) {
  ASSERT_EQ(message_with({.storage = "HalfStorage", .numel = 12, .sizes = {3, 2}, .strides = {2, 1}}), "opened");
  EXPECT_EQ(opened_->stored_rows(*opened_->find("w"), {1, 3}).size(), 8u);
  ASSERT_EQ(message_with({.storage = "HalfStorage", .numel = 12, .sizes = {3, 2}, .strides = {1, 3}}), "opened");
  EXPECT_TRUE(opened_->stored_rows(*opened_->find("w"), {1, 3}).empty());
}

// Whatever a pickle would call or make, in every way that pickles have, stays a value; where a weight would come of it,
// the call is named.
TEST_F(Torch, NothingIsExecuted) {
  const std::string command = pickle::text("touch " + (folder_ / "executed"));
  EXPECT_EQ(message_of(pickle::call(pickle::global("os", "system"), {command})),
            "key w: holds no tensors by name: would be made by code, which is never executed: expected a dict of "
            "tensors, or one under state_dict or model, found a call of os.system");
  const std::pair<const char*, const char*> kFunctions[] = {{"builtins", "eval"},
                                                            {"__builtin__", "exec"},
                                                            {"posix", "system"},
                                                            {"nt", "system"},
                                                            {"torch.storage", "_load_from_bytes"},
                                                            {"torch.hub", "load"},
                                                            {"runpy", "run_path"},
                                                            {"numpy.core.multiarray", "scalar"},
                                                            {"collections", "OrderedDict.x"},
                                                            {"torch", "load"},
                                                            {"", ""}};
  for (const auto& [module, name] : kFunctions)
    EXPECT_THAT(message_of(pickle::call(pickle::global(module, name), {command})),
                HasSubstr(std::string("found a call of ") + module + "." + name));
  // The same in protocol 4, without a call, and by the other instructions that make objects.
  EXPECT_THAT(message_of(pickle::text("os") + pickle::text("system") + "\x93" + pickle::tuple({command}) + "R"),
              HasSubstr("found a call of os.system"));
  EXPECT_THAT(message_of(pickle::global("os", "system")), HasSubstr("holds no tensors by name"));
  const std::string system = pickle::global("os", "system"), arguments = pickle::tuple({command});
  for (const std::string& made :
       {system + arguments + "\x81", system + arguments + "}\x92", "(" + system + command + "o",
        "(" + command + "ios\nsystem\n", system + arguments + "R" + arguments + "R"})
    EXPECT_THAT(message_of(made), HasSubstr("found a call of os.system"));
  EXPECT_THAT(message_of("\x82\x01" + arguments + "R"), HasSubstr("found a call of copyreg.extension"));
  // A name with line ends or escapes does not break the line.
  EXPECT_THAT(message_of(pickle::text("o\n\x1b[2Js") + pickle::text("system") + "\x93" + arguments + "R"),
              HasSubstr("found a call of o??[2Js.system"));
  EXPECT_THAT(message_of("P0\n"), HasSubstr(": pickle: instruction is not read: found 0x"));  // PERSID
  EXPECT_FALSE(std::filesystem::exists(folder_ / "executed"));
}

// What a training run saves beside its weights.
TEST_F(Torch, InertObjectsBesideTheWeights) {
  const std::string six = pickle::tensor({});
  const std::string scalar = pickle::call(pickle::global("numpy.core.multiarray", "scalar"), {pickle::text("x")});
  const std::string space = pickle::global("argparse", "Namespace") + ")\x81" + pickle::dict({{"lr", "N"}}) + "b";
  const std::string path = pickle::call(pickle::global("pathlib", "PosixPath"), {pickle::text("/data")});
  const std::string set = "\x8f(" + pickle::text("a") + pickle::text("b") + "\x90";
  const std::string frozen = "(" + pickle::text("a") + "\x91";
  const std::string queue = pickle::call(pickle::global("collections", "deque"), {}) + "(NNe";
  const std::string counts = pickle::call(pickle::global("collections", "defaultdict"), {"N"}) + "(NNu";
  const std::string random = pickle::tuple(
      {pickle::text("MT19937"),
       pickle::call(pickle::global("numpy.core.multiarray", "_reconstruct"), {"N"}) + pickle::tuple({"N"}) + "b"});
  const std::string bytes = std::string("\x96\2\0\0\0\0\0\0\0ab", 11);
  ASSERT_EQ(message_for(archive_of(pickle::dict({{"args", space},
                                                 {"epoch", scalar},
                                                 {"out", path},
                                                 {"seen", set},
                                                 {"frozen", frozen},
                                                 {"queue", queue},
                                                 {"counts", counts},
                                                 {"rng", random},
                                                 {"bytes", bytes},
                                                 {"list", "(NNl"},
                                                 {"dict", "(" + pickle::text("a") + "Nd"},
                                                 {"model", pickle::dict({{"w", six}})}}))),
            "opened");
  EXPECT_EQ(read("w"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  // In the state dict itself: what is a weight can be read, of the other it is known why it cannot.
  ASSERT_EQ(message_for(archive_of(pickle::dict({{"w", six}, {"v", scalar}, {"args", space}}))), "opened");
  EXPECT_EQ(opened_->tensors().size(), 1u);
  ASSERT_NE(opened_->why_unread("v"), nullptr);
  EXPECT_EQ(opened_->why_unread("v")->message(),
            folder_ /
                "pytorch_model.bin: tensor v: would be made by code, which is never executed: found a call of "
                "numpy.core.multiarray.scalar");
  EXPECT_EQ(opened_->why_unread("w"), nullptr);
  // A state dict that only code could give, and a whole model.
  EXPECT_THAT(message_for(archive_of(pickle::dict({{"args", space}, {"model", scalar}}))),
              StartsWith("key model: holds no tensors by name: would be made by code"));
  EXPECT_EQ(
      message_for(archive_of(pickle::global("my.models", "Net") + ")\x81" + pickle::dict({{"w", six}}) + "b")),
      "a whole object, which only its own code could make: save its state_dict() in its place: expected a dict of "
      "tensors, or one under state_dict or model, found my.models.Net");
}

// Tensors that nobody needs may be of any kind.
TEST_F(Torch, TensorsOfOtherKinds) {
  const std::string six = pickle::tensor({});
  const auto rebuilt = [](const char* function) {
    return pickle::call(pickle::global("torch._utils", function), {"N"});
  };
  ASSERT_EQ(
      message_for(archive_of(pickle::dict(
          {{"w", six},
           {"complex", pickle::tensor({.storage = "ComplexFloatStorage", .numel = 3, .sizes = {3}, .strides = {1}})},
           {"wide", pickle::tensor({.storage = "ComplexDoubleStorage", .numel = 1, .sizes = {1}, .strides = {1}})},
           {"sparse", rebuilt("_rebuild_sparse_tensor")},
           {"quantised", rebuilt("_rebuild_qtensor")},
           {"meta", rebuilt("_rebuild_meta_tensor_no_storage")},
           {"lost", pickle::tensor({.key = "7"})},
           {"huge", pickle::tensor({.sizes = {1 << 20, 1 << 20}, .strides = {0, 0}})}}))),
      "opened");
  EXPECT_EQ(read("w"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_FALSE(info(opened_->find("complex")->type).is_weight);
  for (const auto& [name, why] : {std::pair("wide", "a type that is not read"),
                                  {"sparse", "a sparse tensor"},
                                  {"quantised", "a quantised tensor"},
                                  {"meta", "a tensor without data"},
                                  {"lost", "its storage is not in the file"},
                                  {"huge", "repeats elements"}}) {
    ASSERT_NE(opened_->why_unread(name), nullptr) << name;
    EXPECT_THAT(opened_->why_unread(name)->message(), HasSubstr(why));
  }
  // Elements that a view repeats (torch.Tensor.expand).
  ASSERT_EQ(message_with({.sizes = {4, 3}, .strides = {0, 1}}), "opened");
  EXPECT_EQ(read("w"), (std::vector<float>{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}));
  ASSERT_EQ(message_with({.sizes = {2, 4}, .strides = {3, 0}}), "opened");
  EXPECT_EQ(read("w"), (std::vector<float>{0, 0, 0, 0, 3, 3, 3, 3}));
  ASSERT_EQ(message_with({.offset = 5, .sizes = {9}, .strides = {0}}), "opened");
  EXPECT_EQ(read("w"), std::vector<float>(9, 5));
  // Parameters with state, and tensors that carry attributes.
  const std::string own = six.substr(0, six.size() - 1);  // function and arguments, not called
  const std::string function = pickle::global("torch._utils", "_rebuild_tensor_v2"),
                    tuple = own.substr(function.size());
  for (const auto& [module, name] : {std::pair("torch", "Tensor"), {"torch.nn.parameter", "Parameter"}}) {
    const std::string typed = pickle::call(pickle::global("torch._tensor", "_rebuild_from_type_v2"),
                                           {function, pickle::global(module, name), tuple, "}"});
    ASSERT_EQ(message_of(typed), "opened");
    EXPECT_EQ(read("w").size(), 6u);
  }
  const std::string distributed =
      pickle::call(pickle::global("torch._tensor", "_rebuild_from_type_v2"),
                   {function, pickle::global("torch.distributed.tensor", "DTensor"), tuple, "}"});
  EXPECT_THAT(message_of(distributed), HasSubstr("found a call of torch.distributed.tensor.DTensor"));
  ASSERT_EQ(message_of(
                pickle::call(pickle::global("torch._utils", "_rebuild_parameter_with_state"), {six, "\x88", "}", "}"})),
            "opened");
  EXPECT_EQ(read("w").size(), 6u);
}

TEST_F(Torch, BrokenPickles) {
  const auto message = [this](const std::string& pickled) {
    return message_for(zip_bytes({{"a/data.pkl", pickled}, {"a/data/0", six_floats()}}));
  };
  EXPECT_THAT(message(""), EndsWith("pickle: truncated: expected 1 more bytes, found 0"));
  EXPECT_THAT(message("\x80\x01."), EndsWith("pickle: protocol is not read: expected 2 to 5, found 1"));
  EXPECT_THAT(message("\x80\x06."), EndsWith("pickle: protocol is not read: expected 2 to 5, found 6"));
  EXPECT_THAT(message("\x80\x02."), EndsWith("pickle: does not leave one value"));
  EXPECT_THAT(message("\x80\x02NN."), EndsWith("pickle: does not leave one value"));
  EXPECT_THAT(message("\x80\x02(N."), EndsWith("pickle: does not leave one value"));
  EXPECT_THAT(message("\x80\x02N."), HasSubstr("holds no tensors by name"));
  EXPECT_THAT(message("\x80\x02}."), HasSubstr("holds no tensors by name"));
  for (const char* empty : {"0", "2", "\x85", "\x87", "a", "R", "b", "Q", "q\1", "\x94", "s", "\x93"})
    EXPECT_THAT(message(std::string("\x80\x02") + empty + "."), EndsWith("takes more from the stack than there is"));
  for (const char* no_mark : {"t", "e", "u", "1"})
    EXPECT_THAT(message(std::string("\x80\x02}") + no_mark + "."), EndsWith("takes back to a mark that is not there"));
  EXPECT_THAT(message("\x80\x02N(0."), EndsWith("takes more from the stack than there is"));  // not past a mark
  EXPECT_THAT(message("\x80\x02h\7."), EndsWith("recalls what was not remembered"));
  EXPECT_THAT(message("\x80\x02NNa."), EndsWith("adds to what is not a list"));
  EXPECT_THAT(message("\x80\x02]NNs."), EndsWith("adds to what is not a dict"));
  EXPECT_THAT(message("\x80\x02}(Nu."), EndsWith("a key without its value"));
  EXPECT_THAT(message("\x80\x02N)R."), EndsWith("calls what is not a function"));
  EXPECT_THAT(message("\x80\x02" + pickle::global("torch", "Size") + "NR."),
              EndsWith("calls a function without a tuple of arguments"));
  EXPECT_THAT(message("\x80\x02" + pickle::global("collections", "OrderedDict") + "N\x85R."),
              EndsWith("OrderedDict of no list"));
  EXPECT_THAT(message("\x80\x02" + pickle::global("collections", "OrderedDict") + "](Ne\x85R."),
              EndsWith("OrderedDict of what is not pairs"));
  EXPECT_THAT(message("\x80\x02X\xff\xff\xff\xff"),
              EndsWith("pickle: truncated: expected 4294967295 more bytes, found 0"));
  EXPECT_THAT(message("\x80\x02T\xff\xff\xff\xff"), EndsWith("pickle: negative length: found -1"));
  EXPECT_THAT(message("\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff"),
              EndsWith("pickle: truncated: expected 18446744073709551615 more bytes, found 0"));
  EXPECT_THAT(message("\x80\x02" + std::string(300, 'c')), EndsWith("a name without an end, or too long a one"));
  EXPECT_THAT(message("\x80\x02" + std::string(2000, '(')), EndsWith("nested too deep"));
  EXPECT_THAT(message("\x80\x02" + std::string(5'000'000, 'N')), EndsWith("too many values: expected at most 4000000"));
  EXPECT_THAT(message("\x80\x02N" + std::string(5'000'000, '2')), EndsWith("stack too high"));
  // A list in itself, a dict in itself: values are shared, and nothing walks them without an end.
  EXPECT_THAT(message(std::string("\x80\x02}q\0X\5\0\0\0modelh\0s.", 19)), HasSubstr("holds no tensors by name"));
  // A list that doubles with each call.
  std::string doubling = "\x80\x02](";
  for (int i = 0; i < 1000; ++i) doubling += "NN\x86";
  doubling += "eq\1";
  const std::string once = pickle::global("collections", "OrderedDict") + "h\1\x85R0";
  for (int i = 0; i < 3000; ++i) doubling += once;
  EXPECT_THAT(message(doubling + "."), EndsWith("too many values"));
}

TEST_F(Torch, TensorsThatDoNotFit) {
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(
      message_with({.numel = 7}),
      "tensor w: its storage is shorter than it should be (is the file truncated?): expected 7 elements, found 24 "
      "bytes");
  EXPECT_EQ(message_with({.numel = kLargest}),
            "tensor w: its storage is shorter than it should be (is the file truncated?): expected "
            "9223372036854775807 elements, found 24 bytes");
  EXPECT_EQ(message_with({.key = "1"}), "tensor w: its storage is not in the file: found 1");
  EXPECT_EQ(message_with({.key = "../data/0"}), "tensor w: its storage is not in the file: found ../data/0");
  EXPECT_EQ(message_with({.offset = 1}),
            "tensor w: lies outside its storage: expected within 6 elements, found sizes [2, 3], strides [3, 1] from "
            "element 1");
  EXPECT_THAT(message_with({.offset = kLargest}), StartsWith("tensor w: lies outside its storage"));
  EXPECT_THAT(message_with({.offset = -1}), StartsWith("tensor w: is put together in a way that is not read"));
  EXPECT_THAT(message_with({.sizes = {3, 3}}), StartsWith("tensor w: lies outside its storage"));
  EXPECT_THAT(message_with({.strides = {4, 1}}), StartsWith("tensor w: lies outside its storage"));
  EXPECT_THAT(message_with({.strides = {kLargest, 1}}), StartsWith("tensor w: lies outside its storage"));
  EXPECT_THAT(message_with({.sizes = {3, 2}, .strides = {kLargest, kLargest}}),
              StartsWith("tensor w: lies outside its storage"));
  EXPECT_EQ(message_with({.strides = {-3, 1}}), "tensor w: its strides are not whole numbers of at least 0");
  EXPECT_EQ(message_with({.sizes = {-2, 3}}), "tensor w: its sizes are not whole numbers of at least 0");
  EXPECT_EQ(message_with({.sizes = {6}}), "tensor w: sizes and strides do not match: expected [6], found [3, 1]");
  EXPECT_EQ(message_with({.sizes = {1LL << 32, 1LL << 32}}),
            "tensor w: shape has too many elements: found [4294967296, 4294967296]");
  // One element, a hundred million times: what a reader would allocate is not in the file.
  EXPECT_EQ(message_with({.sizes = {10000, 10000}, .strides = {0, 0}}),
            "tensor w: repeats elements of its storage: expected at most 16777216 of them in a file, found [10000, "
            "10000]");
  EXPECT_EQ(message_with({.sizes = {0, 3}}), "opened");
  EXPECT_TRUE(read("w").empty());
  EXPECT_EQ(message_with({.sizes = {}, .strides = {}}), "opened");
  EXPECT_EQ(read("w"), std::vector<float>{0});
  EXPECT_EQ(message_with({.storage = "QInt8Storage"}), "tensor w: lies in a storage of a type that is not read");
  EXPECT_EQ(message_with({.storage = "MyStorage"}), "tensor w: unknown kind of storage: found torch.MyStorage");
  EXPECT_EQ(message_with({.storage = "UntypedStorage"}), "tensor w: lies in a storage of a type that is not read");
  EXPECT_EQ(message_of(pickle::call(pickle::global("torch._utils", "_rebuild_tensor_v2"), {"N", "N"})),
            "tensor w: is put together in a way that is not read");
  const std::string bad_name = pickle::tuple({pickle::text("module")}) + "Q";
  EXPECT_EQ(message_of(pickle::call(pickle::global("torch._utils", "_rebuild_tensor_v2"),
                                    {bad_name, pickle::whole(0), pickle::numbers({1}), pickle::numbers({1})})),
            "tensor w: names a storage in a way that is not read");
  const std::string six = pickle::tensor({});
  EXPECT_EQ(message_for(archive_of(pickle::dict({{"w", six}, {"w", six}}))), "tensor w: appears twice");
  // Tied tensors share bytes; in a state dict all is read, and what is no tensor is passed over.
  EXPECT_EQ(message_for(archive_of(pickle::dict({{"w", six}, {"v", six}, {"n", "N"}, {"x", pickle::text("x")}}))),
            "opened");
  EXPECT_EQ(opened_->tensors().size(), 2u);
  for (const char* wrapper : {"state_dict", "model", "model_state_dict", "module"}) {
    EXPECT_EQ(message_for(archive_of(pickle::dict({{"epoch", "N"}, {wrapper, pickle::dict({{"w", six}})}}))), "opened");
    EXPECT_NE(opened_->find("w"), nullptr);
    // Tensors of the training script beside it, before and behind.
    EXPECT_EQ(
        message_for(archive_of(pickle::dict({{"step", six}, {wrapper, pickle::dict({{"w", six}})}, {"rng", six}}))),
        "opened");
    EXPECT_NE(opened_->find("w"), nullptr);
    EXPECT_EQ(opened_->tensors().size(), 1u);
  }
  EXPECT_THAT(message_for(archive_of(pickle::dict({{"other", pickle::dict({{"w", six}})}}))),
              StartsWith("holds no tensors by name"));
}

TEST_F(Torch, BrokenArchives) {
  const std::string pickled = pickle::whole_pickle(pickle::dict({{"w", pickle::tensor({})}}));
  const ZipMember state{"a/data.pkl", pickled}, storage{"a/data/0", six_floats()};
  EXPECT_EQ(message_for(zip_bytes({state, storage})), "opened");
  EXPECT_EQ(message_for(zip_bytes({{"data.pkl", pickled}, {"data/0", six_floats()}})), "opened");
  EXPECT_EQ(message_for(zip_bytes({{"a/b/data.pkl", pickled}})),
            "a ZIP archive that torch.save did not write: expected an entry data.pkl");
  EXPECT_EQ(message_for(zip_bytes({state})), "tensor w: its storage is not in the file: found 0");
  EXPECT_EQ(message_for(zip_bytes({state, {"b/data/0", six_floats()}})),
            "tensor w: its storage is not in the file: found 0");
  EXPECT_EQ(message_for(zip_bytes({state, {"a/data/0", six_floats(), 8}})),
            "entry a/data/0: compressed: expected stored as torch.save writes it, found method 8");
  EXPECT_EQ(message_for(zip_bytes({state, {"a/data/0", six_floats(), 0, 1}})), "entry a/data/0: encrypted");
  EXPECT_EQ(message_for(zip_bytes({state, storage, storage})), "entry a/data/0: appears twice");
  EXPECT_EQ(message_for(zip_bytes({state, storage, {"a/byteorder", "big"}})),
            "entry a/byteorder: numbers are not little-endian");
  // Its code is compressed.
  EXPECT_EQ(message_for(zip_bytes({state, storage, {"a/constants.pkl", "N."}, {"a/code/__torch__.py", "x", 8}})),
            "a TorchScript program, which is not read: expected a state dict");
  EXPECT_EQ(message_for(zip_bytes({state, storage, {std::string(2000, 'n'), ""}})),
            "entry's name too long: found 2000 bytes");
  EXPECT_THAT(message_for(zip_bytes({})), StartsWith("a ZIP archive: unpack it"));

  const std::string good = zip_bytes({state, storage});
  const auto with = [&good](size_t at, auto value) {
    std::string bytes = good;
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return bytes;
  };
  const size_t directory = good.find("PK\1\2"), second = good.find("PK\1\2", directory + 1), end = good.find("PK\5\6");
  // Sizes, in both of the second entry's headers: compressed, whole.
  std::string long_entry = good;
  const uint32_t size = 1u << 30;
  for (const size_t at : {good.find("PK\3\4", 4) + 18, good.find("PK\3\4", 4) + 22, second + 20, second + 24})
    std::memcpy(long_entry.data() + at, &size, 4);
  EXPECT_THAT(
      message_for(long_entry),
      StartsWith("entry a/data/0: lies outside the file (is it truncated?): expected 1073741824 bytes from byte"));
  EXPECT_EQ(message_for(with(second + 20, uint32_t{23})), "entry a/data/0: two different sizes");
  EXPECT_EQ(message_for(with(second + 42, uint32_t{1u << 30})),
            "entry a/data/0: its own header does not agree with the archive's directory");
  EXPECT_EQ(message_for(with(second, 'x')), "broken directory of the ZIP archive");
  EXPECT_THAT(message_for(with(end + 10, uint16_t{60000})), AnyOf(HasSubstr("ZIP archive"), HasSubstr("more entries")));
  for (size_t count = 4; count < end; ++count)
    ASSERT_EQ(message_for(good.substr(0, count)), "a ZIP archive without its directory (is it truncated?)") << count;
  for (size_t count = end; count + 4 < good.size(); ++count)  // what follows are zeros
    ASSERT_NE(message_for(good.substr(0, count)), "opened") << count;
}

TEST_F(Torch, BrokenStreams) {
  const std::string state = pickle::dict({{"w", pickle::tensor({}, true)}});
  const std::string keys = pickle::list({pickle::text("0")});
  const std::string good = stream_of(state, keys, counted(6, six_floats()));
  EXPECT_EQ(message_for(good), "opened");
  EXPECT_EQ(message_for(stream_of(state, pickle::list({}), "")), "tensor w: its storage is not in the file: found 0");
  EXPECT_EQ(message_for(stream_of(state, "N", "")), "has no list of storages");
  EXPECT_EQ(message_for(stream_of(state, pickle::list({pickle::text("9")}), "")), "storage 9: no tensor names it");
  EXPECT_EQ(message_for(stream_of(state, keys, "1234567")), "storage 0: truncated");
  EXPECT_EQ(message_for(stream_of(state, keys, counted(-1, six_floats()))),
            "storage 0: more elements than the file holds (is it truncated?): expected at most 6, found -1");
  EXPECT_EQ(message_for(stream_of(state, keys, counted(7, six_floats()))),
            "storage 0: more elements than the file holds (is it truncated?): expected at most 6, found 7");
  EXPECT_EQ(
      message_for(stream_of(state, keys, counted(5, six_floats()))),
      "tensor w: its storage is shorter than it should be (is the file truncated?): expected 6 elements, found 20 "
      "bytes");
  EXPECT_EQ(message_for(stream_of(state, pickle::list({pickle::text("0"), pickle::text("0")}),
                                  counted(6, six_floats()) + counted(6, six_floats()))),
            "storage 0: appears twice");
  std::string bytes = good;
  bytes[good.find("little_endian") + 13] = '\x89';
  EXPECT_EQ(message_for(bytes), "numbers are not little-endian");
  bytes = good;
  bytes[18] = 5;  // of 1001's bytes
  EXPECT_EQ(message_for(bytes), "version of PyTorch's format is not read: expected 1001, found 773");
  EXPECT_EQ(message_for(stream_of(pickle::global("os", "system"), keys, "")), "storage 0: no tensor names it");
  for (size_t count = 16; count < good.size(); ++count) {
    ASSERT_THAT(message_for(good.substr(0, count)), AnyOf(HasSubstr("truncated"), EndsWith("too long a one"))) << count;
  }
}

TEST_F(Torch, OtherFiles) {
  EXPECT_EQ(message_for("\1\2\3"),
            "not a file that torch.save wrote: expected a ZIP archive, or PyTorch's older stream of pickles");
  EXPECT_THAT(message_for("\x80\x02N."), StartsWith("a pickle of something else than a state dict"));
  std::string tar(512, '\0');
  tar.replace(257, 5, "ustar");
  tar[0] = 'a';
  EXPECT_THAT(message_for(tar), StartsWith("a tar archive"));
}

TEST_F(Torch, Shards) {
  const auto shard = [](const char* name) { return archive_of(pickle::dict({{name, pickle::tensor({})}})); };
  write_bytes(folder_ / "one.bin", shard("a"));
  write_bytes(folder_ / "two.bin", shard("b"));
  const auto message = [&](const std::string& map) {
    write_bytes(folder_ / "pytorch_model.bin.index.json", R"({"weight_map":)" + map + "}");
    const auto opened = open_checkpoint(folder_.path());
    return opened ? std::string("opened") : opened.error().message().substr(folder_.path().size() + 1);
  };
  EXPECT_EQ(message(R"({"a":"one.bin","b":"two.bin"})"), "opened");
  EXPECT_EQ(message(R"({"a":"two.bin","b":"one.bin"})"), "opened") << "an index older than its shards";
  for (const char* name : {"../one.bin", "/etc/passwd", "..", "", "sub/one.bin"})
    EXPECT_EQ(message(R"({"a":")" + std::string(name) + "\"}"),
              "pytorch_model.bin.index.json: tensor a: bad shard name: expected a plain file name, found \"" +
                  std::string(name) + "\"");
  EXPECT_EQ(message(R"({"a":"three.bin","b":"two.bin","a":"one.bin"})"), "opened");  // the last of two keys counts
  EXPECT_EQ(message(R"({"a":"three.bin"})"), "three.bin: shard: cannot be opened: No such file or directory");
  std::string deep = R"({"a":)";
  for (int i = 0; i < 100'000; ++i) deep += "[";
  EXPECT_THAT(message(deep), StartsWith("pytorch_model.bin.index.json: line 1, column "));
}

}  // namespace
}  // namespace lstar
