// A file that would grow beyond the limit (ulimit -f) kills the process by SIGXFSZ, before anybody can say what
// happened or clean up. While this lives, the thread's write fails with EFBIG instead. Other threads are not touched.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

#include <pthread.h>

namespace lstar {

class FileLimitAsError {
 public:
  FileLimitAsError() {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGXFSZ);
    ::pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~FileLimitAsError() {
    if (sigismember(&before_, SIGXFSZ) == 1) return;  // blocked by somebody else, who will take it
    const int of_the_write = errno;
    const timespec at_once{};
    ::sigtimedwait(&signal_, nullptr, &at_once);  // the kernel has sent it to this thread
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = of_the_write;
  }
  FileLimitAsError(const FileLimitAsError&) = delete;
  FileLimitAsError& operator=(const FileLimitAsError&) = delete;

 private:
  sigset_t signal_{}, before_{};
};

}  // namespace lstar
