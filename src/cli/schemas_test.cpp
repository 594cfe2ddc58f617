// The JSON that commands print is what docs/reference/schemas promises.
#include <boost/json.hpp>

#include "cli/log_lines.hpp"
#include "cli/test_support.hpp"
#include "tests/support/json_schema.hpp"
#include "wire/records.hpp"

namespace slipway::cli {
using test::SchemaCheck;
namespace {

std::string record(const std::string& name) { return test::read_golden("wire/v1/record_" + name + ".json"); }

/// What a server of this version answers for a stored record.
template <typename T>
std::string api_form(const std::string& name) {
  return boost::json::serialize(wire::api_json(wire::from_json<T>(wire::parse_json(record(name)).value()).value()));
}

std::string list_of(const std::string& item) { return "{\"items\":[" + item + "],\"next\":null}"; }

std::string problems_of(const std::string& schema, const std::string& request, const std::string& answer,
                        std::vector<std::string> command) {
  StubServer server;
  server.on(request, answer);
  server.on("GET /api/v1/pools", list_of(""));
  server.on("GET /api/v1/hosts", list_of(""));
  command.insert(command.end(), {"-o", "json"});
  const CommandRun run(at(server, std::move(command)));
  EXPECT_EQ(run.code, 0) << run.err;
  return SchemaCheck::problems(schema, run.out);
}

TEST(Schemas, JobsAndOneJobWithItsAttempts) {
  const std::string job = api_form<model::Job>("job");
  EXPECT_EQ(problems_of("jobs", "GET /api/v1/jobs", list_of(job), {"job", "list"}), "");
  std::string with_attempts = job;
  with_attempts.insert(with_attempts.size() - 1,
                       ",\"allocation_records\":[" + api_form<model::Allocation>("allocation") + "]");
  EXPECT_EQ(problems_of("job", "GET /api/v1/jobs/digits", with_attempts, {"job", "show", "digits"}), "");
}

TEST(Schemas, Hosts) {
  StubServer server;
  server.on("GET /api/v1/hosts", list_of(api_form<model::Host>("host")));
  server.on("GET /api/v1/pools", list_of(""));
  EXPECT_EQ(SchemaCheck::problems("hosts", CommandRun(at(server, {"host", "list", "-o", "json"})).out), "");
}

TEST(Schemas, Bakes) {
  EXPECT_EQ(problems_of("bakes", "GET /api/v1/bakes", list_of(api_form<model::Bake>("bake")), {"image", "bakes"}), "");
}

TEST(Schemas, PoolsAndImages) {
  SeededRandom random(1);
  const model::Pool pool{.id = PoolId::make(random),
                         .name = "digits",
                         .image = "digits",
                         .image_id = "ami-1",
                         .instance_type = "t3.medium",
                         .size = 2};
  auto keeping = pool;
  keeping.warm = {{"jupyter", 5}};
  auto shown = wire::api_json(keeping);
  shown.as_object()["warm_counts"] =
      wire::parse_json(R"({"jupyter":{"wanted":5,"ready":3,"starting":2,"reason":""}})").value();
  EXPECT_EQ(problems_of("pool", "GET /api/v1/pools/digits", boost::json::serialize(shown), {"pool", "show", "digits"}),
            "");
  StubServer server;
  server.on("GET /api/v1/pools", list_of(boost::json::serialize(wire::api_json(pool))));
  server.on("GET /api/v1/hosts", list_of(""));
  EXPECT_EQ(SchemaCheck::problems("pools", CommandRun(at(server, {"pool", "list", "-o", "json"})).out), "");
  const model::Image image{.id = ImageId::make(random), .name = "digits", .image_id = "ami-1", .recipe_digest = "ab"};
  EXPECT_EQ(problems_of("images", "GET /api/v1/images", list_of(boost::json::serialize(wire::api_json(image))),
                        {"image", "list"}),
            "");
}

TEST(Schemas, Apps) {
  const std::string app = api_form<model::App>("app");
  EXPECT_EQ(problems_of("apps", "GET /api/v1/apps", list_of(app), {"app", "list"}), "");
  EXPECT_EQ(problems_of("app", "GET /api/v1/apps/jupyter", app, {"app", "show", "jupyter"}), "");
}

TEST(Schemas, SessionsTheirLinksAndAUrl) {
  auto session = wire::parse_json(api_form<model::Session>("session")).value();
  for (const auto* key : {"host", "allocation", "idle_ends_at"}) session.as_object()[key] = "";
  session.as_object()["origin"] = "http://ses-nnnnnnnnnnnnnnnnnnnn.localhost:7070";
  const auto text = boost::json::serialize(session);
  EXPECT_EQ(problems_of("sessions", "GET /api/v1/sessions", list_of(text), {"session", "list"}), "");
  EXPECT_EQ(problems_of("session", "GET /api/v1/sessions/thesis", text, {"session", "show", "thesis"}), "");
  EXPECT_EQ(problems_of("links", "GET /api/v1/sessions/thesis/links", list_of(api_form<model::Link>("link")),
                        {"session", "links", "thesis"}),
            "");
  const std::string url = R"({"id":"link-pppppppppppppppppppp","session":"ses-nnnnnnnnnnnnnnnnnnnn",)"
                          R"("url":"http://x","expires_at":""})";
  EXPECT_EQ(problems_of("link_url", "POST /api/v1/sessions/thesis/links", url, {"session", "open", "thesis"}), "");
}

TEST(Schemas, JobOfASession) {
  auto job = wire::from_json<model::Job>(wire::parse_json(record("job")).value()).value();
  job.spec.service = model::ServiceSpec{.ports = {{.name = "web", .port = 1}}, .app_token = "slwa_x"};
  job.spec.service->home_mount = model::HomeMount{.source = "/homes", .name = "prin-x"};
  job.spec.service->warm = true;
  job.app = AppId::parse("app-mmmmmmmmmmmmmmmmmmmm").value();
  const auto text = boost::json::serialize(wire::api_json(job));
  EXPECT_EQ(problems_of("job", "GET /api/v1/jobs/digits", text, {"job", "show", "digits"}), "");
}

TEST(Schemas, ArtifactsLeftoversAndErrors) {
  const std::string entry = R"({"path":"a","sha256":")" + std::string(64, 'a') + R"(","size_bytes":1,"mode":420})";
  EXPECT_EQ(
      problems_of("artifacts", "GET /api/v1/jobs/x/artifacts",
                  "{\"items\":[" + entry + "],\"note\":\"\",\"allocation\":\"alloc-1\"}", {"job", "artifacts", "x"}),
      "");
  const Folder folder;
  const CommandRun leftovers({"cloud", "leftovers", "--data-dir", folder.path(), "-o", "json"},
                             [](CliHost& host, CapturedTerminal&) {
                               host.look_for_leftovers = [](const std::string&) {
                                 return std::vector<LeftoverItem>{{"loop_device", "/dev/loop0", "x"}};
                               };
                             });
  EXPECT_EQ(SchemaCheck::problems("leftovers", leftovers.out), "");
  EXPECT_EQ(SchemaCheck::problems("error", CommandRun({"job", "list", "-o", "json"}).out), "");
}

TEST(Schemas, EachLineOfALog) {
  const auto line = [](wire::LogFrameKind kind, const std::string& bytes) {
    return LogLines().line_of({.kind = kind, .bytes = bytes});
  };
  using enum wire::LogFrameKind;
  EXPECT_EQ(SchemaCheck::problems("log_line", line(Stdout, "a\n")), "");
  EXPECT_EQ(SchemaCheck::problems("log_line", line(Stderr, "\xff")), "");
  EXPECT_EQ(SchemaCheck::problems("log_line", line(Event, R"({"allocation":"a","job_state":"RUNNING","reason":""})")),
            "");
  const std::string failed = CommandRun({"job", "logs", "x", "-o", "json"}).out;
  EXPECT_EQ(SchemaCheck::problems("log_line", failed), "");
  EXPECT_EQ(std::ranges::count(failed, '\n'), 1);
}

TEST(Schemas, Check_FindsWhatIsWrong) {
  EXPECT_NE(SchemaCheck::problems("leftovers", R"({"items":[{"kind":"ghost","name":"x","detail":"y"}]})"), "");
  EXPECT_NE(SchemaCheck::problems("leftovers", R"({"items":[{"kind":"mount","name":1,"detail":"y"}]})"), "");
  EXPECT_NE(SchemaCheck::problems("leftovers", R"({"items":[{"kind":"mount","name":"x"}]})"), "");
  EXPECT_NE(SchemaCheck::problems("leftovers", R"({"items":[],"more":1})"), "");
  EXPECT_NE(SchemaCheck::problems("log_line", R"({"stream":"stdout"})"), "");
  EXPECT_NE(SchemaCheck::problems("log_line", R"({"stream":"stdin","text":"x"})"), "");
  EXPECT_NE(SchemaCheck::problems("log_line", R"({"stream":"stdout","text":"x","base64":"eA=="})"), "");
  EXPECT_NE(SchemaCheck::problems("jobs", R"({"items":[{"id":"job-1"}]})"), "");
}

}  // namespace
}  // namespace slipway::cli
