#include "lstar/report/figures/gnuplot.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lstar/base/text.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr double kPixelsPerPoint = 300.0 / 72.0;  // png: 300 dots an inch

// A file in memory. Reading and writing files instead of pipes leaves nothing to deadlock on.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }

  bool write(std::string_view content) {
    while (!content.empty()) {
      const ssize_t n = ::write(fd_, content.data(), content.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      content.remove_prefix(static_cast<size_t>(n));
    }
    return lseek(fd_, 0, SEEK_SET) == 0;
  }

  std::string read() {
    std::string content;
    std::array<char, 1 << 16> part;
    for (off_t at = 0;;) {
      const ssize_t n = pread(fd_, part.data(), part.size(), at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return content;
      content.append(part.data(), static_cast<size_t>(n));
      at += n;
    }
  }

 private:
  int fd_;
};

std::string terminal(const Figure& figure, FigureFormat format) {
  const auto pixels = [&](double points) { return static_cast<int>(std::lround(points * kPixelsPerPoint)); };
  switch (format) {
    case FigureFormat::png:
      // pngcairo takes a point for 4/3 pixels.
      return fmt::format(
          "set terminal pngcairo noenhanced size {},{} background rgb 'white' font 'DejaVu Sans,8' "
          "fontscale {:.6f} linewidth {:.6f} pointscale {:.6f}\n",
          pixels(figure.width), pixels(figure.height), kPixelsPerPoint * 0.75, kPixelsPerPoint, kPixelsPerPoint);
    case FigureFormat::svg:
      return fmt::format(
          "set terminal svg noenhanced size {:.0f},{:.0f} dynamic background rgb 'white' font 'DejaVu Sans,8'\n",
          figure.width, figure.height);
    case FigureFormat::pdf:
      return fmt::format(
          "set terminal pdfcairo noenhanced size {:.6f}in,{:.6f}in background rgb 'white' font 'DejaVu Sans,8' "
          "fontscale 0.75 linewidth 2 pointscale 1\n",
          figure.width / 72, figure.height / 72);
  }
  return {};
}

// gnuplot's environment: where programs and font caches are, and no locale or setting of the user's.
std::vector<std::string> environment() {
  std::vector<std::string> kept{"LC_ALL=C.UTF-8", "TZ=UTC"};
  for (const char* key : {"PATH", "HOME", "XDG_CACHE_HOME", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "LD_LIBRARY_PATH"})
    if (const char* value = std::getenv(key)) kept.push_back(fmt::format("{}={}", key, value));
  return kept;
}

// cairo writes the time of day into a PDF, outside every compressed stream; a fixed one of the same length leaves all
// offsets as they are.
void fix_creation_date(std::string& pdf) {
  constexpr std::string_view key = "/CreationDate (D:", fixed = "20000101000000";
  const size_t at = pdf.find(key);
  if (at != std::string::npos && at + key.size() + fixed.size() <= pdf.size())
    pdf.replace(at + key.size(), fixed.size(), fixed);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// The svg terminal sizes marks only by its own canvas, which is therefore in points; a viewer shows it twice as large.
// Bold type gets the spelling that viewers know, and fonts of the same widths where DejaVu is not at hand.
void finish_svg(std::string& svg, const Figure& figure) {
  replace_all(svg, "font-family=\"DejaVu Sans:Bold\"", "font-weight=\"bold\" font-family=\"DejaVu Sans\"");
  replace_all(svg, "font-family=\"DejaVu Sans\"", "font-family=\"DejaVu Sans, Verdana, sans-serif\"");
  const size_t at = svg.find("viewBox=");
  if (at != std::string::npos)
    svg.insert(at, fmt::format("width=\"{:.0f}\" height=\"{:.0f}\" ", figure.width * 2, figure.height * 2));
}

// How a child ended; nothing where it had to be killed.
std::optional<int> wait_for(pid_t child, std::chrono::milliseconds patience) {
  using std::chrono::milliseconds;
  const auto end = std::chrono::steady_clock::now() + patience;
  int status = 0;
  for (milliseconds pause(1);; pause = std::min(2 * pause, milliseconds(16))) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if ((ended < 0 && errno != EINTR) || std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(pause);
  }
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return std::nullopt;
}

std::string first_line(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_first_of("\r\n", begin) - begin));
}

}  // namespace

std::string gnuplot_quote(std::string_view text) {
  std::string quoted = "'";
  for (std::string_view rest = text; !rest.empty();) {
    const auto [c, bytes, valid] = first_character(rest);
    if (c == '\'')
      quoted += "\u2019";  // gnuplot's own way, twice, fails at the beginning of a text
    else if (is_unseen(c) || (c & 0xfffe) == 0xfffe)
      quoted += ' ';
    else if (c == '>' && quoted.ends_with("]]"))
      quoted += "\u203a";  // "]]>" ends what gnuplot puts a text in
    else if (!valid)
      quoted += "\ufffd";
    else
      quoted += rest.substr(0, bytes);
    rest.remove_prefix(bytes);
  }
  return quoted + "'";
}

Result<std::string> draw(const Figure& figure, FigureFormat format) { return draw(figure, format, "gnuplot"); }

Result<std::string> draw(const Figure& figure, FigureFormat format, const std::string& program,
                         std::chrono::milliseconds patience) {
  MemoryFile script("script"), output("figure"), messages("messages");
  if (script.fd() < 0 || output.fd() < 0 || messages.fd() < 0 ||
      !script.write(terminal(figure, format) +
                    (format == FigureFormat::svg ? figure.commands : drawable(figure.commands))))
    return fail(Error{.kind = kind_of_errno(errno), .what = "figure not drawn", .found = std::strerror(errno)});

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, script.fd(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output.fd(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, messages.fd(), STDERR_FILENO);

  std::string command = program, defaults = "-d";
  std::array<char*, 3> arguments{command.data(), defaults.data(), nullptr};
  std::vector<std::string> kept = environment();
  std::vector<char*> variables;
  for (std::string& variable : kept) variables.push_back(variable.data());
  variables.push_back(nullptr);

  pid_t child = 0;
  const int error = posix_spawnp(&child, program.c_str(), &files, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&files);
  if (error == ENOENT)
    return fail(Error{.kind = ErrorKind::unreachable,
                      .what = "`gnuplot` is not installed (Debian: gnuplot-nox); no figure was drawn"});
  if (error != 0)
    return fail(Error{
        .kind = kind_of_errno(error), .what = "figure not drawn", .file = program, .found = std::strerror(error)});

  const std::optional<int> status = wait_for(child, patience);
  if (!status)
    return fail(Error{.kind = ErrorKind::unreachable,
                      .what = fmt::format("figure not drawn: it took longer than {} s", patience.count() / 1000.0),
                      .file = program});

  std::string drawn = output.read();
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0 || drawn.empty())
    return fail(Error{.kind = ErrorKind::unreachable,
                      .what = "figure not drawn",
                      .file = program,
                      .found = first_line(messages.read())});
  if (format == FigureFormat::pdf) fix_creation_date(drawn);
  if (format == FigureFormat::svg) finish_svg(drawn, figure);
  return drawn;
}

}  // namespace lstar
