#include "localcloud/machines/ipv4.hpp"

#include <gtest/gtest.h>

namespace slipway::localcloud {
namespace {

TEST(Ipv4, Parse_RoundTripsAndRefusesWhatIsNoAddress) {
  EXPECT_EQ(Ipv4::parse("10.98.0.7")->text(), "10.98.0.7");
  for (const char* bad : {"", "10", "10.98.0", "10.98.0.256", "10.98.0.7.1", "10.98.0.7 ", "a.b.c.d", "10..0.1"}) {
    EXPECT_FALSE(Ipv4::parse(bad).has_value()) << bad;
  }
}

TEST(Ipv4Network, Parse_RefusesHostBitsAndBadPrefixes) {
  EXPECT_EQ(Ipv4Network::parse("10.98.0.0/24")->text(), "10.98.0.0/24");
  EXPECT_EQ(Ipv4Network::parse("10.98.0.1")->prefix, 32);
  EXPECT_EQ(Ipv4Network::parse("0.0.0.0/0")->prefix, 0);
  for (const char* bad : {"10.98.0.1/24", "10.98.0.0/33", "10.98.0.0/", "10.98.0.0/-1"}) {
    EXPECT_FALSE(Ipv4Network::parse(bad).has_value()) << bad;
  }
}

TEST(Ipv4Network, Overlaps_IsContainmentOfEither) {
  const auto net = [](const char* text) { return *Ipv4Network::parse(text); };
  EXPECT_TRUE(net("10.0.0.0/8").overlaps(net("10.98.0.0/24")));
  EXPECT_TRUE(net("10.98.0.0/24").overlaps(net("10.0.0.0/8")));
  EXPECT_TRUE(net("0.0.0.0/0").overlaps(net("1.2.3.4")));
  EXPECT_FALSE(net("10.98.1.0/24").overlaps(net("10.98.0.0/24")));
}

TEST(Mac, OfAnAddress_IsLocallyAdministeredAndUnique) {
  EXPECT_EQ(mac_for(*Ipv4::parse("10.98.0.7")), "06:98:0a:62:00:07");
  EXPECT_NE(mac_for(*Ipv4::parse("10.98.0.7")), mac_for(*Ipv4::parse("10.98.1.7")));
}

}  // namespace
}  // namespace slipway::localcloud
