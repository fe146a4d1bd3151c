// Transfers over bad lines and from servers of every kind: what arrives is right or is not there.
#include "tests/hub/hub_case.h"

#include <atomic>
#include <thread>

#include "lstar/checkpoint/digest.h"
#include "lstar/hub/http.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using testing::content_of;
using ::testing::HasSubstr;
using testing::HubServer;
using ::testing::IsEmpty;
using testing::kCommit;
using ::testing::Key;
using testing::listing;
using testing::noise;
using ::testing::Not;
using testing::put;
using testing::sha256_of;
using ::testing::SizeIs;
namespace fs = std::filesystem;

using Answer = std::optional<HubServer::Response>;

class Transfer : public testing::HubTest {
 protected:
  Transfer() { add_model("org/name"); }

  std::string blob() const { return cache_of("models--org--name") + "/blobs/" + sha256_of(weights); }
  std::string file() const { return snapshot("models--org--name") + "/model.safetensors"; }
  std::vector<std::string> left_behind() const {
    std::vector<std::string> names;
    for (const auto& [name, what] : listing(cache_of("models--org--name")))
      if (name.ends_with(".incomplete")) names.push_back(name);
    return names;
  }
  // Answers GETs of large files in turn; later ones as the server does.
  void on_transfers(std::vector<std::function<void(HubServer::Response&)>> changes) {
    server.on_request(
        [this, changes, turn = std::make_shared<std::atomic<size_t>>(0)](const HubServer::Request& request) -> Answer {
          if (!request.at_storage) return std::nullopt;
          const size_t next = (*turn)++;
          if (next >= changes.size()) return std::nullopt;
          auto response = server.answer(request);
          changes[next](response);
          return response;
        });
  }
  // Answers HEADs of a file in the same way.
  void on_heads(const std::string& file_name, std::vector<HubServer::Response> answers) {
    server.on_request(
        [=, turn = std::make_shared<std::atomic<size_t>>(0)](const HubServer::Request& request) -> Answer {
          if (request.method != "HEAD" || !request.path.ends_with(file_name)) return std::nullopt;
          const size_t next = (*turn)++;
          return next < answers.size() ? Answer(answers[next]) : std::nullopt;
        });
  }
};

TEST(Digest, KnownValues) {
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); };
  Digest sha256 = Digest::sha256();
  sha256.update(bytes("a"));
  sha256.update(bytes("bc"));
  EXPECT_EQ(sha256.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4
  Digest git = Digest::git_blob(6);
  git.update(bytes("hello\n"));
  EXPECT_EQ(git.finish(), "ce013625030ba8dba906f756967f9e9ca394464a");  // git hash-object
}

TEST(Url, OriginsAndWhatIsShown) {
  EXPECT_EQ(origin_of("HTTPS://Huggingface.CO:443/a?b"), "https://huggingface.co");
  EXPECT_EQ(origin_of("http://h:80"), "http://h");
  EXPECT_EQ(origin_of("http://h:8080/x"), "http://h:8080");
  EXPECT_NE(origin_of("https://huggingface.co@evil.example/"), "https://huggingface.co");
  EXPECT_NE(origin_of("https://huggingface.co\\@evil.example/"), "https://huggingface.co");
  EXPECT_NE(origin_of("https://huggingface.co.evil.example/"), "https://huggingface.co");
  EXPECT_NE(origin_of("http://huggingface.co/"), "https://huggingface.co");
  EXPECT_EQ(origin_of("file:///etc/passwd"), "");
  EXPECT_EQ(origin_of("nonsense"), "");
  EXPECT_EQ(shown_url("https://me:secret@h/a/b?signature=1#c"), "https://h/a/b");
  EXPECT_EQ(shown_url("https://h"), "https://h");
}

TEST_F(Transfer, TheTokenStaysWithTheHub) {
  options.hub.token = "hf_secret";
  server.gate("org/name", "hf_secret");
  ASSERT_TRUE(locate("org/name"));
  EXPECT_TRUE(content_of(file()) == weights);
  ASSERT_THAT(transfers(), Not(IsEmpty()));
  for (const auto& request : server.requests())
    EXPECT_EQ(request.header("authorization"), request.at_storage ? "" : "Bearer hf_secret") << request.path;
}

