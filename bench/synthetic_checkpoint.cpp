// Writes a GPT-2-shaped checkpoint with random float16 weights, for measuring time and memory where a lab's own
// checkpoint is not at hand:  synthetic_checkpoint FOLDER [POSITIONS]
// The default is openai-community/gpt2's shape: 12 layers, 12 heads, width 768, vocabulary 50,257; 124 M parameters.
#include <sys/stat.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "lstar/base/dtype.h"

namespace {

struct Tensor {
  std::string name;
  std::vector<int64_t> dims;
  double mean, deviation;
  int64_t elements() const {
    int64_t product = 1;
    for (int64_t dim : dims) product *= dim;
    return product;
  }
};

std::vector<Tensor> gpt2_tensors(int64_t layers, int64_t d, int64_t vocab, int64_t positions) {
  std::vector<Tensor> tensors{{"wte.weight", {vocab, d}, 0, 0.1}, {"wpe.weight", {positions, d}, 0, 0.05}};
  for (int64_t l = 0; l < layers; ++l) {
    const auto add = [&](const char* name, std::vector<int64_t> dims, double mean, double deviation) {
      tensors.push_back({fmt::format("h.{}.{}", l, name), std::move(dims), mean, deviation});
    };
    for (const char* norm : {"ln_1", "ln_2"}) {
      add(fmt::format("{}.weight", norm).c_str(), {d}, 1, 0.1);
      add(fmt::format("{}.bias", norm).c_str(), {d}, 0, 0.1);
    }
    add("attn.c_attn.weight", {d, 3 * d}, 0, 0.05);
    add("attn.c_attn.bias", {3 * d}, 0, 0.05);
    add("attn.c_proj.weight", {d, d}, 0, 0.02);
    add("attn.c_proj.bias", {d}, 0, 0.02);
    add("mlp.c_fc.weight", {d, 4 * d}, 0, 0.02);
    add("mlp.c_fc.bias", {4 * d}, 0, 0.02);
    add("mlp.c_proj.weight", {4 * d, d}, 0, 0.02);
    add("mlp.c_proj.bias", {d}, 0, 0.02);
  }
  tensors.push_back({"ln_f.weight", {d}, 1, 0.1});
  tensors.push_back({"ln_f.bias", {d}, 0, 0.1});
  return tensors;
}

uint16_t float16_bits(float value) {  // of a normal number or zero
  const uint32_t bits = std::bit_cast<uint32_t>(lstar::round_to_float16(value));
  if (std::fabs(value) < 0x1p-14f) return static_cast<uint16_t>((bits >> 16) & 0x8000u);
  return static_cast<uint16_t>(((bits >> 16) & 0x8000u) | (((bits & 0x7fffffffu) >> 13) - (112u << 10)));
}

// Sum of four uniform numbers: near enough to normal for weights, and the same everywhere.
double noise(uint64_t& state) {
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    sum += static_cast<double>(state >> 40) / 16777216.0 - 0.5;
  }
  return sum * 1.7320508;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "synthetic_checkpoint FOLDER [POSITIONS]\n"), 2;
  const std::string folder = argv[1];
  const int64_t positions = argc > 2 ? std::atoll(argv[2]) : 1024;
  ::mkdir(folder.c_str(), 0777);
  const auto tensors = gpt2_tensors(12, 768, 50257, positions);

  std::string header = "{";
  int64_t offset = 0;
  for (const Tensor& tensor : tensors) {
    const int64_t end = offset + 2 * tensor.elements();
    header += fmt::format(R"({}"{}":{{"dtype":"F16","shape":[{}],"data_offsets":[{},{}]}})", offset ? "," : "",
                          tensor.name, fmt::join(tensor.dims, ","), offset, end);
    offset = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');

  std::FILE* file = std::fopen((folder + "/model.safetensors").c_str(), "wb");
  if (!file) return std::perror(folder.c_str()), 1;
  const uint64_t length = header.size();
  std::fwrite(&length, sizeof length, 1, file);
  std::fwrite(header.data(), 1, header.size(), file);
  uint64_t state = 1;
  std::vector<uint16_t> row;
  for (const Tensor& tensor : tensors) {
    row.resize(static_cast<size_t>(tensor.elements()));
    for (uint16_t& value : row) value = float16_bits(static_cast<float>(tensor.mean + tensor.deviation * noise(state)));
    std::fwrite(row.data(), 2, row.size(), file);
  }
  if (std::fclose(file) != 0) return std::perror(folder.c_str()), 1;

  std::FILE* config = std::fopen((folder + "/config.json").c_str(), "w");
  if (!config) return std::perror(folder.c_str()), 1;
  fmt::print(
      config,
      R"({{"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "vocab_size": 50257, "n_positions": {}}})",
      positions);
  return std::fclose(config) == 0 ? 0 : 1;
}
