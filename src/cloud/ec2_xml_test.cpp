#include "cloud/ec2_xml.hpp"

#include <gtest/gtest.h>

namespace slipway::cloud {
namespace {

TEST(Ec2Xml, Instances_OfSeveralReservations_AreRead) {
  const auto page = parse_instances(R"(<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <reservationSet>
    <item><instancesSet><item>
      <instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceType>t3.medium</instanceType>
      <instanceState><code>16</code><name>running</name></instanceState>
      <privateIpAddress>10.0.0.4</privateIpAddress><ipAddress>203.0.113.9</ipAddress>
      <launchTime>2026-01-31T09:30:00.000Z</launchTime><clientToken>tok</clientToken>
      <tagSet><item><key>a&amp;b</key><value>&lt;1&gt;</value></item><item><key>e</key><value/></item></tagSet>
    </item></instancesSet></item>
    <item><instancesSet><item>
      <instanceId>i-2</instanceId><instanceState><code>48</code><name>terminated</name></instanceState>
      <stateReason><code>Client.UserInitiatedShutdown</code><message>User initiated</message></stateReason>
      <launchTime>2026-01-31T09:30:00Z</launchTime>
    </item></instancesSet></item>
  </reservationSet>
  <nextToken>more</nextToken>
</DescribeInstancesResponse>)");
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->items.size(), 2U);
  const Instance& first = page->items[0];
  EXPECT_EQ(first.instance_id, "i-1");
  EXPECT_EQ(first.state, InstanceState::Running);
  EXPECT_EQ(first.private_ip, "10.0.0.4");
  EXPECT_EQ(first.public_ip, "203.0.113.9");
  EXPECT_EQ(first.client_token, "tok");
  EXPECT_EQ(format_time(first.launched_at), "2026-01-31T09:30:00.000Z");
  EXPECT_EQ(first.tags, (Tags{{"a&b", "<1>"}, {"e", ""}}));
  EXPECT_EQ(page->items[1].state, InstanceState::Terminated);
  EXPECT_EQ(page->items[1].state_reason, "User initiated");
  EXPECT_EQ(page->items[1].launched_at, first.launched_at);
  EXPECT_EQ(page->next_token, "more");
}

TEST(Ec2Xml, WhatIsNoEc2Answer_IsUnavailable) {
  for (const char* body : {"", "not xml", "<a><b></a>", "<html><body>gateway</body></html"}) {
    const auto page = parse_instances(body);
    ASSERT_FALSE(page) << body;
    EXPECT_EQ(page.error().code, Code::Unavailable);
  }
  EXPECT_EQ(parse_element("<R/>", "imageId").error().code, Code::Unavailable);
  EXPECT_EQ(parse_created_key_pair("<R/>").error().code, Code::Unavailable);
  EXPECT_FALSE(
      parse_instances("<R><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>"
                      "<instanceState><name>melted</name></instanceState></item></instancesSet></item>"
                      "</reservationSet></R>"));
}

TEST(Ec2Xml, Console_IsDecoded_AlsoWhenBrokenIntoLines) {
  EXPECT_EQ(parse_console("<R><instanceId>i-1</instanceId><output>aGVs\nbG8=\n</output></R>").value(), "hello");
  EXPECT_EQ(parse_console("<R><instanceId>i-1</instanceId></R>").value(), "");
}

TEST(Ec2Xml, Error_CarriesEc2sOwnCodeAndText) {
  const Error error = parse_error("StopInstances", 400,
                                  "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>"
                                  "<Message>The instance ID 'i-1' does not exist</Message></Error></Errors>"
                                  "<RequestID>r</RequestID></Response>");
  EXPECT_EQ(error.code, Code::NotFound);
  EXPECT_EQ(error.message, "StopInstances: InvalidInstanceID.NotFound: The instance ID 'i-1' does not exist");
  const Error plain = parse_error("StopInstances", 502, "bad gateway");
  EXPECT_EQ(plain.code, Code::Unavailable);
  EXPECT_EQ(plain.message, "StopInstances: HTTP status 502");
}

}  // namespace
}  // namespace slipway::cloud
