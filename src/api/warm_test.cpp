// Apps that are kept started, through the people's API, with a scripted agent on an instance of a pretended cloud.
#include <gmock/gmock.h>

#include <thread>

#include "api/server_test_support.hpp"
#include "cloud/fake_cloud.hpp"

namespace slipway::api {
namespace {
using testing::HasSubstr;

constexpr const char* kSmallApp =
    R"({"name": "book", "spec": {"container_image": "tiny:1", "ports": [{"name": "web", "port": 8888}],)"
    R"( "resources": {"cpu_millis": 40, "memory_bytes": 67108864}, "sessions_a_person": 1000}})";

class WarmApiTest : public ServerTest {
 protected:
  cloud::Cloud* cloud() override { return &cloud_; }

  std::unique_ptr<ScriptedAgent> pool_with_one_host() {
    const auto made = call("POST", "/api/v1/pools",
                           R"({"name": "desks", "image": "ami-00000001", "instance_type": "t3.medium", "size": 1})");
    EXPECT_EQ(made.status, 201) << made.body;
    while (cloud_.live_instances().empty()) std::this_thread::yield();
    const auto instance = cloud_.live_instances().front();
    const auto join = wire::decode_user_data(cloud_.launch_of(instance.instance_id)->user_data);
    auto agent = std::make_unique<ScriptedAgent>(client_.loop, *server_);
    agent->connect(server_->fingerprint());
    agent->say(wire::Hello{.agent_version = "0.1.0",
                           .features = {std::string(wire::kServicesFeature)},
                           .join_token = join->join_token,
                           .instance_id = instance.instance_id,
                           .hostname = "desk",
                           .boot_id = "boot-1"});
    agent->expect<wire::Welcome>();
    agent->ready();
    return agent;
  }
  static void say_ready(ScriptedAgent& agent, const AllocationId& allocation, std::int64_t epoch, bool claimed) {
    agent.say(wire::AllocationReport{.allocation = allocation,
                                     .epoch = epoch,
                                     .state = model::AllocationState::Running,
                                     .ready = true,
                                     .claimed = claimed});
  }
  boost::json::object counts() {
    auto pool = json(call("GET", "/api/v1/pools/desks"));
    return pool.contains("warm_counts") ? pool["warm_counts"].at("book").as_object() : boost::json::object{};
  }
  std::string warm(const std::string& body, int expected = 200) {
    const auto answer = call("PUT", "/api/v1/pools/desks/warm", body);
    EXPECT_EQ(answer.status, expected) << answer.body;
    return answer.body;
  }

  cloud::FakeCloud cloud_{clock_};
};

TEST_F(WarmApiTest, TwoHundredStartsAtOnceOnFifty_FiftyAreReadyAndNobodySharesOne) {
  constexpr int kKept = 50;
  constexpr int kThreads = 8;
  constexpr int kEach = 25;
  call("POST", "/api/v1/apps", kSmallApp);
  const auto agent = pool_with_one_host();
  warm(R"({"app": "book", "count": 50})");
  for (int i = 0; i < kKept; ++i) {
    const auto order = agent->expect<wire::StartAllocation>();
    EXPECT_TRUE(order.spec.service->warm);
    say_ready(*agent, order.allocation, order.epoch, false);
  }
  while (counts()["ready"].to_number<int>() < kKept) std::this_thread::yield();

  std::vector<std::thread> people;
  for (int i = 0; i < kThreads; ++i)
    people.emplace_back([this] {
      for (int j = 0; j < kEach; ++j) EXPECT_EQ(call("POST", "/api/v1/sessions", R"({"app": "book"})").status, 201);
    });
  std::set<AllocationId> claimed;
  for (int i = 0; i < kKept; ++i) {
    const auto claim = agent->expect<wire::ClaimAllocation>();
    EXPECT_TRUE(claimed.insert(claim.allocation).second) << "two people were given one container";
    say_ready(*agent, claim.allocation, claim.epoch, true);
  }
  for (auto& person : people) person.join();

  const auto ready = [&] {
    const auto listed = json(call("GET", "/api/v1/sessions?limit=1000")).at("items").as_array();
    EXPECT_EQ(listed.size(), static_cast<std::size_t>(kThreads * kEach));
    std::set<std::string> places;
    int waiting = 0;
    for (const auto& session : listed) {
      if (session.at("state") == "READY") places.emplace(session.at("allocation").as_string());
      if (session.at("state") != "WAITING") continue;
      ++waiting;
      EXPECT_THAT(std::string(session.at("reason").as_string()), HasSubstr("the largest free host has 0"));
    }
    EXPECT_EQ(waiting, kThreads * kEach - kKept);
    return places.size();
  };
  for (int i = 0; i < 100 && ready() < kKept; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(ready(), static_cast<std::size_t>(kKept));
}

TEST_F(WarmApiTest, BadRequests_AreProblemsThatNameWhatIsWrong) {
  EXPECT_EQ(call("PUT", "/api/v1/pools/desks/warm", R"({"app": "book", "count": 1})").status, 404);
  call("POST", "/api/v1/pools",
       R"({"name": "desks", "image": "ami-00000001", "instance_type": "t3.medium", "size": 1})");
  EXPECT_THAT(warm(R"({"app": "book", "count": 1})", 404), HasSubstr("no app 'book'"));
  call("POST", "/api/v1/apps", kSmallApp);
  EXPECT_THAT(warm(R"({"app": "book", "count": -1})", 400), HasSubstr("count must be 0 to 1000"));
  EXPECT_THAT(warm(R"({"app": "Book", "count": 1})", 400), HasSubstr("is no name"));
  EXPECT_THAT(warm(R"({"app": "book", "number": 1})", 400), HasSubstr("number"));
  warm("{", 400);
  warm(R"({"app": "book", "count": 2})");
  EXPECT_EQ(counts()["wanted"].to_number<int>(), 2);
  EXPECT_EQ(counts()["ready"].to_number<int>(), 0);
  warm(R"({"app": "book", "count": 0})");
  EXPECT_FALSE(json(call("GET", "/api/v1/pools/desks")).contains("warm"));
}

}  // namespace
}  // namespace slipway::api
