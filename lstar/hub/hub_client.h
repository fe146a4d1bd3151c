// A hub over HTTP: what a file of a repository is, and its bytes. Requests are repeated with growing pauses where the
// hub is busy or a connection breaks, and go on where they were cut. The token goes to the endpoint's own host and to
// no other. Owns its connections; one thread at a time uses a client, and each thread makes its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/hub_model.h"
#include "lstar/hub/environment.h"
#include "lstar/hub/http.h"

namespace lstar {

// How often and how long to wait. A cut transfer that was not too slow while it lasted counts as a first attempt.
struct RetryPolicy {
  int attempts = 5;
  std::chrono::milliseconds first{1000};     // doubled each time
  std::chrono::milliseconds longest{30000};  // also the longest Retry-After that is waited for, times four
  HttpPatience patience = {};                // of each attempt
};

struct RemoteFile {
  std::string name;    // "model.safetensors"
  std::string commit;  // 40 hexadecimal digits
  std::string etag;    // 64 hexadecimal digits: its SHA-256; 40: git's SHA-1; safe as a file name
  uint64_t size = 0;
};

// What the hub says of a file name at a revision.
struct RemoteLookup {
  std::string commit;              // what the revision is; may be empty where the file is absent
  std::optional<RemoteFile> file;  // nothing: the repository has no such file
};

// What the hub's API says of a repository.
struct RemoteRepository {
  enum class Kind { model, dataset, space };
  Kind kind = Kind::model;
  std::vector<std::string> files;  // sorted names, as they come: not for use as paths
  bool is_gated = false;
};

class HubClient {
 public:
  explicit HubClient(HubEnvironment environment, RetryPolicy policy = {});

  const HubEnvironment& environment() const { return environment_; }
  const RetryPolicy& policy() const { return policy_; }

  // Fails where repository or revision do not exist, access is refused, or the hub cannot be reached. Offline it fails
  // before anything is sent, as do all calls.
  Result<RemoteLookup> look_up(const HubModel& model, const std::string& file);

  // Hands exactly these bytes of the file to the sink, in order; false from the sink is an error. Answers whether the
  // server keeps to ranges (else all bytes before them came too).
  using Sink = std::function<bool(std::span<const std::byte>)>;
  Result<bool> get(const HubModel& model, const RemoteFile& file, ByteRange range, const Sink& sink);

  // Whether an answer before showed that the repository exists, or that there is none.
  bool found() const { return found_; }
  bool no_repository() const { return no_repository_; }

  // Asks the API, once, what the name is; nothing where it does not say: mirrors may have no API.
  std::optional<RemoteRepository> describe(const HubModel& model, RemoteRepository::Kind kind);

  // A small text file as a whole.
  Result<std::string> get_text(const HubModel& model, const RemoteFile& file, uint64_t limit);

 private:
  Result<HttpAnswer> follow(HttpRequest request, const HttpSink& sink);
  std::string url_of(const HubModel& model, const std::string& revision, const std::string& file) const;
  bool wait(int failures, const HttpAnswer& answer) const;
  bool is_no_repository(const HttpAnswer& answer) const;
  Error refused(const HubModel& model, const HttpAnswer& answer) const;
  Error not_reached(const HubModel& model, const HttpAnswer& answer) const;

  HubEnvironment environment_;
  RetryPolicy policy_;
  HttpSession session_;
  std::string direct_file_, direct_url_;  // where the last file's bytes were found
  std::string known_;                     // the last model of which a file was found
  bool reached_ = false;                  // the hub has answered before
  bool found_ = false, no_repository_ = false;
};

}  // namespace lstar
