#include "lstar/architecture/unread_tensors.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lstar/architecture/language_part.h"
#include "lstar/checkpoint/folder_listing.h"

namespace lstar {
namespace {

bool contains_any(std::string_view name, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](auto part) { return name.find(part) != name.npos; });
}

// How the names of parameters begin that PEFT's methods add to a layer, each method under a word of its own (0.21's,
// and Bone's of before); words that a part of some model might have are written out.
constexpr std::string_view kAdapterWords[] = {
    "adamss_",     "adaption_", "beft_",      "boft_",        "bone_",
    "c3a_",        "deft_P",    "deft_R",     "delora_",      "fourierft_",
    "frod_lambda", "glora_",    "gralora_",   "hada_",        "hira_",
    "hra_u",       "ia3_",      "lily_A",     "lily_B",       "lily_router",
    "ln_tuning_",  "lokr_",     "lora_",      "miss_",        "oft_",
    "osf_svd_",    "peanut_",   "poly_lora_", "poly_router",  "psoft_",
    "pvera_",      "randlora_", "road_alpha", "road_theta",   "shadow_down",
    "shadow_up",   "shira_",    "tinylora_",  "supertuning_", "trainable_tokens_",
    "unilora_",    "vblora_",   "vera_A",     "vera_B",       "vera_lambda_",
    "waveft_",
};
// Whole parts of a name: the layer that an adapter lies around, AdaLoRA's ranks, X-LoRA's switch.
constexpr std::string_view kAdapterParts[] = {"base_layer", "ranknum", "internal_xlora_classifier"};
// Prompts that were learned stand beside the model. (A segmenter of images has a prompt_encoder too, deeper inside.)
constexpr std::string_view kLearnedPrompts[] = {"prompt_encoder.", "prompt_embeddings"};

bool is_of_adapter(std::string_view name) {
  for (const std::string_view begin : kLearnedPrompts)
    if (name.starts_with(begin)) return true;
  if (contains_any(name, {".adapters."})) return true;
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('.'));
    for (const std::string_view word : kAdapterWords)
      if (part.starts_with(word)) return true;
    for (const std::string_view whole : kAdapterParts)
      if (part == whole) return true;
    name.remove_prefix(std::min(part.size() + 1, name.size()));
  }
  return false;
}

// What modules keep beside their weights and compute anew: no model is the poorer without it.
bool is_buffer(std::string_view name) {
  return contains_any(name, {"rotary_emb.", "rotary_pos_emb.inv_freq", "masked_bias", "position_ids", "token_type_ids",
                             "causal_mask", "_extra_state", "num_batches_tracked", ".rope.freqs"}) ||
         name.ends_with("attn.bias") || name.ends_with("attention.bias") || name == "rope_freqs.weight" ||
         name.starts_with("rope_factors_");
}

// The embedding once more under the output's name (the checkpoint ties them), or an output that a trace does not need.
bool is_output(std::string_view name) {
  return contains_any(name, {"lm_head.weight", "lm_head.bias", "lm_head.decoder.", "embed_out."}) ||
         name == "output.weight";
}

struct Kind {
  std::string_view is;  // "tensors of ..."
  std::initializer_list<std::string_view> parts;
};
const Kind kKinds[] = {
    {"vision and audio parts",
     {"vision", "visual", "image", "multi_modal", "multimodal", "mm_projector", "audio", "perceiver", "connector",
      "resampler", "mlp1."}},
    {"prediction layers", {"mtp", "nextn", "eh_proj", "medusa", "eagle"}},
    {"other heads",
     {"pooler", "classifier", "score.", "qa_outputs", "cls.", "v_head", "value_head", "lm_head", "predictions",
      "reward", "summary.", "regression"}},
};
constexpr size_t kPrediction = 1;
constexpr size_t kUnknown = std::size(kKinds), kBias = kUnknown + 1, kGroups = kUnknown + 2;

