// What the user sees besides results: messages and a progress bar on stderr, and whether there is a terminal at all.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "lstar/base/result.h"
#include "lstar/base/steps.h"

namespace lstar::cli {

bool stdout_is_terminal();
bool stdout_takes_colour();  // a terminal, and NO_COLOR is not set

void print(std::string_view text);    // to stdout; where nobody reads it any more, the process ends as SIGPIPE ends it
void write_on_without_reader();       // print no longer ends the process: there is more to do than to print
void end_if_nobody_reads();           // ends it now, if print would have
bool stdout_failed();                 // whether some of it could not be written
void message(std::string_view line);  // "lstar: LINE" to stderr, on one line and without control characters
void message(const Error& error);

// The whole of a file, or of standard input for "-".
Result<std::string> read_input(const std::string& path);
inline constexpr const char* kStandardInput = "-";

// A bar on one line of stderr, redrawn at most ten times a second and erased by clear(). Silent where stderr is no
// terminal or `quiet` is set.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);
  ~ProgressBar() { clear(); }
  void label(const std::string& text);
  void update(const Step&);
  void clear();
  OnStep callback();

 private:
  bool on_ = false, drawn_ = false;
  std::string label_;
  std::chrono::steady_clock::time_point last_{};
};

// The same for bytes that are transferred: how many, how fast, and how long it will take.
class TransferBar {
 public:
  TransferBar() = default;
  ~TransferBar() { clear(); }
  TransferBar(const TransferBar&) = delete;
  TransferBar& operator=(const TransferBar&) = delete;
  void show(bool on);  // hidden until then; never shown where stderr is no terminal
  void update(const Step&);
  void clear();
  OnStep callback();

 private:
  using Clock = std::chrono::steady_clock;
  bool on_ = false, drawn_ = false, started_ = false;
  int64_t last_done_ = 0;
  double rate_ = 0;  // bytes a second, of late
  Clock::time_point last_{};
};

// From now on Ctrl-C and SIGTERM only leave a note, once, so that what is done can be written; again, they end the
// process.
void finish_when_interrupted();
bool interrupted();
int interrupted_status();  // 130 or 143, as shells name them

// Asks on the terminal; false where the answer is anything but yes, or where there is no terminal to ask on.
bool can_ask();
bool ask(std::string_view question);

}  // namespace lstar::cli
