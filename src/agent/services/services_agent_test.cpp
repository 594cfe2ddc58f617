// Services through the whole agent. The pretended engine's containers have the test's own network, so a server of the
// test is the app.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/testing/agent_fixture.hpp"
#include "agent/testing/private_network.hpp"

namespace slipway::agent {
namespace {

using model::AllocationState;
using std::chrono::seconds;

constexpr const char* kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

struct AgentServices : AgentWithFakeDocker {
  void SetUp() override {
    if (getuid() != 0) GTEST_SKIP() << "entering a network needs root";
    config.device_directory = folder.path() + "/dev";
    std::filesystem::create_directories(config.device_directory);
    start_docker();
  }
  void run_agent() {
    begin();
    ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  }
  wire::StartAllocation service(int port) {
    auto made = order("");
    made.spec.command = {"sleep", "1000"};
    auto& spec = made.spec.service.emplace();
    spec.ports = {{.name = "web", .port = port, .kind = model::PortKind::Http}};
    return made;
  }
  void send_and_wait_ready(const wire::StartAllocation& one) {
    controller.send(one);
    ASSERT_TRUE(eventually([&] {
      const auto report = controller.report(one.allocation);
      return report && report->ready;
    })) << "never ready";
  }
  static std::string full(std::string name) {
    name.resize(wire::kTunnelNameLength, 'x');
    return name;
  }
  runtime::Fd tunnel(const std::string& short_name, const AllocationId& allocation, int port) {
    const std::string name = full(short_name);
    controller.send(wire::OpenTunnel{.tunnel = name, .allocation = allocation, .port = port});
    runtime::Fd opened;
    EXPECT_TRUE(eventually([&] {
      if (!opened.valid()) opened = controller.take_tunnel(name);
      return opened.valid() || controller.tunnel_refusal(name);
    }));
    return opened;
  }
  std::string refusal(const std::string& name, const AllocationId& allocation, int port) {
    EXPECT_FALSE(tunnel(name, allocation, port).valid());
    return controller.tunnel_refusal(full(name)).value_or("(opened)");
  }
  static std::string read_all(const runtime::Fd& socket) {
    std::string whole;
    char bytes[1024];
    while (true) {
      const ssize_t got = recv(socket.get(), bytes, sizeof bytes, 0);
      if (got <= 0) return whole;
      whole.append(bytes, static_cast<std::size_t>(got));
    }
  }
  std::string state_file(const wire::StartAllocation& one, const std::string& name) {
    return config.state_dir + "/allocations/" + one.allocation.text() + "/" + name;
  }
};

TEST_F(AgentServices, Hello_SaysThatItRunsServices) {
  run_agent();
  EXPECT_THAT(controller.hello(0).features, testing::Contains(std::string(wire::kServicesFeature)));
}

TEST_F(AgentServices, Service_BecomesReadyAndIsReachedThroughATunnel) {
  const FixedServer app(kHello);
  run_agent();
  const auto one = service(app.port());
  send_and_wait_ready(one);
  EXPECT_EQ(controller.report(one.allocation)->state, AllocationState::Running);
  const runtime::Fd browser = tunnel("t1", one.allocation, app.port());
  ASSERT_TRUE(browser.valid()) << controller.tunnel_refusal(full("t1")).value_or("");
  ASSERT_EQ(send(browser.get(), "GET", 3, 0), 3);
  EXPECT_EQ(read_all(browser), kHello);
}

TEST_F(AgentServices, ImageWithACommandOfItsOwn_NeedsNone) {
  docker_thread.run([this] { docker->add_image("app:1", {"60"}, {"sleep"}); });
  const FixedServer app(kHello);
  run_agent();
  auto one = service(app.port());
  one.spec.container_image = "app:1";
  one.spec.command.clear();
  send_and_wait_ready(one);
  auto without = service(app.port());
  without.spec.command.clear();
  EXPECT_THAT(run_to_end(without).reason, testing::HasSubstr("has no command of its own"));
}

TEST_F(AgentServices, StartupDataAndHome_AreThereBeforeTheContainer) {
  const FixedServer app(kHello);
  run_agent();
  auto one = service(app.port());
  one.spec.service->home = "/home/person";
  one.spec.service->startup = {{"dpi", "192"}};
  send_and_wait_ready(one);
  EXPECT_EQ(*runtime::read_file(state_file(one, "startup/dpi")), "192");
  EXPECT_TRUE(std::filesystem::exists(state_file(one, "startup/.ready")));
  struct stat info{};
  ASSERT_EQ(stat(state_file(one, "home").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, kJobUid);
}

TEST_F(AgentServices, NothingAnswers_FailsAndSaysWhat) {
  int port = 0;
  listen_on_loopback(port).reset();
  run_agent();
  auto one = service(port);
  one.spec.service->probe.timeout = Duration(300);
  const auto report = run_to_end(one);
  EXPECT_EQ(report.state, AllocationState::Failed);
  EXPECT_THAT(report.reason, testing::StartsWith("did not become ready within"));
  EXPECT_THAT(report.reason, testing::EndsWith(fmt::format("nothing listens on port {}", port)));
  EXPECT_FALSE(report.ready);
}

TEST_F(AgentServices, WhatIsAwaited_IsReported) {
  int port = 0;
  listen_on_loopback(port).reset();
  run_agent();
  const auto one = service(port);
  controller.send(one);
  EXPECT_TRUE(eventually([&] {
    const auto report = controller.report(one.allocation);
    return report && report->waiting_for == fmt::format("the app to answer: nothing listens on port {}", port);
  }));
}

TEST_F(AgentServices, Tunnels_AreRefusedWithAReason) {
  const FixedServer app(kHello);
  int other = 0;
  listen_on_loopback(other).reset();
  run_agent();
  auto one = service(app.port());
  one.spec.service->ports.push_back({.name = "other", .port = other, .kind = model::PortKind::Tcp});
  send_and_wait_ready(one);
  EXPECT_EQ(refusal("a", one.allocation, 22), "port 22 is none of the app's ports");
  EXPECT_EQ(refusal("b", one.allocation, other), fmt::format("nothing listens on port {}", other));
  EXPECT_EQ(refusal("c", AllocationId::make(random), app.port()), "the session's app does not run on this host (yet)");
}

TEST_F(AgentServices, EndOfTheService_ClosesItsTunnels) {
  const FixedServer app(kHello);
  run_agent();
  const auto one = service(app.port());
  send_and_wait_ready(one);
  const runtime::Fd browser = tunnel("t", one.allocation, app.port());
  ASSERT_TRUE(browser.valid());
  controller.send(wire::StopAllocation{one.allocation, 1, seconds(1), "stopped by a test"});
  EXPECT_EQ(read_all(browser), "");
  EXPECT_EQ(wait_end(one).state, AllocationState::Stopped);
  EXPECT_THAT(refusal("late", one.allocation, app.port()), testing::HasSubstr("does not run"));
}

TEST_F(AgentServices, AgentRestarts_TheServiceIsReadyAgainUndisturbed) {
  const FixedServer app(kHello);
  run_agent();
  const auto one = service(app.port());
  send_and_wait_ready(one);
  const auto before = *controller.report(one.allocation);
  die();
  begin();
  ASSERT_TRUE(eventually([&] { return controller.hello_count() == 2 && !controller.inventory().allocations.empty(); }));
  EXPECT_TRUE(controller.inventory().allocations.at(0).ready) << "no flicker";
  const runtime::Fd browser = [&] {
    for (int i = 0;; ++i) {  // the first ones may come before Docker has told of the container
      runtime::Fd opened = tunnel("again" + std::to_string(i), one.allocation, app.port());
      if (opened.valid() || i > 1000) return opened;
    }
  }();
  ASSERT_TRUE(browser.valid());
  ASSERT_EQ(send(browser.get(), "GET", 3, 0), 3);
  EXPECT_EQ(read_all(browser), kHello);
  EXPECT_TRUE(controller.report(one.allocation)->ready);
  EXPECT_EQ(controller.report(one.allocation)->started_at, before.started_at);
}

TEST_F(AgentServices, Devices_ComeFromTheDirectoryAndGoBack) {
  for (const char* name : {"tty10", "tty11"}) std::ofstream(config.device_directory + "/" + name) << "";
  const FixedServer app(kHello);
  run_agent();
  auto one = service(app.port());
  one.spec.service->slots = {.ttys = 2};
  send_and_wait_ready(one);
  const std::string device = config.device_directory + "/tty11";
  struct stat info{};
  ASSERT_EQ(stat(device.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, kJobUid) << "as login(1) does it";
  auto second = service(app.port());
  second.spec.service->slots = {.ttys = 1};
  controller.send(second);
  ASSERT_TRUE(eventually([&] { return !controller.order_refusal(second.allocation).empty(); }));
  EXPECT_EQ(controller.order_refusal(second.allocation), "0 of this host's 2 TTY slots are free, 1 asked for");
  controller.send(wire::StopAllocation{one.allocation, 1, seconds(1), "stopped by a test"});
  wait_end(one);
  ASSERT_EQ(stat(device.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0U);
  second.spec.service->slots = {.gpus = 1};
  second.allocation = AllocationId::make(random);
  controller.send(second);
  ASSERT_TRUE(eventually([&] { return !controller.order_refusal(second.allocation).empty(); }));
  EXPECT_THAT(controller.order_refusal(second.allocation), testing::StartsWith("this host has 0 GPU slots"));
}

struct ServicesWithRealDocker : AgentServices {
  void SetUp() override {
    SLIPWAY_NEEDS_DOCKER();
    config.docker_socket = real_docker_socket();
    run_agent();
  }
  void TearDown() override {
    die();
    if (auto id = runtime::read_file(config.state_dir + "/agent-id")) remove_containers_of(*id);
  }
};

TEST_F(ServicesWithRealDocker, App_OnLoopbackOfItsOwnNetworkIsReady) {
  auto one = service(8080);
  one.spec.command = {"busybox", "httpd", "-f", "-p", "127.0.0.1:8080", "-h", "/slipway/startup"};
  one.spec.service->startup = {{"dpi", "192"}};
  send_and_wait_ready(one);
  const runtime::Fd browser = tunnel("t", one.allocation, 8080);
  ASSERT_TRUE(browser.valid()) << controller.tunnel_refusal(full("t")).value_or("");
  const std::string request = "GET /dpi HTTP/1.0\r\n\r\n";
  ASSERT_EQ(send(browser.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  EXPECT_THAT(read_all(browser), testing::EndsWith("192"));
}

TEST_F(ServicesWithRealDocker, Terminal_CanBeUsedInsideAndBelongsToRootAfterwards) {
  if (!std::filesystem::exists("/dev/tty10")) GTEST_SKIP() << "this machine has no /dev/tty10";
  die();
  config.device_directory = "/dev";
  begin();
  ASSERT_TRUE(eventually([&] { return controller.hello_count() == 2 && controller.ready(); }));
  auto one = service(8080);
  one.spec.service->slots = {.ttys = 1};
  one.spec.command = {"sh", "-c", "exec 3<>/dev/tty$SLIPWAY_TTYS && echo opened $SLIPWAY_TTYS"};
  run_to_end(one);
  EXPECT_EQ(whole_log(one, model::LogStream::Stdout), "opened 10\n");
  struct stat info{};
  ASSERT_EQ(stat("/dev/tty10", &info), 0);
  EXPECT_EQ(info.st_uid, 0U);
}

TEST_F(ServicesWithRealDocker, Container_HasItsHomeAndCannotWriteStartupData) {
  auto one = service(8080);
  one.spec.service->home = "/home/person";
  one.spec.command = {"sh", "-c",
                      "pwd; echo $HOME; echo x > $HOME/file && echo wrote; echo x > $SLIPWAY_STARTUP/y || echo ro; "
                      "echo $SLIPWAY_PORT_WEB; exit 0"};
  run_to_end(one);
  EXPECT_EQ(whole_log(one, model::LogStream::Stdout), "/home/person\n/home/person\nwrote\nro\n8080\n");
  EXPECT_EQ(*runtime::read_file(state_file(one, "home/file")), "x\n");
}

}  // namespace
}  // namespace slipway::agent
