#include "agent/services/network_namespace.hpp"

#include <gtest/gtest.h>

#include "agent/testing/private_network.hpp"
#include "agent/testing/support.hpp"

namespace slipway::agent {
namespace {

#define SLIPWAY_NEEDS_ROOT() \
  if (getuid() != 0) GTEST_SKIP() << "entering a network needs root"

std::string own_network() {
  char name[64] = {};
  return readlink("/proc/thread-self/ns/net", name, sizeof name - 1) > 0 ? name : "";
}

TEST(NetworkNamespace, Connection_IsMadeInThereAndTheThreadIsBack) {
  SLIPWAY_NEEDS_ROOT();
  const PrivateNetwork other;
  if (!other.made()) GTEST_SKIP() << "this machine lets nobody make a network";
  const std::string before = own_network();
  const auto network = NetworkNamespace::of_process(other.tid());
  ASSERT_TRUE(network) << network.error().text();
  const auto connection = (*network)->connect(other.port(), std::chrono::seconds(5), {});
  ASSERT_TRUE(connection) << connection.error().text();
  const runtime::Fd accepted(accept(other.listener(), nullptr, nullptr));
  EXPECT_TRUE(accepted.valid());
  EXPECT_EQ(own_network(), before);
}

TEST(NetworkNamespace, OutlivesTheProcessThatLedToIt) {
  SLIPWAY_NEEDS_ROOT();
  auto other = std::make_unique<PrivateNetwork>();
  if (!other->made()) GTEST_SKIP() << "this machine lets nobody make a network";
  const auto network = *NetworkNamespace::of_process(other->tid());
  const int port = other->port();
  other.reset();
  const auto connection = network->connect(port, std::chrono::seconds(5), {});
  ASSERT_FALSE(connection) << "and what listens on that port here is not reached instead";
  EXPECT_EQ(connection.error().message, fmt::format("nothing listens on port {}", port));
}

TEST(NetworkNamespace, NobodyListens_IsUnreachableAndNamesThePort) {
  SLIPWAY_NEEDS_ROOT();
  const auto network = *NetworkNamespace::of_process(getpid());
  int port = 0;
  listen_on_loopback(port).reset();
  const auto connection = network->connect(port, std::chrono::seconds(5), {});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, Code::Unreachable);
  EXPECT_EQ(connection.error().message, fmt::format("nothing listens on port {}", port));
}

TEST(NetworkNamespace, FullBacklog_EndsWithTheDeadlineOrTheCancel) {
  SLIPWAY_NEEDS_ROOT();
  int port = 0;
  const runtime::Fd listener = listen_on_loopback(port, 0);
  const auto network = *NetworkNamespace::of_process(getpid());
  std::vector<runtime::Fd> filling;
  auto refused = network->connect(port, Duration(200), {});
  while (refused) {
    filling.push_back(std::move(*refused));
    ASSERT_LT(filling.size(), 100U);
    refused = network->connect(port, Duration(200), {});
  }
  EXPECT_EQ(refused.error().code, Code::Timeout);
  const auto cancelled = std::make_shared<std::atomic<bool>>(true);
  EXPECT_EQ(network->connect(port, std::chrono::hours(1), cancelled).error().code, Code::Cancelled);
}

TEST(NetworkNamespace, UnknownProcess_IsNotFound) {
  EXPECT_EQ(NetworkNamespace::of_process(1 << 30).error().code, Code::NotFound);
}

}  // namespace
}  // namespace slipway::agent
