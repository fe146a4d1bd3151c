#include <map>
#include <set>

#include "lstar/study/result_diff.h"

namespace lstar {
namespace {

// The hashes of its weights, where each file has one.
std::string weights_of(const ReportedModel& model) {
  std::string all;
  for (const ReportedFile& file : model.files.value.value_or(std::vector<ReportedFile>())) {
    if (!file.sha256) return {};
    all += *file.sha256 + " ";
  }
  return all;
}

}  // namespace

// Those of the same name, in their order, and of what is left those of the same weights.
ModelsMatch match_models(const std::vector<ReportedModel>& a, const std::vector<ReportedModel>& b) {
  std::map<std::string_view, std::vector<const ReportedModel*>> by_name;
  for (const ReportedModel& model : b) by_name[model.name].push_back(&model);
  std::map<std::string_view, size_t> taken;
  std::set<const ReportedModel*> of_both;  // of b
  ModelsMatch match;
  for (const ReportedModel& model : a) {
    const auto& same = by_name[model.name];
    const size_t n = taken[model.name]++;
    match.in_both.emplace_back(&model, n < same.size() ? same[n] : nullptr);
    if (n < same.size()) of_both.insert(same[n]);
  }
  std::map<std::string, const ReportedModel*> by_weights;
  for (const ReportedModel& model : b)
    if (const std::string weights = weights_of(model); !weights.empty() && !of_both.contains(&model))
      by_weights.emplace(weights, &model);
  for (auto& [model, other] : match.in_both) {
    if (other) continue;
    if (const auto same = by_weights.extract(weights_of(*model))) of_both.insert(other = same.mapped());
    if (!other) match.removed.push_back(model->name);
  }
  std::erase_if(match.in_both, [](const auto& pair) { return !pair.second; });
  for (const ReportedModel& model : b)
    if (!of_both.contains(&model)) match.added.push_back(model.name);
  return match;
}

}  // namespace lstar
