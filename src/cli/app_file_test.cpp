#include "cli/app_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

using testing::HasSubstr;

constexpr const char* kLeast =
    "name: book\n"
    "container_image: book:1\n"
    "ports: [{name: web, port: 8888}]\n";

std::string mistakes(const std::string& text) {
  const auto file = parse_app_file(text, "app.yaml");
  if (file) return "";
  EXPECT_EQ(file.error().code, Code::InvalidInput);
  return file.error().message;
}

TEST(AppFile, EveryKey_IsRead) {
  const auto file = parse_app_file(
      "name: desktop\n"
      "container_image: slipway-desktop\n"
      "command: [start, --all]\n"
      "env: {LANG: C.UTF-8}\n"
      "cpus: 1.5\n"
      "memory: 2GiB\n"
      "ports:\n"
      "  - {name: screen, port: 5900, kind: vnc}\n"
      "  - {name: files, port: 8080}\n"
      "probe: {port: screen, path: /ready, timeout: 90s}\n"
      "slots: {ttys: 1, uinputs: 2, gpus: 1}\n"
      "auth: {header: Authorization, value: 'token {token}'}\n"
      "idle: {after: 30m, cpu_below: 0.1, warning: 2m}\n"
      "home: /home/user\n"
      "startup: {dpi: 96, dark_mode: true}\n"
      "longest: 8h\n"
      "sessions_a_person: 2\n",
      "app.yaml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->name, "desktop");
  const auto& spec = file->spec;
  EXPECT_EQ(spec.container_image, "slipway-desktop");
  EXPECT_EQ(spec.command, (std::vector<std::string>{"start", "--all"}));
  EXPECT_EQ(spec.env.at("LANG"), "C.UTF-8");
  EXPECT_EQ(spec.resources.cpu_millis, 1500);
  EXPECT_EQ(spec.resources.memory_bytes, 2LL << 30);
  ASSERT_EQ(spec.ports.size(), 2U);
  EXPECT_EQ(spec.ports[0], (model::AppPort{"screen", 5900, model::PortKind::Vnc}));
  EXPECT_EQ(spec.ports[1].kind, model::PortKind::Http);
  EXPECT_EQ(spec.probe.port, "screen");
  EXPECT_EQ(spec.probe.path, "/ready");
  EXPECT_EQ(spec.probe.timeout, std::chrono::seconds(90));
  EXPECT_EQ(spec.slots, (model::Slots{1, 2, 1}));
  EXPECT_EQ(spec.auth.value, "token {token}");
  EXPECT_EQ(spec.idle.after, std::chrono::minutes(30));
  EXPECT_EQ(spec.idle.cpu_millis_below, 100);
  EXPECT_EQ(spec.idle.warning, std::chrono::minutes(2));
  EXPECT_EQ(spec.home, "/home/user");
  EXPECT_EQ(spec.startup.at("dark_mode"), "true");
  EXPECT_EQ(spec.longest, std::chrono::hours(8));
  EXPECT_EQ(spec.sessions_a_person, 2);
}

TEST(AppFile, TheLeastOne_HasDefaults) {
  const auto file = parse_app_file(kLeast, "app.yaml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->spec.sessions_a_person, 3);
  EXPECT_EQ(file->spec.idle.after, Duration(0));
}

TEST(AppFile, ProcessOnTheHost_NeedsNoImage) {
  const std::string head = "name: book\nprocess: true\ncommand: [jupyter]\n";
  EXPECT_EQ(mistakes(head + "ports: [{name: web, port: 15500}]\n"), "");
  const auto file = parse_app_file(head + "ports: [{name: web, port: 15500, expose: host}]\n", "app.yaml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->spec.ports.at(0).expose, model::PortExposure::Host);
}

TEST(AppFile, Expose_IsForProcessesAndOneOfTwo) {
  EXPECT_THAT(mistakes("name: book\ncontainer_image: a:1\nports: [{name: web, port: 8888, expose: host}]\n"),
              testing::HasSubstr("only a process listens on the host itself"));
  EXPECT_THAT(mistakes("name: book\nprocess: true\ncommand: [a]\nports: [{name: web, port: 8888, expose: all}]\n"),
              testing::HasSubstr("write loopback or host"));
}

TEST(AppFile, TimesAndCpuThatAreOff_AreWrittenAsPeopleWould) {
  const auto file = parse_app_file(std::string(kLeast) + "idle: {after: never, cpu_below: 0}\nlongest: 0\n", "a");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->spec.idle.after, Duration(0));
  EXPECT_EQ(file->spec.idle.cpu_millis_below, 0);
  const auto brief = parse_app_file(std::string(kLeast) + "idle: {after: 10s}\n", "a");
  ASSERT_TRUE(brief) << brief.error().message;
  EXPECT_EQ(brief->spec.idle.warning, std::chrono::seconds(10));
}

TEST(AppFile, EveryMistakeOfForm_IsNamedWithItsPlace) {
  EXPECT_EQ(mistakes("name: book\nidel: {after: 1m}\nprobe: {pth: /}\nports: 80\ncommand: jupyter lab\n"),
            "app.yaml:2:1: unknown key 'idel'; did you mean 'idle'?\n"
            "app.yaml:3:9: unknown key 'pth'; did you mean 'path'?\n"
            "app.yaml:4:8: ports must be a list: write [{name: web, port: 8888, kind: http}]\n"
            "app.yaml:5:10: command must be a list of words: write [jupyter, lab]");
  EXPECT_EQ(mistakes("probe: /api\n"), "app.yaml:1:8: probe must be keys with values: port, path, timeout");
  EXPECT_EQ(mistakes("ports: [{name: web, port: 8888, kind: ftp}]\n"),
            "app.yaml:1:39: ports.kind: 'ftp' is not a kind of port: write http, vnc or tcp");
  EXPECT_EQ(mistakes("ports: [{name: web, port: many}]\n"), "app.yaml:1:27: ports.port: 'many' is no whole number");
  EXPECT_THAT(mistakes("- a\n"), HasSubstr("app.yaml:1:1: an app file is made of keys"));
}

TEST(AppFile, EveryMistakeOfSense_IsNamedWithThePlaceOfItsKey) {
  const std::string least = kLeast;
  EXPECT_EQ(mistakes(least + "home: user\nprobe:\n  path: api\n"),
            "app.yaml:6:9: probe.path must be a path that begins with '/', without spaces\n"
            "app.yaml:4:7: home must be a directory in the container like /home/user");
  EXPECT_THAT(mistakes(least + "startup:\n  dpi: x\n"), HasSubstr("app.yaml:5:8: startup.dpi must be dots per inch"));
  EXPECT_THAT(mistakes(least + "startup:\n  wallpaper: x\n"),
              HasSubstr("app.yaml:5:14: startup.wallpaper: there is no"));
  EXPECT_THAT(mistakes(least + "memory: 1MiB\n"), HasSubstr("app.yaml:4:9: memory must be"));
  EXPECT_THAT(mistakes(least + "env: {SLIPWAY_X: 1}\n"), HasSubstr("app.yaml:4:6: env: SLIPWAY_X is Slipway's to set"));
  EXPECT_THAT(mistakes("container_image: b:1\nports: [{name: web, port: 70000}]\n"),
              testing::AllOf(HasSubstr("app.yaml:1:1: name is missing"),
                             HasSubstr("app.yaml:2:9: ports.web.port must be 1 to 65535")));
  EXPECT_THAT(mistakes("name: book\nports: [{name: web, port: 1}]\n"),
              HasSubstr("app.yaml:1:1: container_image is missing"));
}

}  // namespace
}  // namespace slipway::cli