size_t kind_of(std::string_view name) {
  if (name.starts_with("v.") || name.starts_with("mm.") || name.starts_with("a.")) return 0;  // in a GGUF
  for (size_t i = 0; i < kUnknown; ++i)
    if (contains_any(name, kKinds[i].parts)) return i;
  return kUnknown;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number that begins here, and how many digits it has; nothing where there is none or it is of no use.
std::optional<std::pair<int64_t, size_t>> leading_number(std::string_view text) {
  size_t digits = 0;
  int64_t number = 0;
  while (digits < text.size() && digits < 9 && is_digit(text[digits])) number = number * 10 + (text[digits++] - '0');
  if (digits == 0) return std::nullopt;
  return std::pair(number, digits);
}

// The numbers that stand where a pattern has "{}", at most two; nothing where the name is another's.
std::optional<std::array<int64_t, 2>> match(std::string_view pattern, std::string_view name) {
  std::array<int64_t, 2> numbers{-1, -1};
  for (int64_t& found : numbers) {
    const size_t open = pattern.find("{}");
    if (open == pattern.npos) break;
    if (name.substr(0, open) != pattern.substr(0, open)) return std::nullopt;
    const auto number = leading_number(name.substr(open));
    if (!number) return std::nullopt;
    found = number->first;
    name.remove_prefix(open + number->second);
    pattern.remove_prefix(open + 2);
  }
  return name == pattern ? std::optional(numbers) : std::nullopt;
}

std::string without_numbers(std::string_view name) {
  std::string kind;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool begins = is_digit(name[i]) && (i == 0 || name[i - 1] == '.');
    const auto number = begins ? leading_number(name.substr(i)) : std::nullopt;
    const size_t end = i + (number ? number->second : 0);
    if (number && (end == name.size() || name[end] == '.')) {
      kind += "{}";
      i = end - 1;
    } else {
      kind += name[i];
    }
  }
  return kind;
}

// The configuration, and the language model's part of it.
std::vector<Configuration> sections_of(const Checkpoint& checkpoint) {
  std::vector<Configuration> sections{checkpoint.configuration()};
  for (std::string_view name : kLanguageParts)
    if (const auto inner = sections[0].find(name)) sections.push_back(*inner);
  return sections;
}

class Reader {
 public:
  Reader(const Architecture& a, const Checkpoint& c, const Weights& w) : a_(a), c_(c), read_(c.tensors().size()) {
    for (const TensorInfo* one : {w.token_embedding, w.position_embedding, w.token_type_embedding}) mark(one);
    for (const auto* norm : {&w.embedding_norm, &w.final_norm})
      if (*norm) mark(**norm);
    for (const auto* linear : {&w.project_in, &w.project_out})
      if (*linear) mark(**linear);
    if (w.output) mark(*w.output);
    for (const LayerWeights& layer : w.layers) {
      for (const LinearRef* linear : linears(layer)) mark(*linear);
      for (const NormRef* norm : norms(layer)) mark(*norm);
      mark(layer.sinks);
    }
    if (w.layers.empty()) return;
    // What stands in front of the model's own names in this checkpoint.
    const std::string first = fmt::format(fmt::runtime(a.weights[size_t(Role::attention_out)]->pattern), 0);
    const std::string_view name = w.layers[0].attention_out.weight->name;
    prefix_ = name.substr(0, std::min(name.find(first), name.size()));
  }

  bool reads(const TensorInfo& tensor) const { return read_[index(tensor)]; }

  // A bias whose weight is read, by a layer that has none.
  bool is_bias_of_what_is_read(const TensorInfo& tensor) const {
    constexpr std::string_view kBiasSuffix = ".bias";
    if (!tensor.name.ends_with(kBiasSuffix)) return false;
    const std::string stem = tensor.name.substr(0, tensor.name.size() - kBiasSuffix.size());
    const TensorInfo* weight = c_.find(stem + ".weight");
    return weight && reads(*weight);
  }

  // What an unread tensor is if it has the name of a weight that the architecture has.
  std::optional<std::string> same_pattern(const TensorInfo& tensor) const {
    std::string_view name = tensor.name;
    if (!name.starts_with(prefix_)) return std::nullopt;
    name.remove_prefix(prefix_.size());
    for (const auto& ref : a_.weights) {
      if (!ref || ref->pattern.find("{}") == std::string::npos || !name.ends_with(ref->weight_suffix)) continue;
      const auto numbers = match(ref->pattern, name.substr(0, name.size() - ref->weight_suffix.size()));
      if (!numbers) continue;
      const auto [layer, expert] = *numbers;
      if (layer >= a_.layers) return layer - a_.layers < extra_layers() ? "" : fmt::format("layer {}", layer);
      if (expert >= 0) return fmt::format("part {} of layer {}", expert, layer);
      return fmt::format("a part of layer {}", layer);
    }
    return std::nullopt;
  }

