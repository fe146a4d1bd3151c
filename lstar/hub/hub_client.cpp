#include "lstar/hub/hub_client.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <thread>
#include <utility>

#include "lstar/checkpoint/digest.h"

namespace lstar {
namespace {

constexpr int kMostRedirects = 10;

std::string etag_of(const HttpAnswer& answer) {
  std::string etag = answer.header("x-linked-etag");
  if (etag.empty()) etag = answer.header("etag");
  if (etag.starts_with("W/")) etag.erase(0, 2);
  std::erase(etag, '"');
  return etag;
}

// A blob is named after it.
bool is_safe_etag(const std::string& etag) {
  return !etag.empty() && etag.size() <= 128 && etag.front() != '.' && etag.front() != '-' &&
         std::all_of(etag.begin(), etag.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
                  c == '.';
         });
}

std::optional<uint64_t> whole_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> size_of(const HttpAnswer& answer) {
  const std::string linked = answer.header("x-linked-size");
  if (!linked.empty()) return whole_number(linked);
  return answer.is_success() ? whole_number(answer.header("content-length")) : std::nullopt;
}

// Where a "bytes 5-9/100" begins, and its total.
std::optional<std::pair<uint64_t, uint64_t>> content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const size_t dash = text.find('-'), slash = text.find('/');
  if (dash == text.npos || slash == text.npos || slash < dash) return std::nullopt;
  const auto begin = whole_number(text.substr(0, dash)), total = whole_number(text.substr(slash + 1));
  if (!begin || !total) return std::nullopt;
  return std::pair{*begin, *total};
}

bool may_pass(const HttpAnswer& answer) {  // trouble that a later attempt may not meet
  return answer.status == 408 || answer.status == 429 || answer.status == 500 || answer.status == 502 ||
         answer.status == 503 || answer.status == 504 || !answer.fault.empty();
}

bool names_file(const HttpAnswer& answer) {
  return !answer.header("x-repo-commit").empty() && !etag_of(answer).empty() && size_of(answer);
}

std::string first_line(std::string text) {
  text = text.substr(0, text.find_first_of("\r\n"));
  std::erase_if(text, [](unsigned char c) { return c < ' ' || c == 127; });
  return text.size() > 200 || text.starts_with('<') ? "" : text;
}

Error offline_error(const HubModel& model) {
  return {.kind = ErrorKind::unreachable,
          .what = "the hub is not asked: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set",
          .file = model.text()};
}

}  // namespace

HubClient::HubClient(HubEnvironment environment, RetryPolicy policy)
    : environment_(std::move(environment)), policy_(policy), session_(policy.patience) {}

std::string HubClient::url_of(const HubModel& model, const std::string& revision, const std::string& file) const {
  std::string name;
  for (size_t begin = 0;;) {
    const size_t slash = file.find('/', begin);
    name += '/';
    name += percent_encoded(std::string_view(file).substr(begin, slash - begin));
    if (slash == std::string::npos) break;
    begin = slash + 1;
  }
  return fmt::format("{}/{}/resolve/{}{}", environment_.endpoint, model.repo, percent_encoded(revision), name);
}

// Follows redirects. A HEAD ends at a redirect to another host that already says what the file is: beyond it lies the
// place of the bytes.
Result<HttpAnswer> HubClient::follow(HttpRequest request, const HttpSink& sink) {
  const std::string own = origin_of(environment_.endpoint);
  if (own.empty())
    return fail({.kind = ErrorKind::argument,
                 .what = "the hub's endpoint is no http or https address (HF_ENDPOINT)",
                 .found = shown_url(environment_.endpoint)});
  std::map<std::string, std::string> said;  // on the way
  for (int hops = 0; hops <= kMostRedirects; ++hops) {
    const std::string here = origin_of(request.url);
    request.token = here == own ? environment_.token : "";
    LSTAR_ASSIGN(HttpAnswer answer, session_.perform(request, sink));
    if (answer.status != 0 && here == own) reached_ = true;
    for (const char* name : {"x-repo-commit", "x-linked-etag", "x-linked-size"}) {
      if (answer.header(name).empty() && !said[name].empty()) answer.headers[name] = said[name];
      said[name] = answer.header(name);
    }
    if (!answer.is_redirect()) {
      if (!request.head_only && answer.is_success()) direct_url_ = request.url;
      return answer;
    }
    const std::string there = origin_of(answer.location);
    if (there.empty() || (here.starts_with("https:") && !there.starts_with("https:")))
      return fail({.kind = ErrorKind::unreachable,
                   .what = "refuses a redirect from https to something else",
                   .file = first_line(shown_url(answer.location))});
    if (request.head_only && there != here && names_file(answer)) return answer;
    request.url = answer.location;
  }
  return fail({.kind = ErrorKind::unreachable,
               .what = fmt::format("more than {} redirects", kMostRedirects),
               .file = first_line(shown_url(request.url))});
}

