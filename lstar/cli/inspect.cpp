#include <memory>

#include <fmt/core.h>

#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/models.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/hub/remote_safetensors.h"
#include "lstar/report/inspection.h"

namespace lstar::cli {
namespace {

Result<std::unique_ptr<Checkpoint>> open_located(const std::string& model, ModelNeeds needs) {
  LSTAR_ASSIGN(const std::string path, locate(model, false, needs));
  return open_checkpoint(path);
}

// On disk, in the cache, or as it lies on the hub: a look at headers and some weights is worth no download. What cannot
// be read there in parts is downloaded.
Result<std::unique_ptr<Checkpoint>> open_anywhere(const std::string& model) {
  const ModelNeeds needs{.weights = true, .tokenizer = false};
  LocateOptions here{.hub = hub_environment(), .needs = needs, .ask_hub = false};
  const auto cached = locate_model(model, here);
  if (cached) return open_checkpoint(*cached);
  const auto named = named_on_hub(model, here);
  if (here.hub.offline || !named) return open_located(model, needs);
  auto remote = open_remote_safetensors(here.hub, *named);
  if (!remote) return open_located(model, needs);  // which says what there is instead
  if (*remote) {
    message(fmt::format("{}: reads headers and the weights it needs from {}", model, shown_url(here.hub.endpoint)));
    return remote;
  }
  return open_located(model, needs);
}

}  // namespace

void add_inspect(CLI::App& app, int& status) {
  struct Options {
    std::string model, layout = "true";
    bool tensors = false, json = false, strict = false;
    int threads = 0;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("inspect", "What is in a checkpoint: family, shapes, dtypes, heads, weight norms");
  command->add_option("MODEL", options->model, kModelHelp)->required();
  command
      ->add_option(
          "--head-layout", options->layout,
          "thirds: also the norm of the last third of a fused query_key_value, which the notebook took for W_V")
      ->check(one_of({"true", "thirds"}))
      ->capture_default_str();
  command->add_flag("--tensors", options->tensors, "List every tensor");
  command->add_option("--threads", options->threads, "Threads; 0 is as many as this process may use")
      ->check(decimal(0, 1024))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--strict", options->strict, kStrictHelp);
  command->callback([options, &status] {
    status = kUsage;
    if (const auto good = check_model(options->model); !good) return message(good.error());
    const HeadLayout layout = *parse_head_layout(options->layout);
    auto checkpoint = open_anywhere(options->model);
    auto found = checkpoint ? inspect(options->model, *std::move(checkpoint), layout, options->threads)
                            : Result<Inspection>(fail(checkpoint.error()));
    if (found && options->strict)
      if (const auto good = refuse_warnings(found->warnings, options->model); !good) found = fail(good.error());
    if (!found) {
      message(found.error());
      status = kNoneRun;
      return;
    }
    print(options->json ? inspection_json(*found) : inspection_text(*found, options->tensors, stdout_takes_colour()));
    status = kDone;
  });
}

}  // namespace lstar::cli