TEST_F(Transfer, RefusalsSayWhatToDo) {
  server.gate("org/name", "hf_right");
  EXPECT_THAT(error_of("org/name"),
              AllOf(HasSubstr("gated"), HasSubstr(server.endpoint() + "/org/name"), HasSubstr("HF_TOKEN")));
  options.hub.token = "hf_wrong";
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("gated"), HasSubstr(server.endpoint() + "/org/name"),
                                          HasSubstr("no access"), Not(HasSubstr("hf_wrong"))));
  EXPECT_THAT(error_of("org/nowhere"),
              AllOf(HasSubstr("org/nowhere: "), HasSubstr("no such repository"), Not(HasSubstr("hf_wrong"))));
  options.hub.token = "hf_right";
  EXPECT_THAT(error_of("org/name@step7"), AllOf(HasSubstr("no such revision"), HasSubstr("step7")));
  EXPECT_THAT(error_of("org/name@" + std::string(40, 'f')), HasSubstr("no such revision"));
  options.hub.token = "";
  EXPECT_THAT(error_of("org/nowhere"), AllOf(HasSubstr("no such repository"), HasSubstr("HF_TOKEN is not set")));
  on_heads("config.json", {{.status = 401}});
  options.hub.token = "hf_expired";
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("does not accept the token"), Not(HasSubstr("hf_expired"))));
  on_heads("config.json", {{.status = 403, .headers = {{"X-Error-Message", "This region is blocked"}}}});
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("403"), HasSubstr("This region is blocked")));
  options.hub.token = "two\r\nlines: x";
  server.forget_requests();
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("the token is not one"), Not(HasSubstr("lines"))));
  EXPECT_THAT(server.requests(), IsEmpty());
  EXPECT_FALSE(fs::exists(options.hub.cache)) << "a refusal leaves nothing";
}

