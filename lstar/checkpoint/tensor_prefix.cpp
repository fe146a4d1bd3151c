#include "lstar/checkpoint/tensor_prefix.h"

#include <algorithm>
#include <initializer_list>

#include "lstar/checkpoint/folder_listing.h"

namespace lstar {
namespace {

// What models themselves begin with, so that it never comes off for that alone: the prefixes of
// lstar/architecture/families, as tests/architecture/prefixes_test.cpp sees to.
constexpr std::string_view kOfModels[] = {"model.",          "transformer.", "gpt_neox.",    "bert.",    "roberta.",
                                          "decoder.",        "encoder.",     "embeddings.",  "lm_head.", "layers.",
                                          "language_model.", "text_model.",  "vision_model."};
// Inside a wrapper that is itself called model, a model begins so. (Those of text and images keep theirs in
// model.language_model, which stays.)
constexpr std::string_view kInsideModel[] = {
    "model.",     "lm_head.", "transformer.",     "gpt_neox.",  "bert.",       "roberta.",        "h.", "wte.", "wpe.",
    "embed_out.", "module.",  "word_embeddings.", "_orig_mod.", "base_model.", "_forward_module."};
// What else a model saved without its head begins with.
constexpr std::string_view kBare[] = {"embed_tokens.", "embed_in.", "blocks.", "norm.", "ln_f.", "final_layernorm."};
constexpr std::string_view kWithin[] = {"_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_orig_mod."};

bool all_begin(const std::vector<std::string_view>& names, std::string_view prefix) {
  return std::all_of(names.begin(), names.end(),
                     [&](std::string_view name) { return name.size() > prefix.size() && name.starts_with(prefix); });
}

bool any_begins(const std::vector<std::string_view>& names, size_t from, std::string_view prefix) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return name.substr(from).starts_with(prefix); });
}

// The next prefix that all share behind `taken`; empty where nothing more comes off.
std::string next_prefix(const std::vector<std::string_view>& names, const std::string& taken) {
  const std::string_view first = names.front();
  const size_t dot = first.find('.', taken.size());
  if (dot == first.npos) return {};
  const std::string part(first.substr(taken.size(), dot + 1 - taken.size()));
  if (!all_begin(names, taken + part)) return {};
  std::string peft = "base_model.model.";
  if (all_begin(names, taken + peft)) return peft;
  if (part == "model.") {
    const auto is_inside = [&](std::string_view begin) { return any_begins(names, taken.size() + part.size(), begin); };
    return std::any_of(std::begin(kInsideModel), std::end(kInsideModel), is_inside) ? part : std::string();
  }
  if (std::find(std::begin(kOfModels), std::end(kOfModels), part) != std::end(kOfModels)) return {};
  const bool is_number = part.find_first_not_of("0123456789.") == part.npos;  // a module in a list
  return is_number ? std::string() : part;
}

}  // namespace

std::string wrapper_prefix(const std::vector<std::string_view>& names) {
  constexpr size_t kFewest = 2, kDeepest = 8;  // one name shares everything with itself
  std::string prefix;
  if (names.size() < kFewest) return prefix;
  for (size_t depth = 0; depth < kDeepest; ++depth) {
    const std::string next = next_prefix(names, prefix);
    if (next.empty()) break;
    prefix += next;
  }
  // Only where a model is left.
  const auto is_left = [&](std::string_view begin) { return any_begins(names, prefix.size(), begin); };
  const bool has_model = std::any_of(std::begin(kOfModels), std::end(kOfModels), is_left) ||
                         std::any_of(std::begin(kInsideModel), std::end(kInsideModel), is_left) ||
                         std::any_of(std::begin(kBare), std::end(kBare), is_left);
  return has_model ? prefix : std::string();
}

std::string without_wrappers(std::string_view name) {
  std::string bare;
  while (!name.empty()) {  // at the begin of a part
    const auto wrapper = std::find_if(std::begin(kWithin), std::end(kWithin),
                                      [&](std::string_view part) { return name.starts_with(part); });
    const bool is_wrapper = wrapper != std::end(kWithin);
    const size_t end = is_wrapper ? wrapper->size() : std::min(name.find('.'), name.size() - 1) + 1;
    if (!is_wrapper) bare += name.substr(0, end);
    name.remove_prefix(end);
  }
  return bare;
}

std::vector<std::string> unwrap_names(std::vector<PlacedTensor>& tensors, UnreadTensors& unread) {
  std::vector<std::string> notes;
  bool has_wrappers = false;
  const auto rename_all = [&](const auto& renamed) {
    for (PlacedTensor& tensor : tensors) tensor.info.name = renamed(tensor.info.name);
    UnreadTensors others;
    for (auto& [name, error] : unread) others.emplace(renamed(name), std::move(error));
    unread = std::move(others);
  };
  rename_all([&](const std::string& name) {
    std::string bare = without_wrappers(name);
    has_wrappers = has_wrappers || bare != name;
    return bare;
  });
  if (has_wrappers)
    notes.emplace_back("tensor names are read without the names of wrappers in them (torch.compile, FSDP)");
  std::vector<std::string_view> names;
  for (const PlacedTensor& tensor : tensors) names.push_back(tensor.info.name);
  const std::string prefix = wrapper_prefix(names);
  if (prefix.empty()) return notes;
  rename_all([&](const std::string& name) { return name.starts_with(prefix) ? name.substr(prefix.size()) : name; });
  notes.push_back("tensor names are read without the prefix that all of them have: " + plain_text(prefix));
  return notes;
}

}  // namespace lstar