// Sleeps before the next attempt; false: there is none.
bool HubClient::wait(int failures, const HttpAnswer& answer) const {
  if (failures >= policy_.attempts) return false;
  auto pause = std::min(policy_.longest, policy_.first * (int64_t{1} << std::min(failures - 1, 20)));
  if (answer.retry_after) {
    const auto asked = std::chrono::milliseconds(std::chrono::seconds(std::min<int64_t>(*answer.retry_after, 86400)));
    if (asked > 4 * policy_.longest) return false;
    pause = std::max(pause, asked);
  }
  std::this_thread::sleep_for(pause);
  return true;
}

Error HubClient::not_reached(const HubModel& model, const HttpAnswer& answer) const {
  const std::string endpoint = shown_url(environment_.endpoint);
  if (answer.status == 429)
    return {.kind = ErrorKind::unreachable,
            .what = fmt::format("{} answers 429, too many requests{}", endpoint,
                                answer.retry_after ? fmt::format("; it asks to come back in {} s", *answer.retry_after)
                                                   : std::string()),
            .file = model.text()};
  if (!answer.fault.empty())
    return {.kind = ErrorKind::unreachable,
            .what = fmt::format("{} {}: {}", endpoint, answer.unreachable ? "cannot be reached" : "broke off",
                                answer.fault),
            .file = model.text()};
  return {.kind = ErrorKind::unreachable,
          .what = fmt::format("{} answers {}", endpoint, answer.status),
          .file = model.text()};
}

// A private repository is not told from one that does not exist.
bool HubClient::is_no_repository(const HttpAnswer& answer) const {
  return answer.header("x-error-code") == "RepoNotFound" || answer.status == 404 ||
         (answer.status == 401 && environment_.token.empty());
}

Error HubClient::refused(const HubModel& model, const HttpAnswer& answer) const {
  const std::string endpoint = shown_url(environment_.endpoint), code = answer.header("x-error-code");
  const std::string page = endpoint + "/" + model.repo;
  const bool has_token = !environment_.token.empty();
  if (code == "GatedRepo")
    return {.kind = ErrorKind::unreachable,
            .what = has_token ? "gated: this token's account has no access; ask for it at " + page
                              : "gated: ask for access at " + page + ", then set HF_TOKEN to your token",
            .file = model.text()};
  if (code == "RevisionNotFound")
    return {.kind = ErrorKind::missing,
            .what = "the repository has no such revision",
            .file = model.repo,
            .found = model.revision};
  if (is_no_repository(answer))
    return {.kind = ErrorKind::missing,
            .what = fmt::format("no such repository on {}, or a private one{}", endpoint,
                                has_token ? " that the token gives no access to" : " (HF_TOKEN is not set)"),
            .file = model.repo};
  if (answer.status == 401)
    return {.kind = ErrorKind::unreachable, .what = endpoint + " does not accept the token", .file = model.text()};
  if (answer.status == 403) {
    std::string said = first_line(answer.header("x-error-message"));
    if (said.empty()) said = first_line(answer.text);
    return {.kind = ErrorKind::unreachable,
            .what = fmt::format("{} refuses access (403){}", endpoint, said.empty() ? "" : ": " + said),
            .file = model.text()};
  }
  return {.kind = ErrorKind::unreachable,
          .what = fmt::format("{} answers {}", endpoint, answer.status),
          .file = model.text()};
}

Result<RemoteLookup> HubClient::look_up(const HubModel& model, const std::string& file) {
  if (environment_.offline) return fail(offline_error(model));
  for (int failures = 1;; ++failures) {
    LSTAR_ASSIGN(const HttpAnswer answer,
                 follow({.url = url_of(model, model.revision, file), .head_only = true}, HttpSink()));
    const std::string commit = answer.header("x-repo-commit");
    if (may_pass(answer)) {
      if (answer.unreachable && !reached_) return fail(not_reached(model, answer));
      if (wait(failures, answer)) continue;
      return fail(not_reached(model, answer));
    }
    if (!commit.empty() && !is_commit(commit))
      return fail({.kind = ErrorKind::unreachable,
                   .what = "the hub names an odd commit",
                   .file = model.text(),
                   .found = first_line(commit)});
    const std::string code = answer.header("x-error-code");
    found_ = found_ || !commit.empty() || code == "EntryNotFound" || code == "RevisionNotFound" || code == "GatedRepo";
    // A mirror may answer a bare 404; once it has shown another file of this model, only the file can be missing.
    if (answer.status == 404 &&
        (code == "EntryNotFound" || (code.empty() && (!commit.empty() || known_ == model.text()))))
      return RemoteLookup{.commit = commit};
    if (!answer.is_success() && !answer.is_redirect()) {
      no_repository_ = !found_ && is_no_repository(answer);
      return fail(refused(model, answer));
    }
    const std::string etag = etag_of(answer);
    const std::optional<uint64_t> size = size_of(answer);
    const std::string endpoint = shown_url(environment_.endpoint);
    if (commit.empty())
      return fail({.kind = ErrorKind::unreachable,
                   .what = endpoint + " is no hub: its answer has no X-Repo-Commit (HF_ENDPOINT, a proxy?)",
                   .file = model.text()});
    if (!is_safe_etag(etag) || !size)
      return fail({.kind = ErrorKind::unreachable,
                   .what = "the hub does not say what this file is",
                   .file = model.text(),
                   .at = file,
                   .expected = "an ETag and a size",
                   .found = fmt::format("'{}', {}", first_line(etag), size ? fmt::format("{}", *size) : "no size")});
    known_ = model.text();
    return RemoteLookup{.commit = commit, .file = RemoteFile{file, commit, etag, *size}};
  }
}

