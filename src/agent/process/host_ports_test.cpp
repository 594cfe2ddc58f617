#include "agent/process/host_ports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/testing/private_network.hpp"

namespace slipway::agent {
namespace {

constexpr const char* kHead =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

TEST(HostPorts, Listeners_AreReadFromTheKernelsTable) {
  const std::string table =
      std::string(kHead) +
      "   0: 0100007F:3C8C 00000000:0000 0A 00000000:00000000 00:00000000 00000000 66000        0 1 1 0 100 0 0 10 0\n"
      "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0\n"
      "   2: 0100007F:3C8C 0100007F:9999 01 00000000:00000000 00:00000000 00000000 66000        0 3 1 0 20 4 30 10 "
      "-1\n";
  const auto found = parse_listeners(table);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].port, 15500);
  EXPECT_EQ(found[0].uid, 66000U);
  EXPECT_TRUE(found[0].loopback);
  EXPECT_EQ(found[1].port, 22);
  EXPECT_FALSE(found[1].loopback);
  EXPECT_TRUE(parse_listeners("").empty());
  EXPECT_TRUE(parse_listeners("0: 1: 0A\n:::\n").empty());
}

TEST(HostPorts, Version6_KnowsItsLoopbackAndTheOldOne) {
  const auto one = [](const std::string& address) {
    return parse_listeners("0: " + address + ":1F90 0:0 0A 0:0 0:0 0 7 0 1\n").at(0).loopback;
  };
  EXPECT_TRUE(one("00000000000000000000000001000000"));
  EXPECT_TRUE(one("0000000000000000FFFF00000100007F"));
  EXPECT_FALSE(one("00000000000000000000000000000000"));
}

TEST(HostPorts, Port_MustBeTheAllocationsOwnAndStayOnTheHostUnlessExposed) {
  const PortRule rule{.uid = 66000, .exposed = {}};
  EXPECT_EQ(check_port({}, 15500, rule).error().message, "nothing listens on port 15500");
  EXPECT_TRUE(check_port({{.port = 15500, .uid = 66000, .loopback = true}}, 15500, rule));
  const auto other = check_port({{.port = 15500, .uid = 1000, .loopback = true}}, 15500, rule);
  EXPECT_EQ(other.error().message, "port 15500 of this host is another program's (user 1000)");
  const std::vector<PortListener> open{{.port = 15500, .uid = 66000, .loopback = false}};
  EXPECT_THAT(check_port(open, 15500, rule).error().message, testing::HasSubstr("'expose: host'"));
  EXPECT_TRUE(check_port(open, 15500, {.uid = 66000, .exposed = {15500}}));
}

TEST(HostPorts, OwnListener_IsFound) {
  int port = 0;
  const runtime::Fd listener = listen_on_loopback(port);
  ASSERT_TRUE(listener.valid());
  const auto listeners = read_listeners();
  ASSERT_TRUE(listeners) << listeners.error().text();
  EXPECT_TRUE(check_port(*listeners, port, {.uid = getuid(), .exposed = {}}));
}

}  // namespace
}  // namespace slipway::agent
