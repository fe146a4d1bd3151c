#include "lstar/analysis/forms.h"

#include <algorithm>
#include <array>

namespace lstar {
namespace {

constexpr std::array<std::string_view, 5> kColumnNames{"1", "L", "1/H", "L/H", "1 - G"};
constexpr std::span<const std::string_view> kAll{kColumnNames};

constexpr std::array<Form, 4> kForms{{
    {"constant", "L*/L = c0", kAll.first(1)},
    {"v3", "L*/L = c0 + c1 L + c2/H", kAll.first(3)},
    {"v4", "L*/L = c0 + c1 L + c2/H + c3 L/H", kAll.first(4)},
    {"v5", "L*/L = c0 + c1 L + c2/H + c3 L/H + c4 (1 - G)", kAll.first(5), true},
}};

}  // namespace

std::span<const Form> forms() { return kForms; }

const Form* find_form(std::string_view name) {
  const auto* found = std::find_if(kForms.begin(), kForms.end(), [&](const Form& form) { return form.name == name; });
  return found == kForms.end() ? nullptr : found;
}

std::vector<double> row_of(const Form& form, const FormInput& model) {
  const double layers = model.layers, heads = model.heads;
  const double all[] = {1, layers, 1 / heads, layers / heads, 1 - model.gain.value_or(1)};
  return {all, all + form.columns.size()};
}

}  // namespace lstar
