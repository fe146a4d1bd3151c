// What was typed: checks that say what may have been meant, and one line for what could not be understood.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace lstar::cli {

// A value of an option: one of these names, or an error with all of them and the nearest.
CLI::Validator one_of(std::vector<std::string> names);

// A whole number as people write it: digits alone, so that neither "0x10" nor "024" is taken for another number.
CLI::Validator decimal(uint64_t least, uint64_t most);
CLI::Validator finite_number();

// ", did you mean trace?", or nothing where no name is near.
std::string meant(const std::string& given, const std::vector<std::string>& known);

// The command line without the program's name, last word first, as App::parse takes it. A TEXT that begins with a dash
// is no option: it goes behind "--".
std::vector<std::string> arguments_of(CLI::App& app, int argc, char** argv);

// Whether these words ask for help or the version, and do not merely hold a word that begins like "-h".
bool asks_for_help(const std::vector<std::string>& arguments);

// Why the words were not understood.
std::string usage_line(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments);

// The words of a command as a shell would take them back.
std::string typed(int argc, char** argv);

}  // namespace lstar::cli
