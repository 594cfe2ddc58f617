// Workshops as an instructor runs them.
#include "cli/exit_codes.hpp"
#include "cli/test_support.hpp"
#include "cli/workshop_file.hpp"
#include "tests/support/json_schema.hpp"

namespace slipway::cli {
namespace {

using test::SchemaCheck;
using testing::HasSubstr;
using testing::Not;

const std::string kFile =
    "name: class\ntitle: Genomics\napp: jupyter\nimage: jupyter\ntype: t3.medium\nseats: 2\nspares: 50%\nend: in 2h\n";

std::string workshop_json(const std::string& state, const std::string& reason = "") {
  return fmt::format(
      R"({{"id":"ws-nnnnnnnnnnnnnnnnnnnn","version":1,"owner":"","project":"","created_at":"","changed_at":"",)"
      R"("name":"class","state":"{}","reason":"{}","pool":"","opened_at":"","closing_at":"","finished_at":"",)"
      R"("spec":{{"title":"Genomics","app":"jupyter","image":"jupyter","instance_type":"t3.medium","pool":"","seats":2,)"
      R"("roster":[],"spare_percent":50,"seats_per_host":1,"resources":null,"start":"",)"
      R"("end":"2026-03-01T12:00:00.000Z","warn_before_ms":600000,"files":[]}},"hosts":3,"spares":1,)"
      R"("board":{{"READY":1,"WAITING":1,"SPARE":1}}}})",
      state, reason);
}

std::string seat_json(int number, const std::string& state, const std::string& archive = "") {
  return fmt::format(
      R"({{"id":"seat-{:0>20}","version":1,"owner":"","project":"","created_at":"","changed_at":"",)"
      R"("workshop":"ws-nnnnnnnnnnnnnnnnnnnn","number":{},"spare":false,"name":"Ada / L.","email":"","display_name":"",)"
      R"("principal":"","session":"","leaving":"","wanted":false,"opened_at":"","failures":0,"placing":[],"note":"",)"
      R"("exporting":"","exported":true,"archive_sha256":"{}","archive_bytes":3,"state":"{}","session_state":"READY",)"
      R"("reason":"{}","host":"desk","ready_at":"","origin":"http://seat.localhost","has_link":true}})",
      number, number, archive, state, state == "WAITING" ? "no READY host" : "");
}

std::string list_of(const std::string& items) { return "{\"items\":[" + items + "],\"next\":null}"; }

const std::string kPlanAnswer =
    R"({"app_resources":{"cpu_millis":1000,"memory_bytes":1073741824},"image_id":"ami-1","cloud":"it would","missing":[]})";
const std::string kIssued =
    R"({"title":"Genomics","start":"","end":"2026-03-01T12:00:00.000Z","items":[{"number":1,"seat":"seat-11111111111111111111",)"
    R"("spare":false,"name":"Ada","email":"","origin":"http://s","url":"http://s/.slipway/open#slws_x"}]})";

struct WorkshopFolder : Folder {
  WorkshopFolder() { write("workshop.yaml", kFile); }
};

TEST(WorkshopFile, Example_IsOneThatWorks) {
  const auto read = parse_workshop_file(workshop_example(), "workshop.yaml", ManualClock().now().wall);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->request.name, "class");
  EXPECT_EQ(read->request.spec.spare_percent, 10);
  EXPECT_EQ(read->request.spec.end, ManualClock().now().wall + std::chrono::hours(4));
}

TEST(WorkshopFile, EveryMistakeHasItsPlace) {
  const auto read = parse_workshop_file("name: A B\napp: x\nseats: many\nspares: 10 %\nend: soon\n", "w.yaml",
                                        ManualClock().now().wall);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("w.yaml:3:8: seats: 'many' is no whole number"));
  EXPECT_THAT(read.error().message, HasSubstr("w.yaml:5:6: end: 'soon' is no time"));
  const auto no_end = parse_workshop_file("name: a\napp: x\nseats: 3\n", "w.yaml", ManualClock().now().wall);
  EXPECT_THAT(no_end.error().message, HasSubstr("end: is missing; a workshop without an end costs for ever"));
}

