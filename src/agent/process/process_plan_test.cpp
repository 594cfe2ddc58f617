#include "agent/process/process_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::agent {
namespace {

using testing::Contains;
using testing::Not;

struct Plan : testing::Test {
  SeededRandom random{1};
  wire::StartAllocation order{.allocation = AllocationId::make(random), .epoch = 1, .job = JobId::make(random)};
  HostSide host{.slots = {.ports = {15500}, .user = 66001}};
  ProcessPaths paths{.directory = "/d",
                     .work = "/w",
                     .artifacts = "/a",
                     .log = "/l",
                     .startup = "/s",
                     .home = "/h",
                     .temporary = "/t",
                     .temporary_stable = "/v",
                     .accounts = "/c"};
  ProcessGroup group{{{.root = "/", .point = "/sys/fs/cgroup", .shared = true, .type = "cgroup2", .options = "rw"}},
                     "alloc-1"};

  Plan() {
    order.spec.command = {"jupyter", "lab", "--port=15500"};
    order.spec.resources = {.cpu_millis = 1000, .memory_bytes = 1 << 30};
    order.spec.log_limit_bytes = 77;
    auto& service = order.spec.service.emplace();
    service.ports = {{.name = "web-ui", .port = 15500}};
    service.app_token = "secret";
    service.home = "/home/person";
    service.process = true;
  }
  /// The plan with blanks between its words.
  std::string text() {
    return fmt::format("{}", fmt::join(process_plan(order, paths, host, group, RestartRule{}), " "));
  }
};

TEST_F(Plan, User_Groups_LogAndCommandAreTheAllocations) {
  host.groups = {44};
  const std::string plan = text();
  EXPECT_THAT(plan, testing::StartsWith("uid 66001 group 44 log /l 77 77 enter "
                                        "/sys/fs/cgroup/slipway-agent/alloc-1/cgroup.procs members"));
  EXPECT_THAT(plan, testing::EndsWith("cwd /home/person restarts 5 500 60000 -- jupyter lab --port=15500"));
}

TEST_F(Plan, World_HasItsOwnDirectoriesAndNobodysHomes) {
  const std::string plan = text();
  for (const char* expected :
       {"bind /slipway/work /w", "bind-ro /slipway/startup /s", "tmpfs /home mode=0755,size=1m directory /home/person",
        "bind /home/person /h", "bind-ro /etc/passwd /c/passwd", "bind /var/tmp /v bind /tmp /t cwd",
        "tmpfs /dev/shm mode=1777,size=536870912", "tmpfs /slipway/run mode=0700,uid=66001,gid=66001"}) {
    EXPECT_THAT(plan, testing::HasSubstr(expected));
  }
  order.spec.service->home.clear();
  paths.home.clear();
  EXPECT_THAT(text(), Not(testing::HasSubstr("tmpfs /home")));
  EXPECT_THAT(text(), testing::HasSubstr("cwd /slipway/work"));
}

TEST_F(Plan, Environment_NamesPortsTwiceAndKeepsOurNames) {
  order.spec.env = {{"HOME", "/elsewhere"}, {"PATH", "/opt/bin:/bin"}, {"LANG", "C.UTF-8"}};
  const auto variables = process_environment(order, host);
  for (const char* expected :
       {"PORT_WEB_UI=15500", "SLIPWAY_PORT_WEB_UI=15500", "SLIPWAY_APP_TOKEN=secret", "HOME=/home/person",
        "PATH=/opt/bin:/bin", "LANG=C.UTF-8", "USER=slipway-app", "XDG_RUNTIME_DIR=/slipway/run",
        "SLIPWAY_STARTUP=/slipway/startup", "SLIPWAY_ARTIFACTS=/slipway/artifacts"}) {
    EXPECT_THAT(variables, Contains(expected));
  }
}

TEST(Accounts, Host_KeepsItsOwnAndTheProcessIsAdded) {
  const std::string host = "root:x:0:0:root:/root:/bin/bash\nperson:x:1000:1000::/home/person:/bin/sh";
  const std::string with = accounts_with(host, 66001, "/home/person", false);
  EXPECT_EQ(with, host + "\nslipway-app:x:66001:66001:an app:/home/person:/bin/sh\n");
  EXPECT_EQ(accounts_with("root:x:0:\n", 66001, "", true), "root:x:0:\nslipway-app:x:66001:\n");
  EXPECT_EQ(account_numbers(with), (std::vector<unsigned>{0, 1000, 66001}));
  EXPECT_TRUE(account_numbers("\n::\nbroken").empty());
}

TEST(WordsFile, EachWord_EndsInNul) {
  EXPECT_EQ(words_file({"a b", ""}), std::string("a b\0\0", 5));
  EXPECT_EQ(words_file({}), "");
}

}  // namespace
}  // namespace slipway::agent
