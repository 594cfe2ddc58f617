#include "agent/services/tunnels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "agent/testing/private_network.hpp"
#include "agent/testing/support.hpp"

namespace slipway::agent {
namespace {

struct TunnelsTest : testing::Test {
  LoopThread thread;
  SystemRandom random;
  std::mutex mutex;
  std::map<std::string, std::string> refused;  // guarded by mutex
  std::unique_ptr<Tunnels> tunnels;
  std::shared_ptr<const NetworkNamespace> network;
  int app_port = 0;
  runtime::Fd app;
  int controller_port = 0;
  runtime::Fd controller;  ///< takes connections and says nothing

  void SetUp() override {
    if (getuid() != 0) GTEST_SKIP() << "entering a network needs root";
    app = listen_on_loopback(app_port, 1000);
    controller = listen_on_loopback(controller_port, 1000);
    network = *NetworkNamespace::of_process(getpid());
    tunnels = std::make_unique<Tunnels>(thread.loop(), [this](const wire::TunnelRefused& one) {
      const std::scoped_lock lock(mutex);
      refused[one.tunnel] = one.reason;
    });
    tunnels->set_peer(
        {.endpoint = {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(controller_port)}, .credential = "c"});
  }
  void TearDown() override {
    thread.stop();
    tunnels.reset();
  }
  void open(const std::string& name, const AllocationId& allocation, int port) {
    thread.run([&] { tunnels->open({.tunnel = name, .allocation = allocation, .port = port}, network); });
  }
  std::size_t count(const AllocationId& allocation) {
    return thread.run([&] { return tunnels->count(allocation); });
  }
  std::string refusal(const std::string& name) {
    const std::scoped_lock lock(mutex);
    return refused.contains(name) ? refused[name] : "";
  }
};

TEST_F(TunnelsTest, OneMoreThanAServiceMayHave_IsRefusedAndOthersAreNot) {
  const auto busy = AllocationId::make(random);
  const auto other = AllocationId::make(random);
  for (std::size_t i = 0; i < kTunnelsOfAService; ++i) open("t" + std::to_string(i), busy, app_port);
  EXPECT_EQ(count(busy), kTunnelsOfAService);
  open("one-more", busy, app_port);
  EXPECT_THAT(refusal("one-more"), testing::HasSubstr("256 connections of this session are open"));
  open("other", other, app_port);
  EXPECT_EQ(refusal("other"), "");
  thread.run([&] { tunnels->close_all(busy); });
  EXPECT_EQ(count(busy), 0U);
  EXPECT_EQ(count(other), 1U);
}

TEST_F(TunnelsTest, SameOrderTwice_IsOneTunnel) {
  const auto allocation = AllocationId::make(random);
  open("t", allocation, app_port);
  open("t", allocation, app_port);
  EXPECT_EQ(count(allocation), 1U);
}

TEST_F(TunnelsTest, ControllerThatDoesNotTakeIt_IsARefusalAndNoLeak) {
  controller.reset();
  const auto allocation = AllocationId::make(random);
  open("t", allocation, app_port);
  ASSERT_TRUE(eventually([&] { return !refusal("t").empty(); }));
  EXPECT_THAT(refusal("t"), testing::StartsWith("the host could not open its side"));
  EXPECT_EQ(count(allocation), 0U);
}

TEST_F(TunnelsTest, ClosedWhileOnTheirWay_LeaveNoConnectionToTheApp) {
  const auto allocation = AllocationId::make(random);
  open("t", allocation, app_port);
  const runtime::Fd accepted(accept(app.get(), nullptr, nullptr));
  ASSERT_TRUE(accepted.valid());
  const runtime::Fd dialled(accept(controller.get(), nullptr, nullptr));
  thread.run([&] { tunnels->close_all(allocation); });
  shutdown(dialled.get(), SHUT_RDWR);
  char byte = 0;
  EXPECT_EQ(recv(accepted.get(), &byte, 1, 0), 0);
  EXPECT_EQ(refusal("t"), "") << "nobody waits for it";
}

TEST(TunnelRoom, OpenFiles_MayBeAsManyAsTunnelsNeed) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(make_room_for_tunnels());
  rlimit after{};
  getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_GE(after.rlim_cur, std::min<rlim_t>(after.rlim_max, 2 * kTunnelsOfAHost));
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace slipway::agent
