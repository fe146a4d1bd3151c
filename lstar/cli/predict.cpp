#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

#include <fmt/core.h>

#include "lstar/analysis/formulas.h"
#include "lstar/analysis/residual_gain.h"
#include "lstar/analysis/statistics.h"
#include "lstar/architecture/configured.h"
#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/cross_heritage.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/models.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/prediction.h"
#include "lstar/report/text/failed_prompts.h"
#include "lstar/study/open_model.h"

namespace lstar::cli {
namespace {

constexpr const char* kMeasured = "measured";

struct PredictOptions {
  std::string model, gain, formula;
  int layers = 0, heads = 0, threads = 0;
  PromptOptions prompts;
  bool json = false;
  bool measures() const { return gain == kMeasured; }
  bool has_prompts() const { return !prompts.texts.empty() || !prompts.token_ids.empty() || !prompts.file.empty(); }
};

struct Shape {
  int layers = 0, heads = 0;
  std::optional<double> gain;
  std::optional<PredictedModel> model;
};

tl::unexpected<Error> wrong_usage(std::string what) { return fail(ErrorKind::argument, std::move(what)); }

Result<void> check(const PredictOptions& options) {
  const bool has_shape = options.layers > 0 || options.heads > 0;
  if (options.model.empty() && (options.layers == 0 || options.heads == 0))
    return wrong_usage("predict takes a MODEL, or --layers and --heads");
  if (!options.model.empty() && has_shape)
    return wrong_usage("--layers and --heads stand in a MODEL's place: its configuration says them");
  if (!options.model.empty()) LSTAR_TRY(check_model(options.model));
  if (options.measures() && options.model.empty()) return wrong_usage("--gain measured is measured on a MODEL");
  if (!options.measures() && options.has_prompts()) return wrong_usage("prompts are for --gain measured");
  return {};
}

// The gain of each prompt, on the prompts given or those of the built-in study. Runs the model.
Result<std::vector<double>> measured_gains(const PredictOptions& options, const std::string& path) {
  LSTAR_ASSIGN(AskedPrompts asked, options.prompts.read());
  if (asked.prompts.empty()) {
    LSTAR_ASSIGN(const Study study, cross_heritage_study());
    asked.prompts = study.prompts;
  }
  ProgressBar bar(false);
  bar.label(options.model);
  const MeasureOptions measuring{.numerics = {.dtype = Dtype::float32},
                                 .wants = Want::residual_norm,
                                 .hash_files = false,
                                 .on_step = bar.callback()};
  const auto measured = measure(path, asked.prompts, measuring, {.name = options.model, .threads = options.threads});
  bar.clear();
  if (!measured) return fail(measured.error());
  constexpr size_t kReasons = 3;
  for (const std::string& line : failed_prompts_lines(*measured, kReasons)) message(line);
  std::vector<double> gains = residual_gains(measured->seen.residual_norm, measured->shape.layers);
  if (gains.empty())
    return fail({.what = "no gain: every prompt failed, or the model has one layer", .file = options.model});
  if (!std::all_of(gains.begin(), gains.end(), [](double gain) { return std::isfinite(gain); }))
    return fail({.what = "no gain: the residual stream is not finite", .file = options.model});
  return gains;
}

Result<Shape> shape_of(const PredictOptions& options) {
  Shape shape{.layers = options.layers, .heads = options.heads};
  if (!options.gain.empty() && !options.measures()) {
    double gain = 0;  // which finite_number() let through
    const size_t sign = options.gain.starts_with('+') ? 1 : 0;
    std::from_chars(options.gain.data() + sign, options.gain.data() + options.gain.size(), gain);
    shape.gain = gain;
  }
  if (options.model.empty()) return shape;
  const ModelNeeds needs{.weights = options.measures(), .tokenizer = options.measures()};
  LSTAR_ASSIGN(const std::string path, locate(options.model, false, needs));
  LSTAR_ASSIGN(const Architecture architecture, configured_architecture(path));
  shape.layers = architecture.layers;
  shape.heads = architecture.heads;
  shape.model = PredictedModel{.model = options.model, .family = std::string(architecture.family)};
  if (!options.measures()) return shape;
  LSTAR_ASSIGN(shape.model->gains, measured_gains(options, path));
  shape.gain = mean(shape.model->gains);
  return shape;
}

int predict(const PredictOptions& options) {
  if (const auto good = check(options); !good) return message(good.error()), kUsage;
  const auto shape = shape_of(options);
  if (!shape) {
    message(shape.error());
    return shape.error().kind == ErrorKind::argument ? kUsage : kNoneRun;
  }
  const std::vector<FormulaValue> values = formula_values(shape->layers, shape->heads, shape->gain, options.formula);
  const PredictedModel* model = shape->model ? &*shape->model : nullptr;
  print(options.json ? prediction_json(shape->layers, shape->heads, shape->gain, values, model)
                     : prediction_text(shape->layers, shape->heads, shape->gain, values, model, stdout_takes_colour()));
  return kDone;
}

// A number, or the word.
CLI::Validator gain_value() {
  CLI::Validator number = finite_number();
  return CLI::Validator([number](std::string& given) { return given == kMeasured ? std::string() : number(given); },
                        "NUMBER|measured");
}

}  // namespace

void add_predict(CLI::App& app, int& status) {
  const auto options = std::make_shared<PredictOptions>();
  CLI::App* command = app.add_subcommand("predict", "L* by the published formulas, of a model or of a shape");
  command->add_option("MODEL", options->model,
                      std::string(kModelHelp) + ". Of it the configuration alone is read, unless --gain asks for more");
  command->add_option("-L,--layers", options->layers, "Number of layers, without a MODEL")->check(decimal(1, 100000));
  command->add_option("-H,--heads", options->heads, "Number of attention heads, without a MODEL")
      ->check(decimal(1, 100000));
  command
      ->add_option(
          "-G,--gain", options->gain,
          "Residual gain of the layer before the last, for v1, v2 and v5: a number, or measured, which runs the "
          "MODEL on the prompts given or the built-in study's")
      ->check(gain_value());
  options->prompts.add_to(*command);
  command->add_option("--formula", options->formula, "One formula only")->check(one_of(formula_names()));
  command->add_option("--threads", options->threads, "Threads of --gain measured; 0 is as many as this process may use")
      ->check(decimal(0, 1024))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] { status = predict(*options); });
}

}  // namespace lstar::cli
