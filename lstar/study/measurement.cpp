#include "lstar/study/measurement.h"

#include <map>

#include <fmt/core.h>

#include "lstar/checkpoint/checkpoint.h"

namespace lstar {
namespace {

std::string stored_dtypes(const Checkpoint& checkpoint) {
  std::map<std::string, int64_t> elements;
  for (const TensorInfo& tensor : checkpoint.tensors())
    if (info(tensor.type).is_weight) elements[std::string(info(tensor.type).name)] += tensor.shape.elements();
  if (elements.size() == 1) return elements.begin()->first;
  std::string names;
  for (const auto& [name, count] : elements) names += (names.empty() ? "mixed: " : ", ") + name;
  return names;
}

}  // namespace

Identity identity_of(const std::string& name, const Checkpoint& checkpoint) {
  return {.model = name,
          .path = checkpoint.path(),
          .revision = checkpoint.revision(),
          .format = checkpoint.format(),
          .files = {},
          .stored_dtype = stored_dtypes(checkpoint)};
}

Result<void> refuse_warnings(const std::vector<std::string>& warnings, const std::string& model) {
  if (warnings.empty()) return {};
  const std::string others = warnings.size() > 1 ? fmt::format(" and {} more", warnings.size() - 1) : "";
  return fail({.kind = ErrorKind::unsupported,
               .what = fmt::format("{} (a warning{}, refused by strict)", warnings[0], others),
               .file = model});
}

}  // namespace lstar
