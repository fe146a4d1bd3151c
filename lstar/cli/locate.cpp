#include "lstar/cli/locate.h"

#include <fmt/core.h>

namespace lstar::cli {

std::string bytes_text(uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value < 1e6) return fmt::format("{:.0f} kB", value / 1e3);
  if (value < 1e9) return fmt::format("{:.0f} MB", value / 1e6);
  return fmt::format("{:.1f} GB", value / 1e9);
}

LocateOptions locate_options(TransferBar& bar, bool quiet, ModelNeeds needs) {
  LocateOptions options{.hub = hub_environment(), .needs = needs};
  bar.show(!quiet && options.hub.show_progress);
  const std::string endpoint = shown_url(options.hub.endpoint);
  if (!quiet) {
    options.begin = [&bar, endpoint](const DownloadPlan& plan) {
      bar.clear();
      message(fmt::format("{}: downloads {} file{}, {}, from {}", plan.model.text(), plan.files.size(),
                          plan.files.size() == 1 ? "" : "s", bytes_text(plan.bytes), endpoint));
    };
    options.remark = [&bar](const std::string& line) {
      bar.clear();
      message(line);
    };
  }
  options.on_step = bar.callback();
  return options;
}

Result<std::string> locate(const std::string& model, bool quiet, ModelNeeds needs) {
  TransferBar bar;
  return locate_model(model, locate_options(bar, quiet, needs));
}

Result<std::string> locate(const ModelEntry& entry, bool quiet, bool ask_hub) {
  TransferBar bar;
  LocateOptions options = locate_options(bar, quiet);
  options.ask_hub = ask_hub;
  if (entry.from_manifest)
    options.variables = [](const char* name) {
      return std::string_view(name) == "HOME" ? process_variables()(name) : std::nullopt;
    };
  return locate_model(entry.path, options);
}

}  // namespace lstar::cli
