#include "cloud/ec2_query.hpp"

#include <gtest/gtest.h>

namespace slipway::cloud {
namespace {

TEST(Ec2Query, Body_NamesActionAndVersion_AndEncodesValues) {
  Ec2Query query("RunInstances");
  query.add("UserData", "a+b/c= é");
  EXPECT_EQ(query.body(), "Action=RunInstances&Version=2016-11-15&UserData=a%2Bb%2Fc%3D%20%C3%A9");
}

TEST(Ec2Query, AddFilter_NumbersFiltersAndTheirValues) {
  Ec2Query query("DescribeInstances");
  query.add_filter({.ids = {"i-1", "i-2"},
                    .tags = {{"slipway:pool", "p"}},
                    .tag_keys = {"a", "b"},
                    .name = {},
                    .states = {InstanceState::Running, InstanceState::ShuttingDown}},
                   {.id = "instance-id", .name = "tag:Name"});
  EXPECT_EQ(query.body(),
            "Action=DescribeInstances&Version=2016-11-15"
            "&Filter.1.Name=instance-id&Filter.1.Value.1=i-1&Filter.1.Value.2=i-2"
            "&Filter.2.Name=tag%3Aslipway%3Apool&Filter.2.Value.1=p"
            "&Filter.3.Name=tag-key&Filter.3.Value.1=a&Filter.3.Value.2=b"
            "&Filter.4.Name=instance-state-name&Filter.4.Value.1=running&Filter.4.Value.2=shutting-down");
}

TEST(Ec2Query, AddFilter_OfNothing_AddsNothing) {
  Ec2Query query("DescribeInstances");
  query.add_filter({}, {.id = "instance-id", .name = "tag:Name"});
  EXPECT_EQ(query.body(), "Action=DescribeInstances&Version=2016-11-15");
}

TEST(Ec2Query, AddTagSpecification_NumbersTags_AndLeavesEmptyOnesOut) {
  Ec2Query query("CreateImage");
  query.add_tag_specification(1, "image", {{"a", "1"}, {"b", ""}}).add_tag_specification(2, "snapshot", {});
  EXPECT_EQ(query.body(),
            "Action=CreateImage&Version=2016-11-15&TagSpecification.1.ResourceType=image"
            "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=1"
            "&TagSpecification.1.Tag.2.Key=b&TagSpecification.1.Tag.2.Value=");
}

}  // namespace
}  // namespace slipway::cloud
