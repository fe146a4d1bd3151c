#include "lstar/checkpoint/shortened_files.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/mapped_file.h"

namespace lstar {
namespace {

constexpr size_t kFiles = 1024;   // as many as a process may usually have open
constexpr size_t kLongest = 512;  // of a path, with its end

// Read by a signal handler: no lock, no allocation. `end` is set last, and is zero while the rest is written.
struct Watched {
  std::atomic<bool> is_taken{false};
  std::atomic<uintptr_t> begin{0}, end{0};
  std::array<char, kLongest> path{};
};
std::array<Watched, kFiles> watched_files;

const char* program_name = "";
int exit_status = 1;

void say(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

void handle(int signal, siginfo_t* info, void*) {
  const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const Watched& file : watched_files) {
    const uintptr_t end = file.end.load(std::memory_order_acquire);
    if (at < file.begin.load(std::memory_order_relaxed) || at >= end) continue;
    say(program_name);
    say(": ");
    say(file.path.data());
    say(": shortened while it was read\n");
    ::_exit(exit_status);
  }
  std::signal(signal, SIG_DFL);  // no file of ours: touched again, it ends the process as ever
}

}  // namespace

namespace shortened_files {

int watch(std::span<const std::byte> mapping, const std::string& path) {
  const std::string shown = plain_text(path, kLongest - 4);
  for (size_t i = 0; i < kFiles; ++i) {
    Watched& file = watched_files[i];
    if (file.is_taken.exchange(true)) continue;
    std::memcpy(file.path.data(), shown.c_str(), shown.size() + 1);
    const auto begin = reinterpret_cast<uintptr_t>(mapping.data());
    file.begin.store(begin, std::memory_order_relaxed);
    file.end.store(begin + mapping.size(), std::memory_order_release);
    return static_cast<int>(i);
  }
  return -1;
}

void forget(int place) {
  if (place < 0) return;
  Watched& file = watched_files[static_cast<size_t>(place)];
  file.end.store(0, std::memory_order_relaxed);
  file.is_taken.store(false, std::memory_order_release);
}

}  // namespace shortened_files

void end_at_shortened_files(const char* program, int status) {
  program_name = program;
  exit_status = status;
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace lstar
