#include <memory>

#include "lstar/base/catch_memory.h"
#include "lstar/cli/arguments.h"
#include "lstar/cli/asked_run.h"
#include "lstar/cli/command.h"
#include "lstar/cli/options.h"
#include "lstar/cli/stored_run.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/json/audit_json.h"
#include "lstar/report/text/audit_text.h"
#include "lstar/study/audit.h"

namespace lstar::cli {
namespace {

struct AuditOptions {
  std::vector<std::string> places;
  std::string estimator, detector;
  bool json = false;
};

Result<std::string> audited(const AuditOptions& options) {
  return catch_memory("auditing", [&]() -> Result<std::string> {
    LSTAR_ASSIGN(const Published published, bundled_published());
    std::optional<MeasuredPoints> measured;
    if (!options.places.empty()) {
      LSTAR_ASSIGN(const std::vector<ResultFile> results,
                   read_results(options.places, options.estimator, options.detector));
      LSTAR_ASSIGN(measured, measured_points(results, options.estimator));
    }
    const std::vector<Claim> claims = measured ? audit(published, *measured) : audit(published);
    const MeasuredPoints* of = measured ? &*measured : nullptr;
    return options.json ? write_json(audit_json(claims, of)) : audit_text(claims, of, stdout_takes_colour());
  });
}

// A claim that differs is what an audit is for: no fault.
int audit_command(const AuditOptions& options) {
  if (options.places.empty() && !(options.estimator.empty() && options.detector.empty())) {
    message("--estimator and --detector are of a RESULT; none is given");
    return kUsage;
  }
  const auto said = audited(options);
  if (!said) {
    message(said.error());
    return said.error().kind == ErrorKind::argument ? kUsage : kNoneRun;
  }
  print(*said);
  return kDone;
}

}  // namespace

void add_audit(CLI::App& app, int& status) {
  const auto options = std::make_shared<AuditOptions>();
  CLI::App* command = app.add_subcommand(
      "audit", "What was published, claim by claim, against its own numbers or a RESULT's; opens no model");
  command->add_option("RESULT", options->places,
                      std::string(kGivenHelp) + ". Several are one study; without any, the published numbers");
  command->add_option("--estimator", options->estimator, "Whose L* of a RESULT; its headline's")
      ->check(one_of(estimator_names()));
  command->add_option("--detector", options->detector, "Of a RESULT's traces; the RESULT's own")
      ->check(one_of(detector_names()));
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] { status = audit_command(*options); });
}

}  // namespace lstar::cli
