#include "lstar/cli/arguments.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "lstar/base/nearest.h"

namespace lstar::cli {
namespace {

std::string joined(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

// A word that looks like an option, with its value cut off.
bool looks_like_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }
std::string option_name(const std::string& word) { return word.substr(0, word.find('=')); }

// "lstar store list"
std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return (parent ? full_name(*parent) + " " : "") + command.get_name();
}

// "; see lstar run --help"
std::string see(const CLI::App* command) {
  return fmt::format("; see {} --help", command ? full_name(*command) : "lstar");
}

// The one that was typed last, of a command and its own commands; null where there is none.
const CLI::App* parsed_command(const CLI::App& app) {
  const CLI::App* command = nullptr;
  for (auto parsed = app.get_subcommands(); !parsed.empty(); parsed = command->get_subcommands())
    command = parsed.front();
  return command;
}

// A command of this one is missing or unknown.
std::string unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  const std::vector<std::string> known = commands_of(app);
  if (words.empty()) return fmt::format("no command; one of {}", joined(known));
  return fmt::format("unknown command {}{}; one of {}", words[0], meant(words[0], known), joined(known));
}

std::string unknown_option(const CLI::App& app, const CLI::App* command, const std::string& word) {
  const std::string name = option_name(word);
  const std::vector<std::string> known = options_of(command ? *command : app);
  std::string text = fmt::format("unknown option {}{}", name, meant(name, known));
  if (command && command->get_name() == "tokenize") text += "; a TEXT that begins with dashes stands behind --";
  return text + see(command);
}

}  // namespace

std::string meant(const std::string& given, const std::vector<std::string>& known) {
  const auto near = nearest(given, known);
  return near ? fmt::format(", did you mean {}?", *near) : std::string();
}

CLI::Validator one_of(std::vector<std::string> names) {
  const std::string listed = fmt::format("{{{}}}", fmt::join(names, ","));
  return CLI::Validator(
      [names = std::move(names)](const std::string& given) {
        if (std::find(names.begin(), names.end(), given) != names.end()) return std::string();
        return fmt::format("expected one of {}, found {}{}", joined(names), given, meant(given, names));
      },
      listed);
}

CLI::Validator decimal(uint64_t least, uint64_t most) {
  const auto wanted = fmt::format("a whole number from {} to {}", least, most);
  return CLI::Validator(
      [=](const std::string& given) {
        uint64_t value = 0;
        const char* end = given.data() + given.size();
        const auto [at, error] = std::from_chars(given.data(), end, value);
        const bool reads_otherwise = given.size() > 1 && given[0] == '0';  // as octal, for one
        if (error == std::errc() && at == end && !reads_otherwise && value >= least && value <= most)
          return std::string();
        return fmt::format("expected {}, found {}", wanted, given);
      },
      fmt::format("{}-{}", least, most));
}

CLI::Validator finite_number() {
  return CLI::Validator(
      [](const std::string& given) {
        double value = 0;
        const char *begin = given.data() + (given.starts_with('+') ? 1 : 0), *end = given.data() + given.size();
        const auto [at, error] = std::from_chars(begin, end, value);
        if (error == std::errc() && at == end && std::isfinite(value)) return std::string();
        return fmt::format("expected a finite number, found {}", given);
      },
      "");
}

std::vector<std::string> arguments_of(CLI::App& app, int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words[0] == "tokenize") {
    const std::vector<std::string> known = options_of(*app.get_subcommand("tokenize"));
    std::vector<std::string> options{words[0]}, places;
    for (size_t i = 1; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == "--") {
        places.insert(places.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
        break;
      }
      const bool is_known = std::find(known.begin(), known.end(), word) != known.end();
      // "-hello" and "--- a line" are text behind MODEL; "--jsn" is a mistyped option.
      const bool is_text = !places.empty() && (!word.starts_with("--") || word.find_first_of(" \t\n") != word.npos);
      (is_known || (looks_like_option(word) && !is_text) ? options : places).push_back(word);
    }
    words = std::move(options);
    words.push_back("--");
    words.insert(words.end(), places.begin(), places.end());
  }
  std::reverse(words.begin(), words.end());
  return words;
}

bool asks_for_help(const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& word) {
    return word == "-h" || word == "--help" || word == "-V" || word == "--version";
  });
}

std::string usage_line(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments) {
  const CLI::App* command = parsed_command(app);
  if (const auto* shown = dynamic_cast<const CLI::Success*>(&error); shown) {  // help for "-hello"
    for (auto word = arguments.rbegin(); word != arguments.rend(); ++word)
      if (word->starts_with("-h") || word->starts_with("-V")) return unknown_option(app, command, *word);
  }
  const std::vector<std::string> before = app.remaining(), behind = command ? command->remaining() : before;
  if (!command) {
    if (!before.empty() && looks_like_option(before[0])) return unknown_option(app, nullptr, before[0]);
    return unknown_command(app, before) + (before.empty() ? see(nullptr) : "");
  }
  if (!commands_of(*command).empty()) {
    const std::vector<std::string>& words = behind.empty() ? before : behind;
    if (!words.empty() && looks_like_option(words[0])) return unknown_option(app, command, words[0]);
    return unknown_command(*command, words) + see(command);
  }
  for (const std::string& word : before) {
    const auto known = options_of(*command);
    if (std::find(known.begin(), known.end(), option_name(word)) != known.end())
      return fmt::format("{} stands behind {}{}", option_name(word), command->get_name(), see(command));
  }
  for (const std::vector<std::string>* words : {&before, &behind})
    for (const std::string& word : *words)
      if (looks_like_option(word)) return unknown_option(app, command, word);
  for (const std::vector<std::string>* words : {&before, &behind})
    for (const std::string& word : *words) return fmt::format("unexpected argument {}{}", word, see(command));
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text + see(command);
}

std::string typed(int argc, char** argv) {
  std::string line = "lstar";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=@+%";
    line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) c == '\'' ? line += "'\\''" : line += c;
    line += '\'';
  }
  return line;
}

}  // namespace lstar::cli