 private:
  // Layers behind the last that predict further tokens, of which the configuration speaks.
  int64_t extra_layers() const {
    for (const Configuration& section : sections_of(c_))
      if (const auto layers = section.integer("num_nextn_predict_layers")) return *layers;
    return 0;
  }

  size_t index(const TensorInfo& tensor) const { return static_cast<size_t>(&tensor - c_.tensors().data()); }
  void mark(const TensorInfo* tensor) {
    if (tensor) read_[index(*tensor)] = true;
  }
  void mark(const LinearRef& linear) {
    mark(linear.weight);
    mark(linear.bias);
  }
  void mark(const NormRef& norm) {
    mark(norm.gain);
    mark(norm.bias);
  }

  const Architecture& a_;
  const Checkpoint& c_;
  std::vector<bool> read_;
  std::string prefix_;
};

// The key of the configuration that says a number, as it is written there.
std::string key_of(const Checkpoint& checkpoint, std::initializer_list<std::string_view> spellings) {
  for (const Configuration& section : sections_of(checkpoint))
    for (std::string_view key : spellings)
      if (section.find(key)) return std::string(key);
  return fmt::format("{}", fmt::join(spellings, " or "));
}

std::string said_of_sizes(const Architecture& a, const Checkpoint& checkpoint) {
  std::string said =
      fmt::format("{} layers ({})", a.layers,
                  key_of(checkpoint, {"num_hidden_layers", "n_layer", "num_layers", "n_layers", "block_count"}));
  if (a.experts.count > 0)
    said += fmt::format(" and {} experts ({})", a.experts.count,
                        key_of(checkpoint, {"num_experts", "num_local_experts", "expert_count"}));
  return said;
}

struct Group {
  size_t tensors = 0;
  std::set<std::string> names;  // without numbers
};

std::string warning(size_t kind, const Group& group) {
  constexpr size_t kMostNames = 6;
  std::vector<std::string> names;
  for (const std::string& name : group.names)
    if (names.size() < kMostNames) names.push_back(plain_text(name));
  const std::string_view is = kind == kBias      ? "biases that the configuration leaves out"
                              : kind == kUnknown ? "unknown use"
                                                 : kKinds[kind].is;
  return fmt::format(
      "not read: {} tensor{} of {}: {}{}", group.tensors, group.tensors == 1 ? "" : "s", is, fmt::join(names, ", "),
      group.names.size() > kMostNames ? fmt::format(" and {} more", group.names.size() - kMostNames) : "");
}

}  // namespace

Result<void> refuse_unmerged_adapters(const Checkpoint& checkpoint) {
  for (const TensorInfo& tensor : checkpoint.tensors())
    if (is_of_adapter(tensor.name))
      return fail(
          {.kind = ErrorKind::unsupported,
           .what = "an adapter that is not merged into its model: merge it (PEFT: merge_and_unload) and save again",
           .file = checkpoint.file_of(tensor),
           .at = "tensor " + tensor.name});
  return {};
}

Result<std::vector<std::string>> unread_tensors(const Architecture& a, const Checkpoint& checkpoint,
                                                const Weights& weights) {
  const Reader reader(a, checkpoint, weights);
  std::array<Group, kGroups> groups;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (reader.reads(tensor) || is_buffer(tensor.name) || is_output(tensor.name)) continue;
    const auto further = reader.same_pattern(tensor);
    if (further && !further->empty())
      return fail({.what = "the checkpoint has more than the configuration says",
                   .file = checkpoint.file_of(tensor),
                   .at = "tensor " + tensor.name,
                   .expected = said_of_sizes(a, checkpoint),
                   .found = *further});
    const size_t kind = further ? kPrediction : reader.is_bias_of_what_is_read(tensor) ? kBias : kind_of(tensor.name);
    Group& group = groups[kind];
    ++group.tensors;
    group.names.insert(without_numbers(tensor.name));
  }
  std::vector<std::string> warnings;
  for (size_t kind = 0; kind < groups.size(); ++kind)
    if (groups[kind].tensors > 0) warnings.push_back(warning(kind, groups[kind]));
  return warnings;
}

}  // namespace lstar
