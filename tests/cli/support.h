// The program as a shell runs it.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "lstar/base/atomic_file.h"
#include "tests/support/temporary_folder.h"

namespace lstar::testing {

struct Outcome {
  int status = -1;
  std::string out, err;
};

// `arguments` as a shell reads them; standard input is empty or holds `input`. `variables` of the environment are
// written as in front of a command.
inline Outcome lstar_program(const std::string& arguments, const std::string& input = "",
                             const std::string& variables = "") {
  TemporaryFolder folder;
  if (!write_file(folder / "in", input)) return {};
  const std::string command = fmt::format("HF_HUB_OFFLINE=1 {} {} {} >{} 2>{} <{}", variables, LSTAR_PROGRAM, arguments,
                                          folder / "out", folder / "err", folder / "in");
  const int status = std::system(command.c_str());
  // A command that sends them elsewhere leaves none.
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder / "out").value_or(""),
          read_file(folder / "err").value_or("")};
}

}  // namespace lstar::testing