Result<bool> HubClient::get(const HubModel& model, const RemoteFile& file, ByteRange range, const Sink& sink) {
  if (environment_.offline) return fail(offline_error(model));
  if (range.begin > range.end || range.end > file.size)
    return fail({.kind = ErrorKind::argument,
                 .what = "bytes outside the file",
                 .file = model.text(),
                 .at = file.name,
                 .expected = fmt::format("within 0..{}", file.size),
                 .found = fmt::format("{}..{}", range.begin, range.end)});
  const std::string key = fmt::format("{}/{}/{}", model.repo, file.commit, file.name);
  if (direct_file_ != key) {
    direct_file_ = key;
    direct_url_.clear();
  }
  uint64_t at = range.begin;  // the next byte for the sink
  bool keeps_ranges = true;
  for (int failures = 1; at < range.end; ++failures) {
    const uint64_t before = at;
    uint64_t position = 0;  // of the next byte that comes
    bool started = false, stopped = false, wrong_place = false;
    const HttpSink take = [&](const HttpAnswer& answer, std::span<const std::byte> bytes) {
      if (!started) {
        started = true;
        const auto place = content_range(answer.header("content-range"));
        keeps_ranges = answer.status == 206;
        position = keeps_ranges && place ? place->first : 0;
        wrong_place = keeps_ranges && (!place || place->first != at || place->second != file.size);
      }
      if (wrong_place) return false;
      const uint64_t skipped = std::min<uint64_t>(bytes.size(), at > position ? at - position : 0);
      position += bytes.size();
      bytes = bytes.subspan(skipped);
      bytes = bytes.first(std::min<uint64_t>(bytes.size(), range.end - at));
      if (!bytes.empty() && !sink(bytes)) stopped = true;
      at += bytes.size();
      return !stopped && at < range.end;  // beyond the range there may be the rest of the file
    };
    // The place of the bytes is good for a while; then the hub names another.
    const bool direct = !direct_url_.empty();
    HttpRequest request{.url = direct ? direct_url_ : url_of(model, file.commit, file.name)};
    const bool whole = at == 0 && range.end == file.size;
    if (!whole) request.range = ByteRange{at, range.end};
    LSTAR_ASSIGN(const HttpAnswer answer, follow(std::move(request), take));
    if (stopped)
      return fail({.kind = ErrorKind::cancelled, .what = "ended by its reader", .file = model.text(), .at = file.name});
    if (at == range.end) break;
    if (at > before && !answer.too_slow) failures = 0;
    if (direct && !answer.is_success() && answer.status != 0 && answer.status != 429) {
      direct_url_.clear();
      if (failures < policy_.attempts) continue;
    }
    if (wrong_place)
      return fail({.kind = ErrorKind::unreachable,
                   .what = "the server answers with other bytes than asked",
                   .file = model.text(),
                   .at = file.name,
                   .expected = fmt::format("bytes {}-{}/{}", at, range.end - 1, file.size),
                   .found = first_line(answer.header("content-range"))});
    if (answer.is_success() || may_pass(answer)) {  // a success that is too short, too
      if (wait(std::max(failures, 1), answer)) continue;
      if (answer.is_success() && answer.fault.empty())
        return fail({.kind = ErrorKind::unreachable,
                     .what = "the file is shorter than the hub says",
                     .file = model.text(),
                     .at = file.name,
                     .expected = fmt::format("{} bytes", file.size),
                     .found = fmt::format("{}", at)});
      Error error = not_reached(model, answer);
      error.at = file.name;
      return fail(std::move(error));
    }
    Error error = refused(model, answer);
    error.at = file.name;
    return fail(std::move(error));
  }
  return keeps_ranges;
}

Result<std::string> HubClient::get_text(const HubModel& model, const RemoteFile& file, uint64_t limit) {
  if (file.size > limit)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "too long",
                 .file = model.text(),
                 .at = file.name,
                 .expected = fmt::format("at most {} bytes", limit),
                 .found = fmt::format("{}", file.size)});
  std::string text;
  LSTAR_ASSIGN([[maybe_unused]] const bool ranges,
               get(model, file, {0, file.size}, [&](std::span<const std::byte> bytes) {
                 text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                 return true;
               }));
  if (is_content_hash(file.etag)) {
    Digest digest = digest_of(file.etag, file.size);
    digest.update(std::as_bytes(std::span(text)));
    if (digest.finish() != file.etag)
      return fail({.kind = ErrorKind::unreachable,
                   .what = "what came is not what the hub names: another hash",
                   .file = model.text(),
                   .at = file.name});
  }
  return text;
}

}  // namespace lstar
