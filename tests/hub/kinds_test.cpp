// The kind of each refusal of a hub: whoever gets "unreachable" may try again, whoever gets "missing" need not.
#include <functional>

#include "tests/hub/hub_case.h"

namespace lstar {
namespace {

using Kind = ErrorKind;
using testing::HubServer;

class HubKinds : public testing::HubTest {
 protected:
  HubKinds() {
    options.retries.attempts = 1;
    add_model("org/name");
  }
  void answer(HubServer::Response response) {
    server.on_request([=](const HubServer::Request&) { return std::optional(response); });
  }
};

TEST_F(HubKinds, EachByTheWaysToReachIt) {
  struct Case {
    Kind kind;
    const char* says;  // a part of the message
    std::string model;
    std::function<void()> change;
  };
  const std::vector<Case> cases = {
      {Kind::missing, "no such repository", "org/nowhere", [] {}},
      {Kind::missing, "no such revision", "org/name@step7", [] {}},
      {Kind::missing, "no config.json", "org/empty", [&] { server.add("org/empty", "README.md", "read me"); }},
      {Kind::missing, "no weights", "org/half", [&] { server.add("org/half", "config.json", "{}"); }},
      {Kind::unsupported, "a data set of the hub", "org/data", [&] { server.add_other("datasets", "org/data"); }},
      {Kind::argument, "the token is not one", "org/name", [&] { options.hub.token = "two words"; }},
      {Kind::argument, "HF_ENDPOINT", "org/name", [&] { options.hub.endpoint = "ftp://127.0.0.1"; }},
      {Kind::unreachable, "gated", "org/name", [&] { server.gate("org/name", "hf_right"); }},
      {Kind::unreachable, "does not accept the token", "org/name",
       [&] {
         options.hub.token = "hf_expired";
         answer({.status = 401});
       }},
      {Kind::unreachable, "refuses access", "org/name", [&] { answer({.status = 403}); }},
      {Kind::unreachable, "too many requests", "org/name", [&] { answer({.status = 429}); }},
      {Kind::unreachable, "answers 503", "org/name", [&] { answer({.status = 503}); }},
      {Kind::unreachable, "is no hub", "org/name", [&] { answer({.body = "welcome"}); }},
      {Kind::unreachable, "cannot be reached", "org/name", [&] { options.hub.endpoint = "http://127.0.0.1:1"; }},
      {Kind::unreachable, "the hub is not asked", "org/name", [&] { options.hub.offline = true; }},
      {Kind::cancelled, "interrupted", "org/name", [&] { options.on_step = [](const Step&) { return false; }; }},
  };
  const LocateOptions before = options;
  for (const Case& one : cases) {
    options = before;
    server.on_request({});
    one.change();
    const auto located = locate(one.model);
    if (one.says == std::string("gated")) server.gate("org/name", "");
    ASSERT_FALSE(located) << one.says;
    SCOPED_TRACE(located.error().message());
    EXPECT_STREQ(name(located.error().kind), name(one.kind));
    EXPECT_NE(located.error().message().find(one.says), std::string::npos) << "said nothing of: " << one.says;
  }
}

// What arrives and is not what the hub named, whatever carried it.
TEST_F(HubKinds, ADamagedTransfer) {
  server.on_request([this](const HubServer::Request& request) -> std::optional<HubServer::Response> {
    if (!request.at_storage || request.method != "GET") return std::nullopt;
    auto response = server.answer(request);
    if (!response.body.empty()) response.body[0] ^= 1;
    return response;
  });
  const auto located = locate("org/name");
  ASSERT_FALSE(located);
  EXPECT_NE(located.error().message().find("arrived damaged"), std::string::npos) << located.error().message();
  EXPECT_EQ(located.error().kind, Kind::unreachable);
}

// A download that is out of memory ends with an error, its other connections too.
TEST_F(HubKinds, ADownloadThatRunsOutOfMemory) {
  options.download = {.connections = 3, .chunk = 10'000};
  options.on_step = [](const Step& step) -> bool {
    if (step.done > 50'000) throw std::bad_alloc();
    return true;
  };
  const auto located = locate("org/name");
  ASSERT_FALSE(located);
  EXPECT_EQ(located.error().kind, Kind::memory) << located.error().message();
  options.on_step = {};
  EXPECT_TRUE(locate("org/name"));
}

}  // namespace
}  // namespace lstar
