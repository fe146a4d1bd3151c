#include <algorithm>
#include <memory>

#include <fmt/core.h>

#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/models.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/json/trace_json.h"
#include "lstar/report/text/failed_prompts.h"
#include "lstar/report/text/prompts_line.h"
#include "lstar/report/text/trace_text.h"
#include "lstar/study/attention_spectra.h"
#include "lstar/study/open_model.h"

namespace lstar::cli {
namespace {

struct TraceOptions {
  std::string model, nan = "report";
  PromptOptions prompts;
  ComputeOptions compute;
  int next_tokens = 0, spectrum = 0;
  bool edge_energy = false, json = false, csv = false, per_head = false, quiet = false, verbose = false, strict = false;
};

Wants wanted(const TraceOptions& options) {
  const Wants all = Want::diagonal | Want::rounded_sum | Want::entropy | Want::residual_norm | Want::output_scale;
  return options.edge_energy ? all | Want::overlap : all;
}

int trace_model(const TraceOptions& options) {
  if (const auto good = check_model(options.model); !good) {
    message(good.error());
    return kUsage;
  }
  const auto prompts = options.prompts.read();
  if (!prompts || prompts->prompts.empty()) {
    message(prompts ? Error{.kind = ErrorKind::argument,
                            .what = "no prompts",
                            .expected = "--prompt, --prompts, --prompt-set or --token-ids"}
                    : prompts.error());
    return kUsage;
  }
  if (options.per_head && !options.json && !options.csv) {
    message("--per-head goes into JSON and CSV: --json or --csv");
    return kUsage;
  }
  if (options.spectrum > 0 && options.csv) {
    message("--spectrum goes into text and JSON, not into CSV");
    return kUsage;
  }
  const auto path = locate(options.model, options.quiet);
  if (!path) {
    message(path.error());
    return kNoneRun;
  }
  ProgressBar bar(options.quiet);
  bar.label(options.model);
  AttentionSpectra of_attention{.values = options.spectrum};
  const AttentionSpectra* spectra = options.spectrum > 0 ? &of_attention : nullptr;
  const MeasureOptions measuring{
      .numerics = {.dtype = options.compute.chosen_dtype().value_or(Dtype::float32),
                   .head_layout = options.compute.chosen_layout().value_or(HeadLayout::actual)},
      .wants = wanted(options),
      .next_tokens = options.next_tokens,
      .hash_files = options.json,
      .hash_memory = hash_memory(),
      .on_step = bar.callback(),
      .on_mean_attention = spectra ? spectra_into(of_attention) : OnMeanAttention()};
  auto measured =
      measure(*path, prompts->prompts, measuring, {.name = options.model, .threads = options.compute.threads});
  bar.clear();
  if (measured && options.strict)
    if (const auto good = refuse_warnings(measured->warnings, options.model); !good) measured = fail(good.error());
  if (!measured) {
    message(measured.error());
    return kNoneRun;
  }
  measured->prompts_read = prompts->read;
  const NanPolicy policy = options.nan == "report" ? NanPolicy::report : NanPolicy::propagate;
  if (options.json) {
    print(trace_json_text(*measured, policy, options.per_head, spectra));
  } else if (options.csv) {
    if (!options.quiet && !prompts->read.file.empty()) message(prompts_line(prompts->read, prompts->prompts));
    for (const std::string& warning : measured->warnings) message(fmt::format("warning: {}", warning));
    if (options.next_tokens > 0 && !options.quiet)
      message("warning: CSV has no column for next tokens; --json has them");
    print(trace_csv(*measured, policy, options.per_head));
  } else {
    print(trace_text(*measured, stdout_takes_colour(), policy,
                     options.verbose ? Detail::every_prompt : Detail::by_count, spectra));
  }

  constexpr size_t kReasons = 5;
  for (const std::string& line : failed_prompts_lines(*measured, kReasons)) message(line);
  const auto failed = static_cast<size_t>(std::count_if(measured->prompts.begin(), measured->prompts.end(),
                                                        [](const MeasuredPrompt& p) { return p.error.has_value(); }));
  if (failed == measured->prompts.size()) return kNoneRun;
  bool broken = false;
  for (const ModelTraces& traces : traces_of(*measured, policy))
    broken = broken || std::any_of(traces.prompts.begin(), traces.prompts.end(), is_broken);
  if (broken) message(fmt::format("{}: a trace is not finite", options.model));
  return failed == 0 && !broken ? kDone : kSomeFailed;
}

}  // namespace

void add_trace(CLI::App& app, int& status) {
  const auto options = std::make_shared<TraceOptions>();
  CLI::App* command = app.add_subcommand("trace", "One model: traces, floors and L* by prompt and layer");
  command->add_option("MODEL", options->model, kModelHelp)->required();
  options->prompts.add_to(*command);
  options->compute.add_to(*command);
  command->add_option("--next-token", options->next_tokens, "Show the K likeliest next tokens of each prompt")
      ->check(decimal(1, 1000));
  command->add_flag("--edge-energy", options->edge_energy,
                    "Also edge_energy, for which every two heads are multiplied with each other");
  command
      ->add_option("--spectrum", options->spectrum,
                   "Also the spectrum of attention: all of D - A, and the K least and largest eigenvalues of the "
                   "Laplacian of (A + A^T)/2, each by products that cost what attention costs")
      ->check(decimal(1, kMostEigenvalues));
  command->add_option("--nan", options->nan, "A NaN in a trace: no L* and the reason, or what numpy would answer")
      ->check(one_of({"report", "propagate"}))
      ->capture_default_str();
  const auto json = command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--csv", options->csv, "Print CSV, a row for each prompt and layer")->excludes(json);
  command->add_flag("--per-head", options->per_head,
                    "With --json, each head's numbers however many prompts there are; with --csv, a row for each head");
  command->add_flag("--verbose", options->verbose, kVerboseHelp);
  command->add_flag("--quiet", options->quiet, "No progress");
  command->add_flag("--strict", options->strict, kStrictHelp);
  command->callback([options, &status] { status = trace_model(*options); });
}

}  // namespace lstar::cli
