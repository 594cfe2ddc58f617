// Apps, sessions and links through the people's API, with a scripted agent.
#include <gmock/gmock.h>

#include "api/server_test_support.hpp"
#include "api/session_origin.hpp"

namespace slipway::api {
namespace {
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kApp =
    R"({"name": "book", "spec": {"container_image": "tiny:1", "ports": [{"name": "web", "port": 8888}],)"
    R"( "resources": {"cpu_millis": 100, "memory_bytes": 67108864}, "sessions_a_person": 2}})";

class SessionApiTest : public ServerTest {
 protected:
  std::string start(const std::string& more = "", const std::string& key = "") {
    std::vector<std::pair<std::string, std::string>> headers;
    if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
    const auto response = call("POST", "/api/v1/sessions", R"({"app": "book")" + more + "}", headers);
    EXPECT_EQ(response.status, 201) << response.body;
    return std::string(json(response)["id"].as_string());
  }
  boost::json::object session(const std::string& id) { return json(call("GET", "/api/v1/sessions/" + id)); }
  std::string state(const std::string& id) { return std::string(session(id)["state"].as_string()); }
};

TEST_F(SessionApiTest, App_IsRegisteredListedAndShownByNameAndId) {
  const auto registered = json(call("POST", "/api/v1/apps", kApp));
  EXPECT_EQ(registered.at("app_version").as_int64(), 1);
  const std::string id(registered.at("id").as_string());
  EXPECT_EQ(json(call("POST", "/api/v1/apps", kApp)).at("id").as_string(), id);
  std::string changed = kApp;
  changed.replace(changed.find("8888"), 4, "9999");
  EXPECT_EQ(json(call("POST", "/api/v1/apps", changed)).at("app_version").as_int64(), 2);
  EXPECT_EQ(json(call("GET", "/api/v1/apps")).at("items").as_array().size(), 1U);
  EXPECT_EQ(json(call("GET", "/api/v1/apps?all=1")).at("items").as_array().size(), 2U);
  EXPECT_EQ(json(call("GET", "/api/v1/apps/book")).at("app_version").as_int64(), 2);
  EXPECT_EQ(json(call("GET", "/api/v1/apps/" + id)).at("app_version").as_int64(), 1);
}

TEST_F(SessionApiTest, BadRequests_AreProblemsThatNameWhatIsWrong) {
  EXPECT_EQ(call("POST", "/api/v1/apps", "{").status, 400);
  EXPECT_THAT(call("POST", "/api/v1/apps", R"({"name": "book", "spec": {"container_image": "a:1"}})").body,
              HasSubstr("ports is missing"));
  EXPECT_EQ(call("GET", "/api/v1/apps/book").status, 404);
  const auto unknown = call("POST", "/api/v1/sessions", R"({"app": "book"})");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("slipway app list"));
  call("POST", "/api/v1/apps", kApp);
  EXPECT_EQ(call("POST", "/api/v1/sessions", R"({"app": "book", "for": "2h"})").status, 400);
  EXPECT_EQ(call("POST", "/api/v1/sessions", R"({"app": "book", "startup": {"dpi": "x"}})").status, 400);
  EXPECT_EQ(call("GET", "/api/v1/sessions/none").status, 404);
  EXPECT_EQ(call("POST", "/api/v1/sessions/none/stop").status, 404);
  EXPECT_EQ(call("POST", "/api/v1/sessions/none/extend", "{}").status, 404);
  EXPECT_EQ(call("POST", "/api/v1/sessions/none/links", "{}").status, 404);
  EXPECT_EQ(call("GET", "/api/v1/sessions/none/watch").status, 404);
}

TEST_F(SessionApiTest, WaitingSession_SaysWhyAndEndsAtOnce) {
  call("POST", "/api/v1/apps", kApp);
  const auto id = start();
  EXPECT_EQ(session(id)["state"].as_string(), "WAITING");
  EXPECT_EQ(session(id)["reason"].as_string(), "no READY host; there is no host at all");
  EXPECT_THAT(std::string(session(id)["origin"].as_string()), StartsWith("http://" + id + ".localhost:"));
  EXPECT_EQ(call("POST", "/api/v1/sessions/" + id + "/stop").status, 202);
  EXPECT_EQ(state(id), "ENDED");
  EXPECT_EQ(call("POST", "/api/v1/sessions/" + id + "/stop").status, 409);
  EXPECT_EQ(json(call("GET", "/api/v1/sessions")).at("items").as_array().size(), 0U);
  EXPECT_EQ(json(call("GET", "/api/v1/sessions?all=1")).at("items").as_array().size(), 1U);
}

TEST_F(SessionApiTest, Name_StandsForTheSessionThatHasNotEnded) {
  call("POST", "/api/v1/apps", kApp);
  const auto first = start();
  const auto second = start();
  call("POST", "/api/v1/sessions/" + second + "/stop");
  EXPECT_EQ(session("book")["id"].as_string(), first);
  call("POST", "/api/v1/sessions/" + first + "/stop");
  EXPECT_EQ(session("book")["id"].as_string(), second);
}

TEST_F(SessionApiTest, OneTooMany_IsRefused) {
  call("POST", "/api/v1/apps", kApp);
  start();
  start();
  const auto third = call("POST", "/api/v1/sessions", R"({"app": "book"})");
  EXPECT_EQ(third.status, http_status(Code::Conflict));
  EXPECT_THAT(third.body, HasSubstr("you have 2 sessions of book already"));
}

TEST_F(SessionApiTest, IdempotencyKey_GivesTheSameSession) {
  call("POST", "/api/v1/apps", kApp);
  EXPECT_EQ(start("", "key"), start("", "key"));
  EXPECT_EQ(call("POST", "/api/v1/sessions", R"({"app": "book", "name": "x"})", {{"Idempotency-Key", "key"}}).status,
            409);
}

TEST_F(SessionApiTest, FromStartToEnd_TheWatchShowsEachPhase) {
  call("POST", "/api/v1/apps", kApp);
  const auto agent = join();
  const auto id = start(R"(, "name": "thesis", "startup": {"dpi": "192"})");
  auto watched = std::async(std::launch::async, [&] { return call("GET", "/api/v1/sessions/thesis/watch"); });
  const auto order = agent->expect<wire::StartAllocation>();
  ASSERT_TRUE(order.spec.service);
  EXPECT_EQ(order.spec.service->startup.at("dpi"), "192");
  wire::AllocationReport report{.allocation = order.allocation,
                                .epoch = order.epoch,
                                .state = model::AllocationState::Running,
                                .waiting_for = "waits for port 8888"};
  agent->say(report);
  while (session(id)["reason"].as_string() != "waits for port 8888") std::this_thread::yield();
  EXPECT_EQ(session(id)["state"].as_string(), "STARTING");
  EXPECT_EQ(session(id)["host"].as_string(), "scripted");
  report.ready = true;
  report.waiting_for.clear();
  agent->say(report);
  while (state(id) != "READY") std::this_thread::yield();

  // The job that carries it is no job to people's eyes, and keeps its secret.
  const std::string job(session(id)["job"].as_string());
  EXPECT_EQ(json(call("GET", "/api/v1/jobs")).at("items").as_array().size(), 0U);
  EXPECT_EQ(call("GET", "/api/v1/jobs/thesis").status, 404);
  EXPECT_THAT(call("GET", "/api/v1/jobs/" + job).body, Not(HasSubstr(order.spec.service->app_token)));

  EXPECT_EQ(call("POST", "/api/v1/sessions/" + id + "/stop").status, 202);
  EXPECT_EQ(agent->expect<wire::StopAllocation>().allocation, order.allocation);
  report.ready = false;
  report.state = model::AllocationState::Stopped;
  report.stdout_bytes = report.stderr_bytes = 0;
  agent->say(report);
  const auto lines = watched.get().body;  // the watch ends with the session
  for (const char* seen : {"\"state\":\"STARTING\"", "\"state\":\"READY\"", "\"state\":\"ENDED\""})
    EXPECT_THAT(lines, HasSubstr(seen));
  EXPECT_THAT(lines, HasSubstr("stopped on request"));
  EXPECT_EQ(lines.back(), '\n');
}

TEST_F(SessionApiTest, Link_IsToldOnceListedWithoutItsSecretAndRevoked) {
  call("POST", "/api/v1/apps", kApp);
  const auto id = start();
  const auto links = "/api/v1/sessions/" + id + "/links";
  const auto made = json(call("POST", links, R"({"lifetime_ms": 60000})"));
  const std::string url(made.at("url").as_string());
  const auto secret = url.substr(url.find('#') + 1);
  EXPECT_THAT(url, StartsWith(std::string(session(id)["origin"].as_string()) + "/.slipway/open#slws_"));
  EXPECT_NE(made.at("expires_at").as_string(), "");
  EXPECT_EQ(call("POST", links).status, 201);  // an empty body is {}
  const auto listed = call("GET", links).body;
  EXPECT_THAT(listed, Not(HasSubstr(secret)));
  EXPECT_THAT(listed, Not(HasSubstr("sha256")));
  EXPECT_EQ(json(call("GET", links)).at("items").as_array().size(), 2U);
  EXPECT_THAT(call("GET", "/api/v1/history").body, Not(HasSubstr(secret)));
  const std::string link(made.at("id").as_string());
  const auto other = start();
  EXPECT_EQ(call("DELETE", "/api/v1/sessions/" + other + "/links/" + link).status, 404);
  EXPECT_EQ(call("DELETE", links + "/" + link).status, 200);
  EXPECT_EQ(call("DELETE", links + "/" + link).status, 404);
  EXPECT_EQ(json(call("GET", links)).at("items").as_array().size(), 1U);
  call("POST", "/api/v1/sessions/" + id + "/stop");
  EXPECT_EQ(call("POST", links, "{}").status, 409);
}

TEST_F(SessionApiTest, Extending_MovesTheEnd) {
  call("POST", "/api/v1/apps", kApp);
  const auto id = start(R"(, "longest_ms": 60000)");
  const std::string before(session(id)["ends_at"].as_string());
  EXPECT_EQ(call("POST", "/api/v1/sessions/" + id + "/extend").status, 200);
  EXPECT_EQ(session(id)["ends_at"].as_string(), before);
  const auto extended = json(call("POST", "/api/v1/sessions/" + id + "/extend", R"({"longer_ms": 3600000})"));
  EXPECT_GT(std::string(extended.at("ends_at").as_string()), before);
}

TEST_F(SessionApiTest, EveryRoute_AsksForAToken) {
  const auto where = endpoint_of(server_->api_url().substr(7));
  for (const auto* target : {"/api/v1/apps", "/api/v1/apps/x", "/api/v1/sessions", "/api/v1/sessions/x",
                             "/api/v1/sessions/x/watch", "/api/v1/sessions/x/links"})
    EXPECT_EQ(send(where, net::ClientRequest{.target = target}).status, 401) << target;
}

TEST(SessionOriginTest, EachSession_HasAnOriginAndIsFoundByIt) {
  SeededRandom random(1);
  const auto id = SessionId::make(random);
  const SessionOrigin local{.base_domain = "localhost", .port = 7070};
  EXPECT_EQ(session_origin(local, id), "http://" + id.text() + ".localhost:7070");
  EXPECT_EQ(link_url(local, id, "slws_x"), session_origin(local, id) + "/.slipway/open#slws_x");
  const SessionOrigin away{.base_domain = "lab.example.org", .port = 443, .tls = true};
  EXPECT_EQ(session_origin(away, id), "https://" + id.text() + ".lab.example.org");
  EXPECT_EQ(session_of_host(away, id.text() + ".lab.example.org"), id);
  EXPECT_EQ(session_of_host(local, id.text() + ".localhost:7070"), id);
  std::string shouted = id.text() + ".LocalHost.";
  EXPECT_EQ(session_of_host(local, shouted), id);
  for (const std::string& other :
       {std::string("localhost"), std::string("localhost:7070"), id.text(), id.text() + ".example.org",
        "x." + id.text() + ".localhost", id.text() + "x.localhost", std::string("ses-.localhost"), std::string()})
    EXPECT_EQ(session_of_host(local, other), std::nullopt) << other;
}

}  // namespace
}  // namespace slipway::api
