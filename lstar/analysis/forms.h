// Forms of a formula for L*/L, without coefficients: what a fit puts in. The published formulas' forms bear their
// names. Pure; safe from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lstar {

// What a form reads of a model.
struct FormInput {
  int layers = 0, heads = 0;
  std::optional<double> gain;  // residual gain G of the layer before the last
};

struct Form {
  std::string_view name;                      // "v3"
  std::string_view text;                      // "L*/L = c0 + c1 L + c2/H"
  std::span<const std::string_view> columns;  // "1", "L", "1/H"
  bool needs_gain = false;
};

// constant, v3 (1, L, 1/H), v4 (and L/H), v5 (and 1 - G).
std::span<const Form> forms();
const Form* find_form(std::string_view name);  // null if there is none of this name

// A form's columns of a model. A gain that is not there is taken as 1.
std::vector<double> row_of(const Form&, const FormInput&);

}  // namespace lstar
