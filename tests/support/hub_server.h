// A hub on loopback, for tests: repositories with commits and files, HEAD and GET of resolve/, small files behind a
// relative redirect, large ones behind a redirect to another host (a second port under another name), ranges; the API's
// list of a repository's files. Every request is kept. A test may answer any request itself to play a mirror, a busy
// hub or a broken line.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace lstar::testing {

inline std::string hex(const unsigned char* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}
inline std::string sha256_of(const std::string& content) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest);
  return hex(digest, sizeof digest);
}
inline std::string git_sha1_of(const std::string& content) {
  const std::string blob = fmt::format("blob {}", content.size()) + '\0' + content;
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(blob.data()), blob.size(), digest);
  return hex(digest, sizeof digest);
}

inline const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
inline const std::string kOtherCommit = "89abcdef0123456789abcdef0123456789abcdef";

class HubServer {
 public:
  struct Request {
    std::string method, path, query;
    std::map<std::string, std::string> headers;  // names in lower case
    bool at_storage = false;                     // at the other host, where large files lie
    std::string header(const std::string& name) const {
      const auto found = headers.find(name);
      return found == headers.end() ? "" : found->second;
    }
  };
  struct Response {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::optional<size_t> cut_after;       // the line breaks after so many bytes of the body
    std::optional<size_t> claimed_length;  // Content-Length, where it is not the body's
    std::chrono::milliseconds pause{0};    // after each piece
    size_t piece = size_t{64} << 10;
  };
  using Handler = std::function<std::optional<Response>(const Request&)>;

  HubServer() {
    for (int i = 0; i < 2; ++i) {
      listeners_[i] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof address;
      if (::bind(listeners_[i], reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listeners_[i], 64) != 0)
        std::abort();
      ::getsockname(listeners_[i], reinterpret_cast<sockaddr*>(&address), &size);
      ports_[i] = ntohs(address.sin_port);
      acceptors_.emplace_back([this, i] { accept_all(i); });
    }
  }
  ~HubServer() {
    stopping_ = true;
    for (std::thread& acceptor : acceptors_) acceptor.join();
    for (const int listener : listeners_) ::close(listener);
    for (std::thread& connection : connections_) connection.join();
  }
  HubServer(const HubServer&) = delete;
  HubServer& operator=(const HubServer&) = delete;

  std::string endpoint() const { return fmt::format("http://127.0.0.1:{}", ports_[0]); }
  std::string storage() const { return fmt::format("http://localhost:{}", ports_[1]); }