TEST_F(Transfer, ACutLineIsContinuedWhereItBroke) {
  on_transfers({[](auto& response) { response.cut_after = 100'000; }, [](auto& response) { response.cut_after = 50; },
                [](auto& response) { response.cut_after = 0; }});
  const auto located = locate("org/name");
  ASSERT_TRUE(located) << located.error().message();
  EXPECT_TRUE(content_of(file()) == weights);
  ASSERT_THAT(transfers(), SizeIs(4));
  EXPECT_EQ(transfers()[0].header("range"), "");
  EXPECT_EQ(transfers()[1].header("range"), "bytes=100000-299999");
  EXPECT_EQ(transfers()[2].header("range"), "bytes=100050-299999");
  EXPECT_EQ(transfers()[3].header("range"), "bytes=100050-299999");
}

TEST_F(Transfer, WhatIsUnfinishedIsNotSeenAndIsContinuedByTheNextProcess) {
  std::atomic<int> early{0};
  server.on_request([&](const HubServer::Request& request) -> Answer {
    if (!request.at_storage) return std::nullopt;
    if (fs::exists(blob()) || fs::exists(file())) ++early;
    auto response = server.answer(request);
    if (request.header("range").empty())
      response.cut_after = 120'000;
    else
      response = {.status = 503};
    return response;
  });
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("answers 503"), HasSubstr("model.safetensors")));
  EXPECT_EQ(early, 0);
  EXPECT_FALSE(fs::exists(blob()));
  EXPECT_FALSE(fs::is_symlink(file()));
  EXPECT_FALSE(fs::exists(cache_of("models--org--name") + "/refs/main"));
  ASSERT_THAT(left_behind(), SizeIs(1));
  EXPECT_THAT(left_behind()[0], ContainsRegex("^blobs/[0-9a-f]+\\.[0-9a-f]+\\.incomplete$"));
  EXPECT_EQ(left_behind()[0].size(), std::string("blobs/").size() + 64 + 1 + 8 + std::string(".incomplete").size());
  EXPECT_EQ(fs::file_size(cache_of("models--org--name") + "/" + left_behind()[0]), 120'000u);

  server.on_request({});
  server.forget_requests();
  ASSERT_TRUE(locate("org/name"));
  ASSERT_THAT(transfers(), SizeIs(1));
  EXPECT_EQ(transfers()[0].header("range"), "bytes=120000-299999");
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(Transfer, ALeftoverOfSomethingElseIsFoundOut) {
  put(blob() + ".00c0ffee.incomplete", noise(150'000, 9));
  put(blob() + ".0000beef.incomplete", weights + "longer than the file");
  ASSERT_TRUE(locate("org/name"));
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_EQ(transfers().size(), 2u) << "continued, found wrong, begun again";
  EXPECT_THAT(left_behind(), SizeIs(1)) << "the one that could not be a beginning is not ours to remove";
}

// As killed processes leave them.
TEST_F(Transfer, ShortAndEmptyLeftoversDoNotPileUp) {
  put(blob() + ".00c0ffee.incomplete", weights.substr(0, 200'000));
  put(blob() + ".0000beef.incomplete", weights.substr(0, 1000));
  put(blob() + ".00000bad.incomplete", "");
  ASSERT_TRUE(locate("org/name"));
  EXPECT_TRUE(content_of(file()) == weights);
  ASSERT_THAT(transfers(), SizeIs(1));
  EXPECT_EQ(transfers()[0].header("range"), "bytes=200000-299999") << "the longest is gone on with";
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(Transfer, AWholeLeftoverNeedsNoTransfer) {
  put(blob() + ".00c0ffee.incomplete", weights);
  ASSERT_TRUE(locate("org/name"));
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_THAT(transfers(), IsEmpty());
}

TEST_F(Transfer, DamagedBytesDoNotBecomeABlob) {
  on_transfers({[](auto& response) { response.body[1000] ^= 1; }});
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("org/name/model.safetensors: arrived damaged"),
                                          HasSubstr("sha256 " + sha256_of(weights))));
  EXPECT_FALSE(fs::exists(blob()));
  EXPECT_FALSE(fs::is_symlink(file()));
  EXPECT_THAT(left_behind(), IsEmpty());
  server.on_request([&](const HubServer::Request& request) -> Answer {
    auto response = server.answer(request);
    if (request.method == "GET" && request.path.ends_with("tokenizer.json") && response.status == 200)
      response.body = "[]";
    return response;
  });
  fs::remove_all(options.hub.cache);
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("tokenizer.json: arrived damaged"), HasSubstr("git sha1")));
}

TEST_F(Transfer, SizesThatAreNotTrue) {
  on_transfers(std::vector<std::function<void(HubServer::Response&)>>(20, [](auto& response) {
    response.body.resize(std::min<size_t>(response.body.size(), 10));
    response.headers.clear();
    response.status = 200;
  }));
  EXPECT_THAT(error_of("org/name"), HasSubstr("shorter than the hub says"));
  server.on_request([&](const HubServer::Request& request) -> Answer {
    auto response = server.answer(request);
    if (request.at_storage) response = {.body = weights + "more"};
    return response;
  });
  EXPECT_TRUE(locate("org/name")) << "what is behind the file is not read";
  EXPECT_TRUE(content_of(file()) == weights);
}

TEST_F(Transfer, ABusyHubIsAskedAgain) {
  on_heads("config.json", {{.status = 503}, {.status = 500}, {.status = 504}});
  EXPECT_TRUE(locate("org/name"));
  fs::remove_all(options.hub.cache);
  on_heads("model.safetensors", {{.status = 429, .headers = {{"Retry-After", "1"}}}});
  EXPECT_TRUE(locate("org/name"));
  fs::remove_all(options.hub.cache);
  server.forget_requests();
  on_heads("config.json", {{.status = 429, .headers = {{"Retry-After", "3600"}}}});
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("429"), HasSubstr("3600 s")));
  EXPECT_THAT(server.requests(), SizeIs(1)) << "nobody waits an hour";
  server.forget_requests();
  on_heads("config.json", std::vector<HubServer::Response>(10, {.status = 429}));
  EXPECT_THAT(error_of("org/name"), HasSubstr("too many requests"));
  EXPECT_THAT(server.requests(), SizeIs(4)) << "as often as the policy says";
  on_heads("config.json", {{.status = 418}});
  EXPECT_THAT(error_of("org/name"), HasSubstr("answers 418"));
}

