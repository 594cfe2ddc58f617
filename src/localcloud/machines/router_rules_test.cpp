#include "localcloud/machines/router_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>

namespace slipway::localcloud {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const Identity kCloud{.id = "abcde", .slot = 95, .data_directory = "/data"};
const GuestPort kPort{.instance_id = "i-0123456789abcdef0",
                      .address = *Ipv4::parse("10.98.95.254"),
                      .mac = "06:98:0a:62:5f:fe",
                      .hostname = "ip-10-98-95-254"};

TEST(InterfaceNames, OfTheLongestKind_FitTheKernelAndCarryTheId) {
  for (const std::string& name : {outer_uplink_name(kCloud), uplink_name(kCloud), port_name(kCloud, kPort.address)}) {
    EXPECT_LT(name.size(), IFNAMSIZ) << name;
    EXPECT_THAT(name, HasSubstr("abcde"));
  }
}

TEST(Port, IsCheckedByInterfaceMacAndAddressTogether) {
  EXPECT_EQ(add_port_script(kCloud, kPort),
            "add element inet slipway-abcde ports { \"swabcdep254\" . 06:98:0a:62:5f:fe . 10.98.95.254 : accept }\n");
  EXPECT_THAT(remove_port_script(kCloud, kPort), HasSubstr("delete element inet slipway-abcde ports"));
}

TEST(RouterRuleset, LoadedAgain_LeavesThePortsAlone) {
  EXPECT_THAT(router_ruleset(kCloud), Not(HasSubstr("delete")));
  EXPECT_THAT(router_ruleset(kCloud), Not(HasSubstr("flush map")));
}

// Two clouds side by side met on port 22, where a group lets the cloud's own outside in.
TEST(OuterRuleset, ForwardsNothingFromThisCloudToAnother) {
  EXPECT_THAT(outer_ruleset(kCloud), HasSubstr("ip daddr { 10.98.0.0/16, 10.99.0.0/16 } drop"));
}

TEST(Dnsmasq, HostLine_RoundTrips) {
  const auto parsed = parse_dnsmasq_host_line(kPort.instance_id, dnsmasq_host_line(kPort));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->address, kPort.address);
  EXPECT_EQ(parsed->mac, kPort.mac);
  EXPECT_EQ(parsed->hostname, kPort.hostname);
  EXPECT_FALSE(parse_dnsmasq_host_line("i-1", "junk").has_value());
}

TEST(Dnsmasq, Argv_NamesResolversOnlyIfThereAreSome) {
  EXPECT_THAT(dnsmasq_argv(kCloud, "/run/x", ""), Contains("--no-resolv"));
  EXPECT_THAT(dnsmasq_argv(kCloud, "/run/x", "/etc/resolv.conf"), Contains("--resolv-file=/etc/resolv.conf"));
  EXPECT_THAT(dnsmasq_argv(kCloud, "/run/x", ""), Contains("--dhcp-range=10.98.95.0,static,255.255.255.0,12h"));
}

TEST(ResolvFile, WithALoopbackServer_IsPassedOver) {
  const std::pair<std::string, std::string> stub{"/a", "nameserver 127.0.0.53\noptions edns0\n"};
  const std::pair<std::string, std::string> real{"/b", "# c\nnameserver 192.0.2.1\n"};
  EXPECT_EQ(pick_resolv_file({stub, real}), "/b");
  EXPECT_EQ(pick_resolv_file({real, stub}), "/b");
  EXPECT_EQ(pick_resolv_file({stub, {"/c", ""}}), "");
}

}  // namespace
}  // namespace slipway::localcloud
