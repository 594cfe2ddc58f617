#include "wire/workshops.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.hpp"
#include "wire/examples_test.hpp"
#include "wire/json.hpp"

namespace slipway::wire {
namespace {

using testing::HasSubstr;

model::WorkshopSpec spec() {
  model::WorkshopSpec one;
  one.title = "Genomics";
  one.app = "jupyter";
  one.image = "class";
  one.instance_type = "t3.medium";
  one.seats = 2;
  one.roster = {{"Ada", "ada@example.org"}};
  one.spare_percent = 10;
  one.seats_per_host = 2;
  one.resources = model::Resources{500, 1LL << 30};
  one.start = examples::time(0);
  one.end = examples::time(7200);
  one.files = examples::manifest();
  return one;
}

model::Workshop workshop() {
  return {.id = examples::id<WorkshopId>('n'),
          .meta = examples::meta(),
          .name = "class",
          .spec = spec(),
          .state = model::WorkshopState::Ending,
          .reason = "homes are being exported",
          .pool = examples::id<PoolId>('g'),
          .opened_at = examples::time(1),
          .closing_at = examples::time(2),
          .finished_at = {}};
}

model::Seat seat() {
  return {.id = examples::id<SeatId>('s'),
          .meta = examples::meta(),
          .workshop = examples::id<WorkshopId>('n'),
          .number = 3,
          .spare = true,
          .name = "Ada",
          .email = "ada@example.org",
          .display_name = "Countess",
          .principal = examples::id<PrincipalId>('a'),
          .session = examples::id<SessionId>('q'),
          .leaving = {},
          .wanted = true,
          .opened_at = examples::time(4),
          .failures = 1,
          .placing = {examples::id<HomeTaskId>('t')},
          .note = "kept: a.txt",
          .exporting = {},
          .exported = true,
          .archive_sha256 = std::string(64, '9'),
          .archive_bytes = 12};
}

TEST(WorkshopRecords, ReadBackAsThemselves) {
  test::expect_golden("wire/v1/record_workshop.json", boost::json::serialize(store_json(workshop())));
  test::expect_golden("wire/v1/record_seat.json", boost::json::serialize(store_json(seat())));
  EXPECT_EQ(store_json(*from_json<model::Workshop>(store_json(workshop()))), store_json(workshop()));
  EXPECT_EQ(store_json(*from_json<model::Seat>(store_json(seat()))), store_json(seat()));
}

TEST(WorkshopRecords, ALinkMayLeadToASeat) {
  const model::Link link{.id = examples::id<LinkId>('p'), .seat = examples::id<SeatId>('s'), .secret_sha256 = "x"};
  const auto read = from_json<model::Link>(store_json(link));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->seat, link.seat);
  EXPECT_TRUE(read->session.empty());
}

TEST(WorkshopRequests, ReadBackAsThemselves) {
  const CreateWorkshopRequest create{.name = "class", .spec = spec()};
  EXPECT_EQ(encode(*parse_create_workshop(encode(create))), encode(create));
  const IssueLinksRequest issue{.seats = {1, 2}, .again = true};
  EXPECT_EQ(encode(*parse_issue_links(encode(issue))), encode(issue));
  const SendFilesRequest send{.files = examples::manifest(), .replace = true};
  EXPECT_EQ(encode(*parse_send_files(encode(send))), encode(send));
  const ExtendWorkshopRequest extend{.until = examples::time(9)};
  EXPECT_EQ(parse_extend_workshop(encode(extend))->until, extend.until);
  EXPECT_TRUE(parse_issue_links("")->seats.empty());
}

TEST(WorkshopRequests, MistakesAreNamed) {
  const auto message = [](const std::string& body) {
    const auto read = parse_create_workshop(body);
    return read ? "" : read.error().message;
  };
  EXPECT_THAT(message(R"({"name": "A", "spec": {}})"), HasSubstr("name"));
  EXPECT_THAT(message(R"({"name": "a"})"), HasSubstr("request.spec is missing"));
  EXPECT_THAT(message(R"({"name": "a", "spec": {"seat": 2}})"), HasSubstr("seats"));
  EXPECT_THAT(message(R"({"name": "a", "spec": {"resources": {"cpus": 2}}})"), HasSubstr("cpus"));
  EXPECT_THAT(message(R"({"name": "a", "spec": {"resources": {"cpu_millis": 0, "memory_bytes": 1}}})"),
              HasSubstr("cpu_millis"));
  EXPECT_THAT(message(R"({"name": "a", "spec": {"image": "i", "instance_type": "T 3"}})"), HasSubstr("instance_type"));
  EXPECT_THAT(message(R"({"name": "a", "spec": {"pool": "P"}})"), HasSubstr("pool"));
  EXPECT_FALSE(parse_send_files(R"({"files": []})"));
  EXPECT_FALSE(parse_extend_workshop(R"({"until": "soon"})"));
}

}  // namespace
}  // namespace slipway::wire