TEST_F(Transfer, ParallelRangesMakeTheSameFile) {
  options.download = {.connections = 4, .chunk = 10'000};
  ASSERT_TRUE(locate("org/name"));
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_EQ(transfers().size(), 30u);

  fs::remove_all(options.hub.cache);
  std::atomic<int> asked{0};
  server.on_request([&](const HubServer::Request& request) -> Answer {  // every third breaks
    if (!request.at_storage || ++asked % 3 != 0) return std::nullopt;
    auto response = server.answer(request);
    response.cut_after = 1234;
    return response;
  });
  const auto located = locate("org/name");
  ASSERT_TRUE(located) << located.error().message();
  EXPECT_TRUE(content_of(file()) == weights);

  fs::remove_all(options.hub.cache);
  put(blob() + ".12345678.incomplete", weights.substr(0, 123'456));
  server.on_request({});
  server.forget_requests();
  ASSERT_TRUE(locate("org/name"));
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_EQ(transfers()[0].header("range"), "bytes=123456-133455");

  fs::remove_all(options.hub.cache);
  server.on_request([&](const HubServer::Request& request) -> Answer {  // knows no ranges
    if (!request.at_storage) return std::nullopt;
    return HubServer::Response{.body = weights};
  });
  server.forget_requests();
  ASSERT_TRUE(locate("org/name"));
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_EQ(transfers().size(), 2u) << "the first chunk shows it; the rest comes in one piece";

  fs::remove_all(options.hub.cache);
  server.on_request([&](const HubServer::Request& request) -> Answer {  // one range is never had
    if (!request.at_storage || request.header("range") != "bytes=150000-159999") return std::nullopt;
    return HubServer::Response{.status = 500};
  });
  EXPECT_THAT(error_of("org/name"), HasSubstr("answers 500"));
  ASSERT_THAT(left_behind(), SizeIs(1));
  const std::string begun = content_of(cache_of("models--org--name") + "/" + left_behind()[0]);
  EXPECT_LE(begun.size(), 150'000u);
  EXPECT_EQ(begun, weights.substr(0, begun.size())) << "a beginning of the file, whatever came behind the gap";
}

TEST_F(Transfer, OtherBytesThanAskedAreRefused) {
  options.download = {.connections = 2, .chunk = 50'000};
  on_transfers({[](auto&) {}, [](auto& response) { response.headers = {{"Content-Range", "bytes 0-49999/300000"}}; }});
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("other bytes than asked"), HasSubstr("bytes 0-49999/300000")));
}

TEST_F(Transfer, AnExpiredAddressIsAskedForAnew) {
  on_transfers({[](auto& response) { response.cut_after = 100'000; },
                [](auto& response) { response = {.status = 403, .body = "<Error>Request has expired</Error>"}; }});
  ASSERT_TRUE(locate("org/name"));
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_THAT(transfers(), SizeIs(3));
}

TEST_F(Transfer, ARenamedRepositoryIsFollowedWithTheToken) {
  add_model("openai-community/gpt2");
  server.rename("gpt2", "openai-community/gpt2");
  server.gate("openai-community/gpt2", "hf_t");
  options.hub.token = "hf_t";
  const auto located = locate("gpt2");
  ASSERT_TRUE(located) << located.error().message();
  EXPECT_EQ(*located, snapshot("models--gpt2"));
  EXPECT_TRUE(content_of(*located + "/model.safetensors") == weights);
}

TEST_F(Transfer, AMirrorMaySendElsewhere) {
  HubServer mirror;
  const std::string hub = server.endpoint();
  mirror.on_request([&](const HubServer::Request& request) -> Answer {
    return HubServer::Response{.status = 308, .headers = {{"Location", hub + request.path}}};
  });
  options.hub.endpoint = mirror.endpoint();
  options.hub.token = "hf_mirror";
  const auto located = locate("org/name");
  ASSERT_TRUE(located) << located.error().message();
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_EQ(mirror.requests()[0].header("authorization"), "Bearer hf_mirror");
  for (const auto& request : server.requests()) EXPECT_EQ(request.header("authorization"), "") << request.path;
}

TEST_F(Transfer, ASizeThatOnlyTheStorageKnows) {
  server.on_request([&](const HubServer::Request& request) -> Answer {
    auto response = server.answer(request);
    std::erase_if(response.headers, [](const auto& header) { return header.first == "X-Linked-Size"; });
    if (request.at_storage) response.headers.emplace_back("ETag", "\"the storage's own\"");
    return response;
  });
  const auto located = locate("org/name");
  ASSERT_TRUE(located) << located.error().message();
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_TRUE(fs::exists(blob()));
}

TEST_F(Transfer, RedirectsThatLeadNowhere) {
  on_heads("config.json", {{.status = 302, .headers = {{"Location", "file:///etc/passwd"}}}});
  EXPECT_THAT(error_of("org/name"), HasSubstr("refuses a redirect"));
  server.on_request([&](const HubServer::Request& request) -> Answer {
    return HubServer::Response{.status = 302, .headers = {{"Location", request.path}}};
  });
  EXPECT_THAT(error_of("org/name"), HasSubstr("more than 10 redirects"));
}

TEST_F(Transfer, WhatIsNoHubIsSaidToBeNone) {
  server.on_request([](const HubServer::Request&) -> Answer {
    return HubServer::Response{.headers = {{"ETag", "\"x\""}}, .body = "<html>Please log in</html>"};
  });
  EXPECT_THAT(error_of("org/name"), HasSubstr("is no hub"));
}

TEST_F(Transfer, HeadersCannotLeadOutOfTheCache) {
  const auto answer = [](std::string commit, std::string etag, std::string size) {
    return HubServer::Response{
        .headers = {{"X-Repo-Commit", commit}, {"X-Linked-Etag", etag}, {"X-Linked-Size", size}}};
  };
  on_heads("config.json", {answer("../../../tmp/x", "abc", "3")});
  EXPECT_THAT(error_of("org/name"), HasSubstr("odd commit"));
  for (const char* etag : {"../../evil", "", "\"\"", ".hidden", "a/b", "a b"}) {
    on_heads("config.json", {answer(kCommit, etag, "3")});
    EXPECT_THAT(error_of("org/name"), HasSubstr("does not say what this file is")) << etag;
  }
  for (const char* size : {"-1", "12x", "99999999999999999999999"}) {
    on_heads("config.json", {answer(kCommit, "abc", size)});
    EXPECT_THAT(error_of("org/name"), HasSubstr("does not say what this file is")) << size;
  }
  on_heads("config.json", {answer(kCommit, std::string(64, 'a'), "18446744073709551615")});
  EXPECT_THAT(error_of("org/name"), HasSubstr("not enough room on the disk"));
}

TEST_F(Transfer, TagsThatAreNoHashAreTakenAsTheyAre) {  // some mirrors' are their own
  server.on_request([&](const HubServer::Request& request) -> Answer {
    if (request.at_storage) return std::nullopt;
    auto response = server.answer(request);
    for (auto& [name, value] : response.headers)
      if (name == "ETag" || name == "X-Linked-Etag") value = "\"md5-" + value.substr(value.size() - 9);
    return response;
  });
  const auto located = locate("org/name");
  ASSERT_TRUE(located) << located.error().message();
  EXPECT_TRUE(content_of(file()) == weights);
}

TEST_F(Transfer, TwoAtOnceTransferOnce) {
  server.on_request([&](const HubServer::Request& request) -> Answer {
    if (!request.at_storage) return std::nullopt;
    auto response = server.answer(request);
    response.pause = std::chrono::milliseconds(20);
    return response;
  });
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&, mine = options]() mutable {
      mine.begin = {};
      mine.remark = {};
      good += locate_model("org/name", mine).has_value();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 3);
  EXPECT_TRUE(content_of(file()) == weights);
  EXPECT_EQ(transfers().size(), 1u);
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(Transfer, NobodyAtHome) {
  options.hub.endpoint = "http://127.0.0.1:1";
  EXPECT_THAT(error_of("org/name"), HasSubstr("http://127.0.0.1:1 cannot be reached"));
  options.hub.endpoint = "http://me:secret@127.0.0.1:1";
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("cannot be reached"), Not(HasSubstr("secret"))));
  options.hub.token = "hf_t";
  const std::vector<std::string> without_http = {"ftp://127.0.0.1", "huggingface.co", server.endpoint().substr(7)};
  for (const std::string& endpoint : without_http) {
    options.hub.endpoint = endpoint;
    EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("HF_ENDPOINT"), HasSubstr(endpoint)));
  }
  EXPECT_THAT(server.requests(), IsEmpty()) << "a token goes nowhere by a guess";
}

// Some bytes now and then keep a line alive; they are no reason to wait for ever.
TEST_F(Transfer, ASlowHubIsGivenUp) {
  options.retries.attempts = 2;
  options.retries.patience = {.seconds = 1, .slowest = 100'000};
  on_transfers(std::vector<std::function<void(HubServer::Response&)>>(50, [](HubServer::Response& response) {
    response.piece = 20;
    response.pause = std::chrono::milliseconds(50);
  }));
  EXPECT_THAT(error_of("org/name"), HasSubstr("model.safetensors"));
  EXPECT_LE(server.requests().size(), 20u);
  server.on_request([](const HubServer::Request&) -> Answer {
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    return std::nullopt;
  });
  EXPECT_THAT(error_of("org/other"), HasSubstr("org/other"));
}

TEST_F(Transfer, EndsWhereProgressSaysSo) {
  options.on_step = [](const Step& step) { return step.done < 100'000; };
  EXPECT_THAT(error_of("org/name"), HasSubstr("interrupted"));
  options.on_step = {};
  EXPECT_TRUE(locate("org/name"));
  EXPECT_EQ(content_of(file()), weights);
}

}  // namespace
}  // namespace lstar
