// Workshops through the people's API and the gateway: a seat's link over several sessions, the board, the end.
#include "api/gateway/gateway_test_support.hpp"
#include "cloud/fake_cloud.hpp"

namespace slipway::api {
namespace {
using testing::HasSubstr;

const std::pair<std::string, std::string> kForPeople{"Accept", "text/html"};

class WorkshopApiTest : public GatewayTest {
 protected:
  cloud::Cloud* cloud() override { return &cloud_; }

  std::string in(Duration time) { return format_time(clock_.now().wall + time); }
  std::string spec(const std::string& more = "") {
    return R"({"app": "web", "seats": 1, "spare_percent": 100, "end": ")" + in(std::chrono::hours(2)) + "\"" + more +
           "}";
  }
  net::Response make(const std::string& name, const std::string& wanted) {
    return call("POST", "/api/v1/workshops", R"({"name": ")" + name + R"(", "spec": )" + wanted + "}");
  }
  boost::json::object shown(const std::string& name) { return json(call("GET", "/api/v1/workshops/" + name)); }
  boost::json::object seat(int number) {
    const auto board = json(call("GET", "/api/v1/workshops/class/seats"));
    return board.at("items").as_array().at(static_cast<std::size_t>(number - 1)).as_object();
  }
  template <typename Done>
  void until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done()) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
  void wait_for_seat(int number, const std::string& state) {
    until([&] { return seat(number).at("state").as_string() == state; });
  }
  /// What a browser needs to know of a seat.
  Session place_of(int number) {
    const auto origin = std::string(seat(number).at("origin").as_string());
    return {.id = std::string(seat(number).at("id").as_string()), .host = origin.substr(7), .origin = origin};
  }
  Link link_of(int number, const std::string& body) {
    const auto issued = json(call("POST", "/api/v1/workshops/class/links", body));
    for (const auto& item : issued.at("items").as_array())
      if (item.at("number").as_int64() == number) return {.id = "", .url = std::string(item.at("url").as_string())};
    return {};
  }
  wire::StartAllocation seat_ready() {
    auto order = agent_->expect<wire::StartAllocation>();
    agent_->say(report_of(order, model::AllocationState::Running, true));
    return order;
  }
  static wire::AllocationReport report_of(const wire::StartAllocation& order, model::AllocationState state, bool up) {
    wire::AllocationReport report{.allocation = order.allocation, .epoch = order.epoch, .state = state};
    report.ready = up;
    return report;
  }

  cloud::FakeCloud cloud_{clock_};
};

TEST_F(WorkshopApiTest, ASeatsLink_OutlivesItsSession) {
  ASSERT_EQ(make("class", spec()).status, 201);
  const auto place = place_of(1);
  const auto link = link_of(1, "{}");
  EXPECT_TRUE(link.url.starts_with(place.origin + "/.slipway/open#slws_")) << link.url;
  const auto cookie = sign_in(place, link);
  EXPECT_THAT(visit(place, "/", {{"Cookie", cookie}, kForPeople}).body, HasSubstr("not ready yet"));
  auto order = seat_ready();
  wait_for_seat(1, "READY");
  EXPECT_EQ(visit(place, "/lab", {{"Cookie", cookie}}).body, "the app says hello");
  wait_for_seat(1, "ACTIVE");

  auto failed = report_of(order, model::AllocationState::Failed, false);
  failed.reason = "exit code 7";
  failed.stdout_bytes = failed.stderr_bytes = 0;
  agent_->say(failed);
  until([&] {
    return visit(place, "/", {{"Cookie", cookie}, kForPeople}).body.find("started again") != std::string::npos;
  });
  seat_ready();
  until([&] { return visit(place, "/lab", {{"Cookie", cookie}}).status == 200; });
  EXPECT_EQ(seat(1).at("failures").as_int64(), 1);
}

TEST_F(WorkshopApiTest, NobodyElsesLinkOrCookie_LetsIntoASeat) {
  auto two = spec();
  two.replace(two.find("\"seats\": 1"), 10, "\"seats\": 2");
  ASSERT_EQ(make("class", two).status, 201);
  const auto first = place_of(1);
  const auto second = place_of(2);
  const auto cookie = sign_in(first, link_of(1, "{}"));
  EXPECT_EQ(exchange_secret(second, link_of(1, R"({"seats": [1], "reissue": true})").secret()).status, 401);
  EXPECT_EQ(visit(second, "/", {{"Cookie", cookie}}).status, 401);
  auto renamed = cookie;
  renamed.replace(renamed.find(first.id), first.id.size(), second.id);
  EXPECT_EQ(visit(second, "/", {{"Cookie", renamed}}).status, 401);
  EXPECT_EQ(visit(first, "/", {{"Cookie", cookie}}).status, 401) << "reissued: the old link is no good any more";
  EXPECT_EQ(visit(first, "/", {kForPeople}).status, 401);
}

