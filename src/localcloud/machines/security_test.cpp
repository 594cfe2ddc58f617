#include "localcloud/machines/security.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::localcloud {
namespace {

using testing::HasSubstr;
using testing::Not;

const Ipv4 kOne = *Ipv4::parse("10.98.0.4");
const Ipv4 kTwo = *Ipv4::parse("10.98.0.5");

SecurityPolicy web_and_database() {
  SecurityPolicy policy;
  policy.groups["sg-web"] = {.ingress = {{.protocol = IpProtocol::Tcp,
                                          .from_port = 22,
                                          .to_port = 22,
                                          .networks = {*Ipv4Network::parse("0.0.0.0/0")},
                                          .groups = {}}},
                             .egress = {allow_all_egress()}};
  policy.groups["sg-db"] = {.ingress = {{.protocol = IpProtocol::Tcp,
                                         .from_port = 5432,
                                         .to_port = 5433,
                                         .networks = {*Ipv4Network::parse("192.0.2.0/24")},
                                         .groups = {"sg-web"}}},
                            .egress = {}};
  policy.guests[kOne] = {"sg-web"};
  policy.guests[kTwo] = {"sg-db"};
  return policy;
}

TEST(SecurityRuleset, HasOneLineForEachPeerOfARule) {
  const std::string text = *security_ruleset("t", "up", web_and_database());
  EXPECT_THAT(text, HasSubstr("tcp dport 22-22 accept\n"));
  EXPECT_THAT(text, HasSubstr("tcp dport 5432-5433 ip saddr 192.0.2.0/24 accept\n"));
  EXPECT_THAT(text, HasSubstr("tcp dport 5432-5433 ip saddr @members-sg-web accept\n"));
  EXPECT_THAT(text, HasSubstr("set members-sg-web { type ipv4_addr; elements = { 10.98.0.4 }; }"));
  EXPECT_THAT(text, HasSubstr("10.98.0.5 : jump in-guest-10.98.0.5"));
}

TEST(SecurityGroups, LetIn_ByAddressOrGroupAndPort) {
  const auto policy = web_and_database();
  const auto& database = policy.groups.at("sg-db");
  const auto port = [&](int number, const char* peer, const std::vector<std::string>& groups) {
    return lets_in(database, IpProtocol::Tcp, number, *Ipv4::parse(peer), groups);
  };
  EXPECT_TRUE(port(5432, "192.0.2.7", {}));
  EXPECT_TRUE(port(5433, "10.98.0.4", {"sg-other", "sg-web"}));
  EXPECT_FALSE(port(5433, "10.98.0.4", {"sg-other"}));
  EXPECT_FALSE(port(5434, "192.0.2.7", {"sg-web"}));
  EXPECT_FALSE(lets_in(database, IpProtocol::Udp, 5432, *Ipv4::parse("192.0.2.7"), {}));
  EXPECT_TRUE(lets_in({.ingress = {allow_all_egress()}, .egress = {}}, IpProtocol::Tcp, 2049, kOne, {}));
  EXPECT_FALSE(lets_in({}, IpProtocol::Tcp, 2049, kOne, {"sg-web"}));
}

TEST(SecurityRuleset, ReplacesWhatIsThereInOneTransaction) {
  EXPECT_TRUE(security_ruleset("t", "up", {})->starts_with("table inet t\ndelete table inet t\ntable inet t {\n"));
}

TEST(SecurityRuleset, WithoutPolicy_DropsAllButAnswers) {
  const std::string text = *security_ruleset("t", "up", {});
  EXPECT_THAT(text, HasSubstr("policy drop"));
  EXPECT_THAT(text, Not(HasSubstr("vmap")));
}

TEST(SecurityRuleset, ARuleWithoutPeers_OpensNothing) {
  SecurityPolicy policy;
  policy.groups["sg-a"].ingress = {{.protocol = IpProtocol::All, .networks = {}, .groups = {}}};
  EXPECT_THAT(*security_ruleset("t", "up", policy), HasSubstr("chain in-sg-a {\n  }\n"));
}

TEST(SecurityRuleset, AGroupThatIsOnlyNamed_ExistsAndIsEmpty) {
  SecurityPolicy policy;
  policy.guests[kOne] = {"sg-gone"};
  const std::string text = *security_ruleset("t", "up", policy);
  EXPECT_THAT(text, HasSubstr("chain in-sg-gone {\n  }\n"));
  EXPECT_THAT(text, HasSubstr("jump in-sg-gone"));
}

TEST(SecurityRuleset, BadNamesAndPorts_AreRefused) {
  SecurityPolicy policy;
  policy.groups["sg; drop"] = {};
  EXPECT_EQ(security_ruleset("t", "up", policy).error().code, Code::InvalidInput);
  policy.groups.clear();
  policy.groups["sg-a"].ingress = {
      {.protocol = IpProtocol::Tcp, .from_port = 10, .to_port = 9, .networks = {}, .groups = {}}};
  EXPECT_EQ(security_ruleset("t", "up", policy).error().code, Code::InvalidInput);
  policy.groups["sg-a"].ingress = {{.protocol = IpProtocol::All, .networks = {}, .groups = {"a } b"}}};
  EXPECT_EQ(security_ruleset("t", "up", policy).error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace slipway::localcloud
