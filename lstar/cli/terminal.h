// What the user sees besides results: messages and a progress bar on stderr, and whether there is a terminal at all.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "lstar/base/progress.h"
#include "lstar/base/result.h"

namespace lstar::cli {

bool stdout_takes_colour();  // a terminal, and NO_COLOR is not set

void print(std::string_view text);    // to stdout
bool stdout_failed();                 // whether some of it could not be written
void message(std::string_view line);  // "lstar: LINE" to stderr
void message(const Error& error);

// A bar on one line of stderr, redrawn at most ten times a second and erased by clear(). Silent where stderr is no
// terminal or `quiet` is set.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);
  ~ProgressBar() { clear(); }
  void label(std::string text);
  void update(std::string_view step, int64_t done, int64_t total);
  void clear();
  Progress callback();

 private:
  bool on_ = false, drawn_ = false;
  std::string label_;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace lstar::cli
