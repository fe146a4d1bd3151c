#include "lstar/cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/text.h"
#include "lstar/report/text/text_layout.h"

namespace lstar::cli {
namespace {

constexpr int kBarWidth = 30;
constexpr size_t kLargestInput = size_t{1} << 30;

bool no_color() {
  const char* set = std::getenv("NO_COLOR");
  return set && *set;
}

// How long a sequence is that we write ourselves: a colour or bold, and on standard error what redraws a bar. 0: none.
size_t own_sequence(std::string_view text, bool redraws) {
  if (redraws && text.starts_with("\r\x1b[K")) return 4;
  if (!text.starts_with("\x1b[")) return 0;
  const size_t end = text.find_first_not_of("0123456789;", 2);
  return end != text.npos && text[end] == 'm' ? end + 1 : 0;
}

// The last look at what goes to a terminal: whatever a name in a file may have brought this far commands nothing.
std::string guarded(std::string_view text, bool redraws) {
  const auto is_plain = [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\t'; };
  std::string out;
  out.reserve(text.size());
  while (true) {
    const auto plain = std::find_if_not(text.begin(), text.end(), is_plain) - text.begin();
    out += text.substr(0, static_cast<size_t>(plain));
    text.remove_prefix(static_cast<size_t>(plain));
    if (text.empty()) return out;
    const DecodedCharacter character = first_character(text);
    const uint32_t c = character.code_point;
    const size_t own = c == '\r' || c == '\x1b' ? own_sequence(text, redraws) : 0;
    const size_t bytes = own > 0 ? own : character.bytes;
    const std::string_view piece = text.substr(0, bytes);
    if (own > 0)
      out += piece;
    else
      out += one_plain_line(piece);
    text.remove_prefix(bytes);
  }
}

void to_stderr(std::string_view given) {
  const std::string text = guarded(given, /*redraws=*/true);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) != 0; }
bool stdout_takes_colour() { return stdout_is_terminal() && !no_color(); }

namespace {
bool writes_on = false, has_no_reader = false;
}

void print(std::string_view given) {
  const std::string text = guarded(given, /*redraws=*/false);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  if (std::ferror(stdout) && errno == EPIPE) has_no_reader = true;
  if (!writes_on) end_if_nobody_reads();
}

void write_on_without_reader() { writes_on = true; }

void end_if_nobody_reads() {
  if (!has_no_reader) return;
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
}

bool stdout_failed() { return std::ferror(stdout) != 0; }

// A message that nobody can read is no reason to stop: failures to write it are ignored.
void message(std::string_view line) { to_stderr(fmt::format("lstar: {}\n", one_line(line))); }
void message(const Error& error) { message(error.message()); }

Result<std::string> read_input(const std::string& path) {
  if (path != kStandardInput) return read_file(path, kLargestInput, Pipes::allowed);
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail({.kind = kind_of_errno(errno),
                   .what = std::string("cannot be read: ") + std::strerror(errno),
                   .file = "standard input"});
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > kLargestInput)
      return fail({.kind = ErrorKind::unsupported,
                   .what = "too large",
                   .file = "standard input",
                   .expected = fmt::format("at most {} bytes", kLargestInput)});
  }
}

ProgressBar::ProgressBar(bool quiet) : on_(!quiet && ::isatty(STDERR_FILENO)) {}

void ProgressBar::label(const std::string& text) { label_ = one_line(text); }

void ProgressBar::update(const Step& step) {
  const int64_t done = step.done, total = step.total;
  if (!on_ || total <= 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (done < total && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const int filled = static_cast<int>(kBarWidth * done / total);
  std::string bar;
  for (int i = 0; i < kBarWidth; ++i) bar += i < filled ? "█" : "░";
  to_stderr(fmt::format("\r\x1b[K{} {} {} {}/{}", label_, bar, name_of(step.phase), done, total));
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) to_stderr("\r\x1b[K");
  drawn_ = false;
}

OnStep ProgressBar::callback() {
  return [this](const Step& step) {
    update(step);
    return true;
  };
}

void TransferBar::show(bool on) { on_ = on && ::isatty(STDERR_FILENO); }

void TransferBar::update(const Step& step) {
  const int64_t done = step.done, total = step.total;
  if (!on_ || total <= 0) return;
  const auto now = Clock::now();
  if (!started_ || done < last_done_) {  // what an earlier process brought is no speed of ours
    started_ = true;
    last_ = now;
    last_done_ = done;
    return;
  }
  const double seconds = std::chrono::duration<double>(now - last_).count();
  if (seconds < 0.1) return;
  const double rate = static_cast<double>(done - last_done_) / seconds;
  const double weight = std::min(1.0, seconds / 3);  // an average over some three seconds
  rate_ = rate_ == 0 ? rate : rate_ + weight * (rate - rate_);
  last_ = now;
  last_done_ = done;
  const int filled = static_cast<int>(kBarWidth * std::min(done, total) / total);
  std::string bar;
  for (int i = 0; i < kBarWidth; ++i) bar += i < filled ? "█" : "░";
  std::string eta = "-:--";
  if (rate_ > 0) {
    const auto left = std::min<int64_t>(static_cast<int64_t>(static_cast<double>(total - done) / rate_), 359999);
    eta = left >= 3600 ? fmt::format("{}:{:02}:{:02}", left / 3600, left / 60 % 60, left % 60)
                       : fmt::format("{}:{:02}", left / 60, left % 60);
  }
  to_stderr(fmt::format("\r\x1b[K{} {} {:.1f}/{:.1f} MB, {:.1f} MB/s, {}", one_line(step.item), bar,
                        static_cast<double>(done) / 1e6, static_cast<double>(total) / 1e6, rate_ / 1e6, eta));
  drawn_ = true;
}

void TransferBar::clear() {
  if (drawn_) to_stderr("\r\x1b[K");
  drawn_ = false;
}

OnStep TransferBar::callback() {
  return [this](const Step& step) {
    update(step);
    return !interrupted();
  };
}

namespace {
volatile std::sig_atomic_t caught = 0;
}

void finish_when_interrupted() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { caught = signal; };
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);  // the second one ends the process at once
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
  }
}

bool interrupted() { return caught != 0; }
int interrupted_status() { return 128 + caught; }

bool can_ask() { return ::isatty(STDIN_FILENO) && ::isatty(STDERR_FILENO); }

bool ask(std::string_view question) {
  if (!can_ask()) return false;
  to_stderr(fmt::format("{} [y/N] ", one_line(question)));
  char answer[64] = "";
  if (!std::fgets(answer, sizeof answer, stdin)) return false;
  return answer[0] == 'y' || answer[0] == 'Y';
}

}  // namespace lstar::cli
