#include "model/app.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/session.hpp"

namespace slipway::model {
namespace {

using testing::HasSubstr;

AppSpec notebook() {
  AppSpec spec;
  spec.container_image = "slipway-jupyter:1";
  spec.ports = {{.name = "web", .port = 8888, .kind = PortKind::Http}};
  spec.probe = {.port = "web", .path = "/api"};
  spec.auth = {.header = "Authorization", .value = "token {token}"};
  spec.idle = {.after = std::chrono::minutes(30)};
  spec.home = "/home/user";
  spec.startup = {{"dpi", "96"}, {"time_zone", "Europe/Berlin"}};
  spec.longest = std::chrono::hours(8);
  return spec;
}

std::string mistakes_of(const AppSpec& spec) {
  const auto checked = check_app_spec(spec);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, Code::InvalidInput);
  return checked.error().message;
}

TEST(AppSpec, AnOrdinaryOne_IsGood) { EXPECT_EQ(mistakes_of(notebook()), ""); }

TEST(AppSpec, Process_ListensOnPortsThatAreNobodyElses) {
  auto spec = notebook();
  spec.process = true;
  spec.container_image.clear();
  spec.command = {"jupyter"};
  spec.home = "/home/person";
  spec.ports[0].port = 15500;
  spec.ports[0].expose = PortExposure::Host;
  EXPECT_EQ(mistakes_of(spec), "");
  for (const int port : {1024, 49151}) {
    spec.ports[0].port = port;
    EXPECT_THAT(mistakes_of(spec), testing::StartsWith("ports.web.port must be 1025 to 49150"));
  }
  spec.ports[0].port = 15500;
  for (const char* home : {"/usr", "/home/a/b", "/root"}) {
    spec.home = home;
    EXPECT_THAT(mistakes_of(spec), testing::StartsWith("home")) << home;
  }
}

TEST(AppSpec, EachMistake_NamesItsKey) {
  const std::vector<std::pair<std::string, std::function<void(AppSpec&)>>> cases{
      {"container_image", [](AppSpec& s) { s.container_image.clear(); }},
      {"container_image", [](AppSpec& s) { s.process = true, s.command = {"jupyter"}; }},
      {"command", [](AppSpec& s) { s.process = true, s.container_image.clear(); }},
      {"ports", [](AppSpec& s) { s.ports.clear(), s.probe.port.clear(); }},
      {"ports", [](AppSpec& s) { s.ports.push_back(s.ports[0]); }},
      {"ports: 'Web' is no name", [](AppSpec& s) { s.ports[0].name = "Web", s.probe.port.clear(); }},
      {"ports.web.port", [](AppSpec& s) { s.ports[0].port = 65536; }},
      {"ports.web.expose", [](AppSpec& s) { s.ports[0].expose = PortExposure::Host; }},
      {"probe.port", [](AppSpec& s) { s.probe.port = "vnc"; }},
      {"probe.path", [](AppSpec& s) { s.probe.path = "api"; }},
      {"probe.path", [](AppSpec& s) { s.probe.path = "/a b"; }},
      {"probe.timeout", [](AppSpec& s) { s.probe.timeout = Duration(60); }},
      {"slots.ttys", [](AppSpec& s) { s.slots.ttys = 55; }},
      {"slots.gpus", [](AppSpec& s) { s.slots.gpus = -1; }},
      {"auth.header", [](AppSpec& s) { s.auth.header = "Cookie"; }},
      {"auth.header", [](AppSpec& s) { s.auth.header = "X: Y"; }},
      {"auth.header", [](AppSpec& s) { s.auth.header.clear(); }},
      {"auth.value", [](AppSpec& s) { s.auth.value = "a\r\nHost: b"; }},
      {"idle.warning", [](AppSpec& s) { s.idle.after = std::chrono::seconds(10); }},
      {"idle.after", [](AppSpec& s) { s.idle.after = Duration(30), s.idle.warning = Duration(0); }},
      {"home", [](AppSpec& s) { s.home = "home/user"; }},
      {"home", [](AppSpec& s) { s.home = "/home/.."; }},
      {"home", [](AppSpec& s) { s.home = "/slipway/startup"; }},
      {"startup.dpi", [](AppSpec& s) { s.startup["dpi"] = "many"; }},
      {"startup.wallpaper", [](AppSpec& s) { s.startup["wallpaper"] = "sea"; }},
      {"longest", [](AppSpec& s) { s.longest = Duration(1); }},
      {"sessions_a_person", [](AppSpec& s) { s.sessions_a_person = 0; }},
  };
  for (const auto& [key, spoil] : cases) {
    auto spec = notebook();
    spoil(spec);
    EXPECT_THAT(mistakes_of(spec), testing::StartsWith(key));
  }
}

TEST(AppSpec, TwoMistakes_AreTwoLines) {
  auto spec = notebook();
  spec.home = "x";
  spec.longest = Duration(1);
  EXPECT_THAT(mistakes_of(spec), testing::AllOf(HasSubstr("home"), HasSubstr("\nlongest")));
}

TEST(StartupData, Names_AreSortedAndEachHasGoodAndBadValues) {
  EXPECT_TRUE(std::ranges::is_sorted(startup_data_names()));
  const std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>> values{
      {"dark_mode", {{"true", "false"}, {"", "yes", "true\n"}}},
      {"dpi", {{"96", "192"}, {"47", "961", "096", "96.0", "-96"}}},
      {"initial_url", {{"https://example.org/?a=b#c"}, {"file:///etc/passwd", "javascript:1", "https://a b"}}},
      {"key_repeat", {{"500 30"}, {"500", "500 0", " 30", "500  30"}}},
      {"keyboard_layout", {{"us", "de", "us(intl)", "us,de"}, {"", "-layout", "us;x"}}},
      {"locale", {{"de_DE.UTF-8", "C", "ca_ES@valencia"}, {"", "../x", "de DE"}}},
      {"time_zone", {{"UTC", "Europe/Berlin", "Etc/GMT+3"}, {"", "/etc", "../x", "Europe/", "a//b"}}},
  };
  for (const auto& name : startup_data_names()) {
    ASSERT_TRUE(values.contains(name)) << name;
    for (const auto& good : values.at(name).first) EXPECT_TRUE(check_startup_data({{name, good}})) << name << good;
    for (const auto& bad : values.at(name).second) {
      const auto checked = check_startup_data({{name, bad}});
      ASSERT_FALSE(checked) << name << bad;
      EXPECT_THAT(checked.error().message, HasSubstr("startup." + name));
    }
  }
}

TEST(FrontPort, IsTheFirstThatABrowserShows) {
  EXPECT_EQ(front_port({{.name = "ssh", .port = 22, .kind = PortKind::Tcp}}), nullptr);
  const std::vector<AppPort> ports{{.name = "ssh", .port = 22, .kind = PortKind::Tcp},
                                   {.name = "screen", .port = 5900, .kind = PortKind::Vnc},
                                   {.name = "web", .port = 80, .kind = PortKind::Http}};
  EXPECT_EQ(front_port(ports)->name, "screen");
}

TEST(SessionState, FollowsItsJob) {
  for (int i = 0; i <= static_cast<int>(JobState::Lost); ++i) {
    const auto job = static_cast<JobState>(i);
    EXPECT_EQ(is_terminal(session_state_of(job, false)), is_terminal(job)) << job_state_name(job);
  }
  EXPECT_EQ(session_state_of(JobState::Lost, true), SessionState::Waiting);
  EXPECT_EQ(session_state_of(JobState::Placed, true), SessionState::Starting);
  EXPECT_EQ(session_state_of(JobState::Running, false), SessionState::Starting);
  EXPECT_EQ(session_state_of(JobState::Running, true), SessionState::Ready);
}

TEST(CarryingJob, HasEverythingThatAHostNeeds) {
  auto app = notebook();
  app.slots.ttys = 1;
  const auto job = carrying_job(app);
  ASSERT_TRUE(job.service);
  EXPECT_EQ(job.container_image, app.container_image);
  EXPECT_EQ(job.service->ports, app.ports);
  EXPECT_EQ(job.service->slots, app.slots);
  EXPECT_EQ(job.service->startup, app.startup);
  EXPECT_EQ(job.service->home, "/home/user");
  EXPECT_EQ(job.service->app_token, "");
}

}  // namespace
}  // namespace slipway::model
