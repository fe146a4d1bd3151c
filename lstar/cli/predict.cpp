#include <memory>

#include <fmt/core.h>

#include "lstar/analysis/formulas.h"
#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/prediction.h"

namespace lstar::cli {

void add_predict(CLI::App& app, int& status) {
  struct Options {
    int layers = 0, heads = 0;
    std::optional<double> gain;
    std::string formula;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("predict", "L* by the published formulas; needs no model");
  command->add_option("-L,--layers", options->layers, "Number of layers")->required()->check(decimal(1, 100000));
  command->add_option("-H,--heads", options->heads, "Number of attention heads")->required()->check(decimal(1, 100000));
  command->add_option("-G,--gain", options->gain, "Residual gain of the layer before the last, for v1, v2 and v5")
      ->check(finite_number());
  command->add_option("--formula", options->formula, "One formula only")->check(one_of(formula_names()));
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] {
    const std::vector<FormulaValue> values =
        formula_values(options->layers, options->heads, options->gain, options->formula);
    print(options->json
              ? prediction_json(options->layers, options->heads, options->gain, values)
              : prediction_text(options->layers, options->heads, options->gain, values, stdout_takes_colour()));
    status = kDone;
  });
}

}  // namespace lstar::cli
