#include "lstar/cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

namespace lstar::cli {
namespace {

constexpr int kBarWidth = 30;

bool no_color() {
  const char* set = std::getenv("NO_COLOR");
  return set && *set;
}

void to_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

bool stdout_takes_colour() { return ::isatty(STDOUT_FILENO) && !no_color(); }

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool stdout_failed() { return std::ferror(stdout) != 0; }

// A message that nobody can read is no reason to stop: failures to write it are ignored.
void message(std::string_view line) { to_stderr(fmt::format("lstar: {}\n", line)); }
void message(const Error& error) { message(error.message()); }

ProgressBar::ProgressBar(bool quiet) : on_(!quiet && ::isatty(STDERR_FILENO)) {}

void ProgressBar::label(std::string text) { label_ = std::move(text); }

void ProgressBar::update(std::string_view step, int64_t done, int64_t total) {
  if (!on_ || total <= 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (done < total && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const int filled = static_cast<int>(kBarWidth * done / total);
  std::string bar;
  for (int i = 0; i < kBarWidth; ++i) bar += i < filled ? "█" : "░";
  to_stderr(fmt::format("\r\x1b[K{} {} {} {}/{}", label_, bar, step, done, total));
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) to_stderr("\r\x1b[K");
  drawn_ = false;
}

Progress ProgressBar::callback() {
  return [this](std::string_view step, int64_t done, int64_t total) { update(step, done, total); };
}

}  // namespace lstar::cli