TEST_F(WorkshopApiTest, ASpareSeat_StartsOnceItsLinkIsOpened_AndPeoplePickNames) {
  ASSERT_EQ(make("class", spec()).status, 201);
  EXPECT_EQ(seat(2).at("state").as_string(), "SPARE");
  const auto place = place_of(2);
  const auto cookie = sign_in(place, link_of(2, "{}"));
  wait_for_seat(2, "WAITING");
  const auto named =
      visit(place, "/.slipway/name", {{"Cookie", cookie}, {"Origin", place.origin}}, "POST", R"({"name": "Grace"})");
  EXPECT_EQ(named.status, 204) << named.body;
  EXPECT_EQ(seat(2).at("display_name").as_string(), "Grace");
  const auto status = json(visit(place, "/.slipway/status", {{"Cookie", cookie}}));
  EXPECT_TRUE(status.at("seat").as_bool());
  EXPECT_EQ(status.at("display_name").as_string(), "Grace");
}

TEST_F(WorkshopApiTest, AtTheEnd_LinksStopWorking_AndPagesSaySo) {
  ASSERT_EQ(make("class", spec()).status, 201);
  const auto place = place_of(1);
  const auto link = link_of(1, "{}");
  const auto cookie = sign_in(place, link);
  EXPECT_EQ(call("POST", "/api/v1/workshops/class/end").status, 202);
  const auto page = visit(place, "/", {{"Cookie", cookie}, kForPeople});
  EXPECT_EQ(page.status, 410);
  EXPECT_THAT(page.body, HasSubstr("The workshop is over"));
  EXPECT_EQ(exchange_secret(place, link.secret()).status, 401);
  EXPECT_EQ(call("POST", "/api/v1/workshops/class/links", "{}").status, 409);
  EXPECT_EQ(call("GET", "/api/v1/workshops/class/homes/1").status, 404);
}

TEST_F(WorkshopApiTest, HostsOfItsOwn_AreLaunchedAndGivenBack_AndThatIsProved) {
  ASSERT_EQ(make("class", spec(R"(, "image": "ami-00000001", "instance_type": "t3.medium")")).status, 201);
  until([&] { return cloud_.live_instances().size() == 2; });
  const auto remains = json(call("GET", "/api/v1/workshops/class/remains"));
  EXPECT_EQ(remains.at("items").as_array().size(), 4U) << "two instances with a volume each";
  ASSERT_EQ(call("POST", "/api/v1/workshops/class/end").status, 202);
  until([&] { return shown("class").at("state").as_string() == "ENDED"; });
  const auto proof = json(call("GET", "/api/v1/workshops/class/remains"));
  EXPECT_TRUE(proof.at("items").as_array().empty()) << boost::json::serialize(proof);
  EXPECT_EQ(proof.at("asked").as_array().size(), 5U);
  EXPECT_TRUE(json(call("GET", "/api/v1/pools")).at("items").as_array().empty());
  EXPECT_TRUE(json(call("GET", "/api/v1/workshops")).at("items").as_array().empty());
  EXPECT_EQ(json(call("GET", "/api/v1/workshops?all=1")).at("items").as_array().size(), 1U);
}

TEST_F(WorkshopApiTest, Plan_SaysWhatIsMissing_AndMakesNothing) {
  const auto plan = [&](const std::string& wanted) {
    const auto answer = call("POST", "/api/v1/workshops/plan", R"({"name": "class", "spec": )" + wanted + "}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json(answer);
  };
  const auto good = plan(spec(R"(, "image": "ami-00000001", "instance_type": "t3.medium")"));
  EXPECT_TRUE(good.at("missing").as_array().empty()) << boost::json::serialize(good);
  EXPECT_EQ(good.at("app_resources").at("cpu_millis").as_int64(), 100);
  EXPECT_THAT(boost::json::serialize(plan(spec(R"(, "image": "nothing", "instance_type": "t3.medium")"))),
              HasSubstr("no image named nothing"));
  EXPECT_TRUE(json(call("GET", "/api/v1/workshops")).at("items").as_array().empty());
}

TEST_F(WorkshopApiTest, BadRequests_AreProblemsThatNameWhatIsWrong) {
  EXPECT_THAT(make("class", R"({"app": "web", "seats": 1})").body, HasSubstr("end: is missing"));
  EXPECT_THAT(make("class", spec(R"(, "speed": 1)")).body, HasSubstr("speed"));
  EXPECT_EQ(make("Class", spec()).status, 400);
  EXPECT_THAT(make("class", spec(R"(, "files": [{"path": "a", "size_bytes": 1, "mode": 420, "sha256": ")" +
                                 std::string(64, 'a') + "\"}]"))
                  .body,
              HasSubstr("upload them first"));
  ASSERT_EQ(make("class", spec()).status, 201);
  EXPECT_EQ(make("class", spec()).status, 409);
  EXPECT_EQ(call("POST", "/api/v1/workshops/class/seats/9/replace").status, 404);
  EXPECT_EQ(call("POST", "/api/v1/workshops/class/seats/x/replace").status, 400);
  EXPECT_EQ(call("POST", "/api/v1/workshops/class/extend", R"({"until": "2001-01-01T00:00:00.000Z"})").status, 400);
  EXPECT_EQ(call("POST", "/api/v1/workshops/class/extend", R"({"until": ")" + in(std::chrono::hours(3)) + "\"}").status,
            200);
  EXPECT_THAT(call("POST", "/api/v1/workshops/class/files", R"({"files": []})").body, HasSubstr("no file"));
  EXPECT_EQ(call("GET", "/api/v1/workshops/none").status, 404);
}

}  // namespace
}  // namespace slipway::api