TEST(Prices, ShippedTable_IsRead_AndKnowsCommonTypes) {
  const auto table = parse_prices(shipped_prices(), "prices.yaml");
  ASSERT_TRUE(table) << table.error().text();
  EXPECT_EQ(table->types.at("t3.medium").micros_per_hour, 41'600);
}

TEST(WorkshopInit, WritesAFile_AndNeverOverOne) {
  const Folder folder;
  EXPECT_EQ(CommandRun({"workshop", "init", folder.path()}).code, kDone);
  EXPECT_THAT(folder.read("workshop.yaml"), HasSubstr("end: in 4h"));
  EXPECT_EQ(CommandRun({"workshop", "init", folder.path()}).code, kConflict);
}

TEST(WorkshopPlan, SaysHostsAndPrice_AndEndsWithOne) {
  const WorkshopFolder folder;
  StubServer server;
  server.on("POST /api/v1/workshops/plan", kPlanAnswer);
  const CommandRun run(at(server, {"workshop", "plan", folder / "workshop.yaml"}));
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_THAT(run.out, HasSubstr("3 of t3.medium with image jupyter"));
  EXPECT_THAT(run.out, HasSubstr("0.1248 USD"));
  EXPECT_THAT(run.out, HasSubstr("0.2496 USD for 2h00m"));
  const CommandRun json(at(server, {"workshop", "plan", folder / "workshop.yaml", "-o", "json"}));
  EXPECT_EQ(SchemaCheck::problems("workshop_plan", json.out), "");
}

TEST(WorkshopPlan, OwnPrices_GoBeforeTheShipped) {
  const WorkshopFolder folder;
  folder.write("prices.yaml", "currency: EUR\ntypes:\n  t3.medium: {per_hour: 1}\n");
  StubServer server;
  server.on("POST /api/v1/workshops/plan", kPlanAnswer);
  const CommandRun run(at(server, {"workshop", "plan", folder / "workshop.yaml", "--prices", folder / "prices.yaml"}));
  EXPECT_THAT(run.out, HasSubstr("6.00 EUR for 2h00m"));
}

TEST(WorkshopPlan, WhatIsThere_IsNothingToDo_AndWhatIsMissingAnError) {
  const WorkshopFolder folder;
  StubServer server;
  server.on("POST /api/v1/workshops/plan",
            R"({"app_resources":{"cpu_millis":1,"memory_bytes":1},"cloud":"","missing":["no app 'jupyter'"]})");
  const CommandRun missing(at(server, {"workshop", "plan", folder / "workshop.yaml"}));
  EXPECT_EQ(missing.code, 255);
  EXPECT_THAT(missing.out, HasSubstr("missing: no app 'jupyter'"));
  server.on("GET /api/v1/workshops/class", workshop_json("OPEN"));
  EXPECT_EQ(CommandRun(at(server, {"workshop", "plan", folder / "workshop.yaml"})).code, 0);
  EXPECT_EQ(CommandRun(at(server, {"workshop", "plan", folder / "nothing.yaml"})).code, 255);
}

TEST(WorkshopUp, TakesRosterAndFilesAlong_AndWaits) {
  const WorkshopFolder folder;
  folder.write("workshop.yaml", kFile + "roster: people.csv\nfiles: material\n");
  folder.write("people.csv", "name,email\nAda,ada@x.org\nBob,\nCy,\n");
  folder.write("material/one.txt", "1");
  StubServer server;
  server.on("POST /api/v1/blobs/missing", R"({"missing":[]})");
  server.on("POST /api/v1/workshops", workshop_json("OPEN"), 201);
  server.on("GET /api/v1/workshops/ws-nnnnnnnnnnnnnnnnnnnn/seats",
            list_of(seat_json(1, "READY") + "," + seat_json(2, "WAITING") + "," + seat_json(3, "WAITING")));
  server.on("GET /api/v1/workshops/ws-nnnnnnnnnnnnnnnnnnnn/seats",
            list_of(seat_json(1, "READY") + "," + seat_json(2, "ACTIVE") + "," + seat_json(3, "READY")));
  const CommandRun run(at(server, {"workshop", "up", folder / "workshop.yaml", "--wait"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_THAT(run.err, HasSubstr("3 seats ready"));
  const auto body = server.asked("POST /api/v1/workshops").at(0).body;
  EXPECT_THAT(body, HasSubstr(R"("seats":3)"));
  EXPECT_THAT(body, HasSubstr("ada@x.org"));
  EXPECT_THAT(body, HasSubstr("one.txt"));
}

TEST(WorkshopStatus, IsTheBoard) {
  StubServer server;
  server.on("GET /api/v1/workshops/class", workshop_json("OPEN"));
  server.on("GET /api/v1/workshops/class/seats", list_of(seat_json(1, "READY") + "," + seat_json(2, "WAITING")));
  const CommandRun run(at(server, {"workshop", "status", "class"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_THAT(run.out, HasSubstr("class OPEN: 1 ready, 1 waiting; ends 2026-03-01T12:00:00.000Z"));
  EXPECT_THAT(run.out, HasSubstr("no READY host"));
}

TEST(WorkshopSeats, LinksAreShownOnce_AndSheetsAreForTheirOwnerOnly) {
  const Folder folder;
  StubServer server;
  server.on("POST /api/v1/workshops/class/links", kIssued, 201);
  EXPECT_THAT(CommandRun(at(server, {"workshop", "seats", "class"})).out, HasSubstr("#slws_x"));
  const CommandRun run(
      at(server, {"workshop", "seats", "class", "--format", "pdf", "--to", folder / "s.pdf", "--reissue", "1"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_TRUE(folder.read("s.pdf").starts_with("%PDF"));
  EXPECT_EQ(std::filesystem::status(folder / "s.pdf").permissions() & std::filesystem::perms::others_read,
            std::filesystem::perms::none);
  EXPECT_EQ(server.asked("POST /api/v1/workshops/class/links").at(1).body, R"({"seats":[1],"reissue":true})");
  EXPECT_EQ(CommandRun(at(server, {"workshop", "seats", "class", "--reissue", "x"})).code, kUsage);
}

TEST(WorkshopSeats, ASheetThatCannotBeWritten_CostsNoLinks) {
  StubServer server;
  server.on("POST /api/v1/workshops/class/links", kIssued, 201);
  const CommandRun run(at(server, {"workshop", "seats", "class", "--format", "csv", "--to", "/nonexistent/a.csv"}));
  EXPECT_NE(run.code, kDone);
  EXPECT_TRUE(server.asked("POST").empty());
}

TEST(WorkshopSend, FilesAndDirectories) {
  const Folder folder;
  folder.write("a.txt", "a");
  folder.write("data/b.txt", "b");
  StubServer server;
  server.on("POST /api/v1/blobs/missing", R"({"missing":[]})");
  server.on("POST /api/v1/workshops/class/files", workshop_json("OPEN"), 202);
  const CommandRun run(at(server, {"workshop", "send", "class", folder / "a.txt", folder / "data"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  const auto body = server.asked("POST /api/v1/workshops/class/files").at(0).body;
  EXPECT_THAT(body, HasSubstr("\"a.txt\""));
  EXPECT_THAT(body, HasSubstr("\"data/b.txt\""));
}

TEST(WorkshopExtend, CountsFromItsEnd) {
  StubServer server;
  server.on("GET /api/v1/workshops/class", workshop_json("OPEN"));
  server.on("POST /api/v1/workshops/class/extend", workshop_json("OPEN"));
  EXPECT_EQ(CommandRun(at(server, {"workshop", "extend", "class", "--for", "30m"})).code, kDone);
  EXPECT_EQ(server.asked("POST").at(0).body, R"({"until":"2026-03-01T12:30:00.000Z"})");
  EXPECT_EQ(CommandRun(at(server, {"workshop", "extend", "class"})).code, kUsage);
}

TEST(WorkshopDown, FetchesHomes_AndProvesThatNothingIsLeft) {
  const Folder folder;
  StubServer server;
  const std::string base = "/api/v1/workshops/ws-nnnnnnnnnnnnnnnnnnnn";
  server.on("GET /api/v1/workshops/class", workshop_json("OPEN"));
  server.on("POST " + base + "/end", workshop_json("ENDING"), 202);
  server.on("GET " + base, workshop_json("ENDING", "its hosts are being terminated"));
  server.on("GET " + base, workshop_json("ENDED"));
  server.on("GET " + base + "/seats", list_of(seat_json(1, "ENDED", "abc") + "," + seat_json(2, "ENDED")));
  server.on("GET " + base + "/homes/1", "tar");
  server.on("GET " + base + "/remains", R"({"tag":"slipway:pool=pool-x","asked":["instances","volumes"],"items":[]})");
  const CommandRun run(at(server, {"workshop", "down", "class", "--to", folder / "homes", "-y"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(folder.read("homes/001-Ada-L-.tar.gz"), "tar");
  EXPECT_THAT(run.out, HasSubstr("the tag slipway:pool=pool-x: instances: none, volumes: none"));
  const CommandRun json(at(server, {"workshop", "down", "class", "--to", folder / "homes", "-y", "-o", "json"}));
  EXPECT_EQ(SchemaCheck::problems("workshop_down", json.out), "");
}

TEST(WorkshopDown, WhatIsLeft_IsAFailure) {
  const Folder folder;
  StubServer server;
  const std::string base = "/api/v1/workshops/ws-nnnnnnnnnnnnnnnnnnnn";
  server.on("GET /api/v1/workshops/class", workshop_json("ENDED"));
  server.on("GET " + base + "/seats", list_of(""));
  server.on("GET " + base + "/remains",
            R"({"tag":"t","asked":["volumes"],"items":[{"kind":"volume","id":"vol-1","detail":"in-use"}]})");
  const CommandRun run(at(server, {"workshop", "down", "class", "--to", folder / "homes"}));
  EXPECT_EQ(run.code, kFailure);
  EXPECT_THAT(run.out, HasSubstr("left: volume vol-1 in-use"));
}

TEST(WorkshopSchemas, ListsShowAndTheRest) {
  StubServer server;
  server.on("GET /api/v1/workshops", list_of(workshop_json("OPEN")));
  server.on("GET /api/v1/workshops/class", workshop_json("OPEN"));
  server.on("GET /api/v1/workshops/class/seats", list_of(seat_json(1, "READY")));
  server.on("POST /api/v1/workshops/class/seats/1/replace", seat_json(1, "WAITING"), 202);
  server.on("POST /api/v1/workshops/class/links", kIssued, 201);
  const auto problems = [&](const std::string& schema, std::vector<std::string> command) {
    command.insert(command.end(), {"-o", "json"});
    return SchemaCheck::problems(schema, CommandRun(at(server, std::move(command))).out);
  };
  EXPECT_EQ(problems("workshops", {"workshop", "list"}), "");
  EXPECT_EQ(problems("workshop", {"workshop", "show", "class"}), "");
  EXPECT_EQ(problems("seats", {"workshop", "status", "class"}), "");
  EXPECT_EQ(problems("seat", {"workshop", "replace", "class", "1"}), "");
  EXPECT_EQ(problems("seat_links", {"workshop", "seats", "class"}), "");
}

}  // namespace
}  // namespace slipway::cli
