#include <filesystem>
#include <memory>

#include <fmt/core.h>

#include "lstar/base/text_file.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/cli/command.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/models.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/tokens.h"
#include "lstar/tokenizer/tokenizer.h"

namespace lstar::cli {
namespace {

// A folder's tokenizer needs no weights beside it; a GGUF file holds both. The tokenizer keeps nothing of either.
Result<Tokenizer> tokenizer_of(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return open_tokenizer({.folder = path});
  LSTAR_ASSIGN(const auto checkpoint, open_checkpoint(path));
  return open_tokenizer(checkpoint->tokenizer());
}

}  // namespace

void add_tokenize(CLI::App& app, int& status) {
  struct Options {
    std::string model, text;
    bool json = false, no_special = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tokenize", "Token ids and pieces of a text");
  command->add_option("MODEL", options->model, kModelHelp)->required();
  command->add_option("TEXT", options->text, "The text; - is standard input, and what begins with -- stands behind --")
      ->required();
  command->add_flag("--no-special-tokens", options->no_special, "Leave out what the tokenizer adds by itself");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] {
    status = kUsage;
    if (const auto good = check_model(options->model); !good) return message(good.error());
    std::string text = options->text;
    if (text == kStandardInput) {
      auto read = read_input(kStandardInput);
      if (!read) return message(read.error());
      if (const auto good = check_text(*read, "standard input"); !good) return message(good.error());
      text = *std::move(read);
    } else if (const auto good = check_utf8(text, "TEXT"); !good) {
      return message(good.error());
    }
    status = kNoneRun;
    const auto path = locate(options->model, false, {.weights = false, .tokenizer = true});
    if (!path) return message(path.error());
    const auto tokenizer = tokenizer_of(*path);
    if (!tokenizer) return message(tokenizer.error());
    const auto ids = tokenizer->encode(text, !options->no_special);
    if (!ids) return message(ids.error());
    std::vector<std::string> pieces;
    for (int32_t id : *ids) pieces.push_back(tokenizer->piece(id));
    for (const std::string& warning : tokenizer->warnings()) message(fmt::format("warning: {}", warning));
    print(options->json ? tokens_json(*ids, pieces, tokenizer->warnings()) : tokens_text(*ids, pieces));
    status = kDone;
  });
}

}  // namespace lstar::cli