  // Files of a repository at a commit; large ones are served from the storage, under their sha256.
  void add(const std::string& repo, const std::string& file, std::string content, bool large = false,
           const std::string& commit = kCommit) {
    const std::lock_guard lock(mutex_);
    repos_[repo].commits[commit][file] = {std::move(content), large};
    repos_[repo].refs.emplace("main", commit);
  }
  void set_ref(const std::string& repo, const std::string& revision, const std::string& commit) {
    const std::lock_guard lock(mutex_);
    repos_[repo].refs[revision] = commit;
  }
  void gate(const std::string& repo, const std::string& token) {
    const std::lock_guard lock(mutex_);
    repos_[repo].token = token;
  }
  // A data set or a space: "datasets", "org/name".
  void add_other(const std::string& kind, const std::string& repo) {
    const std::lock_guard lock(mutex_);
    others_.insert("/api/" + kind + "/" + repo);
  }
  void rename(const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    renamed_[from] = to;
  }
  void on_request(Handler handler) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }

  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  size_t count(const std::string& method) const {
    const auto all = requests();
    return static_cast<size_t>(
        std::count_if(all.begin(), all.end(), [&](const Request& request) { return request.method == method; }));
  }
  void forget_requests() {
    const std::lock_guard lock(mutex_);
    requests_.clear();
  }

  // What this server says to a request when no handler does.
  Response answer(const Request& request) const {
    const std::lock_guard lock(mutex_);
    if (request.at_storage) return stored(request);
    const auto description = described(request);
    return description ? *description : resolved(request);
  }

  // The bytes that a request's range asks for.
  static Response ranged(const Request& request, const std::string& content) {
    Response response{.body = content};
    const std::string range = request.header("range");
    unsigned long long first = 0, last = 0;
    const int numbers = std::sscanf(range.c_str(), "bytes=%llu-%llu", &first, &last);
    if (numbers >= 1 && first < content.size()) {
      if (numbers == 1 || last >= content.size()) last = content.size() - 1;
      response.status = 206;
      response.body = content.substr(first, last - first + 1);
      response.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", first, last, content.size()));
    }
    return response;
  }

 private:
  struct File {
    std::string content;
    bool large = false;
  };
  struct Repo {
    std::map<std::string, std::map<std::string, File>> commits;
    std::map<std::string, std::string> refs;
    std::string token;  // asked for
  };

  // What the API says of a repository, or nothing where this is no such request.
  std::optional<Response> described(const Request& request) const {
    if (!request.path.starts_with("/api/") || request.path.starts_with("/api/resolve-cache/")) return std::nullopt;
    if (others_.contains(request.path)) return Response{.body = R"({"siblings":[{"rfilename":"data.csv"}]})"};
    const std::string begin = "/api/models/", middle = "/revision/";
    const size_t revision = request.path.find(middle);
    if (!request.path.starts_with(begin) || revision == std::string::npos) return Response{.status = 404};
    const auto repo = repos_.find(request.path.substr(begin.size(), revision - begin.size()));
    if (repo == repos_.end()) return Response{.status = 401};
    const std::string name = unescaped(request.path.substr(revision + middle.size()));
    const auto ref = repo->second.refs.find(name);
    const auto files = repo->second.commits.find(ref == repo->second.refs.end() ? name : ref->second);
    if (files == repo->second.commits.end()) return Response{.status = 404};
    std::string list;
    for (const auto& [file, content] : files->second)
      list += fmt::format(R"({}{{"rfilename":"{}"}})", list.empty() ? "" : ",", file);
    return Response{.body = fmt::format(R"({{"id":"{}","gated":false,"siblings":[{}]}})", repo->first, list)};
  }

  static std::string unescaped(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%' && i + 2 < text.size()) {
        out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        out += text[i];
      }
    }
    return out;
  }

  Response stored(const Request& request) const {
    for (const auto& [name, repo] : repos_)
      for (const auto& [commit, files] : repo.commits)
        for (const auto& [path, file] : files)
          if (file.large && request.path == "/files/" + sha256_of(file.content) && request.query == "signature=s3cret")
            return ranged(request, file.content);
    return {.status = 403, .body = "<Error>AccessDenied</Error>"};
  }

  Response resolved(const Request& request) const {
    const bool is_cached = request.path.starts_with("/api/resolve-cache/models/");
    const std::string path = is_cached ? request.path.substr(25) : request.path;
    const size_t resolve = path.find("/resolve/");
    if (resolve == std::string::npos) return {.status = 404};
    const std::string repo_name = path.substr(1, resolve - 1), rest = path.substr(resolve + 9);
    if (const auto renamed = renamed_.find(repo_name); renamed != renamed_.end())
      return {.status = 307, .headers = {{"Location", "/" + renamed->second + path.substr(resolve)}}};
    const size_t slash = rest.find('/');
    const std::string revision = unescaped(rest.substr(0, slash)), file_name = rest.substr(slash + 1);
    const bool has_token = !request.header("authorization").empty();
    const auto repo = repos_.find(repo_name);
    if (repo == repos_.end()) return {.status = has_token ? 404 : 401, .headers = {{"X-Error-Code", "RepoNotFound"}}};
    if (!repo->second.token.empty() && request.header("authorization") != "Bearer " + repo->second.token)
      return {.status = has_token ? 403 : 401, .headers = {{"X-Error-Code", "GatedRepo"}}};
    const auto ref = repo->second.refs.find(revision);
    const std::string commit = ref == repo->second.refs.end() ? revision : ref->second;
    const auto files = repo->second.commits.find(commit);
    if (files == repo->second.commits.end()) return {.status = 404, .headers = {{"X-Error-Code", "RevisionNotFound"}}};
    const auto file = files->second.find(file_name);
    if (file == files->second.end())
      return {.status = 404, .headers = {{"X-Error-Code", "EntryNotFound"}, {"X-Repo-Commit", commit}}};
    const auto& [content, large] = file->second;
    const std::string etag = large ? sha256_of(content) : git_sha1_of(content);
    Response response;
    if (large || !is_cached) {
      response.status = large ? 302 : 307;
      response.headers = {{"X-Linked-Etag", "\"" + etag + "\""}, {"X-Linked-Size", fmt::format("{}", content.size())}};
      response.headers.emplace_back(
          "Location", large ? storage() + "/files/" + etag + "?signature=s3cret"
                            : "/api/resolve-cache/models/" + repo_name + "/resolve/" + commit + "/" + file_name);
      response.body = "redirected";
    } else {
      response = ranged(request, content);
      response.headers.emplace_back("ETag", "W/\"" + etag + "\"");
    }
    response.headers.emplace_back("X-Repo-Commit", commit);
    return response;
  }

  void accept_all(int which) {
    while (!stopping_) {
      pollfd waiting{listeners_[which], POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int fd = ::accept4(listeners_[which], nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const std::lock_guard lock(mutex_);
      connections_.emplace_back([this, fd, which] {
        serve(fd, which == 1);
        ::close(fd);
      });
    }
  }

  void serve(int fd, bool at_storage) {
    std::string text;
    char buffer[4096];
    while (text.find("\r\n\r\n") == std::string::npos) {
      pollfd waiting{fd, POLLIN, 0};
      if (stopping_ || text.size() > 65536) return;
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      text.append(buffer, static_cast<size_t>(got));
    }
    Request request{.at_storage = at_storage};
    size_t line_end = text.find("\r\n");
    const std::string first = text.substr(0, line_end);
    request.method = first.substr(0, first.find(' '));
    request.path = first.substr(request.method.size() + 1);
    request.path.resize(request.path.find(' '));
    if (const size_t mark = request.path.find('?'); mark != std::string::npos) {
      request.query = request.path.substr(mark + 1);
      request.path.resize(mark);
    }
    while (text.compare(line_end, 4, "\r\n\r\n") != 0) {
      const size_t begin = line_end + 2;
      line_end = text.find("\r\n", begin);
      const std::string line = text.substr(begin, line_end - begin);
      std::string name = line.substr(0, line.find(':'));
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = line.substr(std::min(line.size(), name.size() + 2));
    }
    Handler handler;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      handler = handler_;
    }
    std::optional<Response> response = handler ? handler(request) : std::nullopt;
    if (!response) response = answer(request);
    send(fd, request, *response);
  }

  void send(int fd, const Request& request, const Response& response) const {
    std::string head = fmt::format("HTTP/1.1 {} Status\r\nConnection: close\r\n", response.status);
    bool has_length = false;
    for (const auto& [name, value] : response.headers) {
      head += name + ": " + value + "\r\n";
      has_length = has_length || name == "Content-Length";
    }
    if (!has_length)
      head += fmt::format("Content-Length: {}\r\n", response.claimed_length.value_or(response.body.size()));
    if (!send_all(fd, head + "\r\n") || request.method == "HEAD") return;
    const size_t end = std::min(response.body.size(), response.cut_after.value_or(response.body.size()));
    for (size_t begin = 0; begin < end && !stopping_; begin += response.piece) {
      if (!send_all(fd, response.body.substr(begin, std::min(response.piece, end - begin)))) return;
      if (response.pause.count() > 0) std::this_thread::sleep_for(response.pause);
    }
    ::shutdown(fd, SHUT_WR);
    while (!stopping_ && ::recv(fd, head.data(), head.size(), MSG_DONTWAIT) > 0) {
    }
  }

  static bool send_all(int fd, const std::string& text) {
    for (size_t sent = 0; sent < text.size();) {
      const ssize_t now = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) return false;
      sent += static_cast<size_t>(now);
    }
    return true;
  }

  mutable std::mutex mutex_;
  std::map<std::string, Repo> repos_;
  std::map<std::string, std::string> renamed_;
  std::set<std::string> others_;
  Handler handler_;
  std::vector<Request> requests_;
  std::vector<std::thread> acceptors_, connections_;
  std::atomic<bool> stopping_{false};
  int listeners_[2] = {-1, -1};
  int ports_[2] = {0, 0};
};

}  // namespace lstar::testing
