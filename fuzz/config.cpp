// A config.json: as it stands, and as if it were another family's. The checkpoint begins empty and gets the tensors
// that binding asks for, one by one, as long as the model is small.
#include <charconv>
#include <functional>

#include "fuzz/support.h"
#include "lstar/model/family.h"
#include "lstar/model/weights.h"

namespace lstar::fuzz {
namespace {

class NamesOnly final : public Checkpoint {
 public:
  NamesOnly(Json config, const char* format) : config_(config) {
    path_ = "memory";
    format_ = format;
  }
  void add(TensorInfo tensor) {
    const auto at = std::lower_bound(tensors_.begin(), tensors_.end(), tensor.name,
                                     [](const TensorInfo& a, const std::string& name) { return a.name < name; });
    tensors_.insert(at, std::move(tensor));
  }
  Result<void> read(const TensorInfo&, RowRange, std::span<float>) const override { return fail("no numbers"); }
  Result<void> read(const TensorInfo&, RowRange, std::span<double>) const override { return fail("no numbers"); }
  Json config() const override { return config_; }
  TokenizerSource tokenizer() const override { return {}; }

 private:
  Json config_;
};

// "shape [2, 3]"
Shape shape_of(std::string_view text) {
  Shape shape;
  for (size_t at = text.find('['); at != text.npos; at = text.find(' ', at + 1)) {
    int64_t dim = 0;
    std::from_chars(text.data() + at + 1, text.data() + text.size(), dim);
    shape.dims.push_back(dim);
  }
  return shape;
}

void bind_all(const Architecture& a, NamesOnly& checkpoint) {
  const int64_t experts = a.experts.count, norms = a.head_norm_of_each ? a.heads : 1;
  const bool is_small = a.layers <= 2 && experts <= 4 && norms <= 8;
  for (int i = 0; i < (is_small ? 100 : 2); ++i) {
    const auto bound = bind(a, checkpoint);
    if (succeeded(bound)) {
      require(bound->layers.size() == static_cast<size_t>(a.layers), "every layer is bound");
      if (succeeded(bound->output) || bound->output.error().what != "missing tensor") return;
    }
    const Error& error = bound ? bound->output.error() : bound.error();
    if (error.what != "missing tensor") return;
    constexpr std::string_view kLabel = "tensor ";
    require(error.at.starts_with(kLabel), "a missing tensor is named");
    std::string name = error.at.substr(kLabel.size());
    require(!checkpoint.find(name), "what is missing is not there");
    checkpoint.add({.name = std::move(name), .type = StoredType::float32, .shape = shape_of(error.expected)});
  }
}

void read(Json config) {
  for (const char* format : {"safetensors", "gguf"}) {
    NamesOnly checkpoint(config, format);
    const auto a = read_architecture(checkpoint);
    if (!succeeded(a)) continue;
    require(a->layers >= 1 && a->hidden >= 1 && a->heads >= 1 && a->kv_heads >= 1 && a->head_dim >= 1 && a->mlp >= 0 &&
                a->vocab >= 1,
            "sizes are positive");
    require(a->heads % a->kv_heads == 0, "heads are shared evenly");
    require(a->plan.size() == static_cast<size_t>(a->layers), "there is a plan for each layer");
    bind_all(*a, checkpoint);
  }
}

void run(std::string_view text) {
  const auto document = JsonDocument::parse(text, "memory/config.json");
  if (!succeeded(document) || !document->root().is_object()) return;
  read(document->root());

  // The same with the name of a family that the text itself chooses.
  std::string other(text);
  constexpr std::string_view kKey = "\"model_type\"";
  const size_t key = other.find(kKey), open = key == other.npos ? key : other.find('"', key + kKey.size());
  const size_t close = open == other.npos ? open : other.find('"', open + 1);
  if (close == other.npos) return;
  const size_t choice = std::hash<std::string_view>()(text) % families().size();
  other.replace(open + 1, close - open - 1, families()[choice].model_type);
  const auto renamed = JsonDocument::parse(other, "memory/config.json");
  if (succeeded(renamed) && renamed->root().is_object()) read(renamed->root());
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
