#include <memory>

#include "lstar/checkpoint/checkpoint.h"
#include "lstar/cli/command.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/tokens.h"
#include "lstar/tokenizer/tokenizer.h"

namespace lstar::cli {

void add_tokenize(CLI::App& app, int& status) {
  struct Options {
    std::string model, text;
    bool json = false, no_special = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tokenize", "Token ids and pieces of a text");
  command->add_option("MODEL", options->model, "A folder in Hugging Face's layout, or a .gguf file")->required();
  command->add_option("TEXT", options->text, "The text")->required();
  command->add_flag("--no-special-tokens", options->no_special, "Leave out what the tokenizer adds by itself");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] {
    status = kNoneRun;
    const auto checkpoint = open_checkpoint(options->model);
    if (!checkpoint) return message(checkpoint.error());
    const auto tokenizer = open_tokenizer((*checkpoint)->tokenizer());
    if (!tokenizer) return message(tokenizer.error());
    const auto ids = tokenizer->encode(options->text, !options->no_special);
    if (!ids) return message(ids.error());
    std::vector<std::string> pieces;
    for (int32_t id : *ids) pieces.push_back(tokenizer->piece(id));
    print(options->json ? tokens_json(*ids, pieces) : tokens_text(*ids, pieces));
    status = kDone;
  });
}

}  // namespace lstar::cli
