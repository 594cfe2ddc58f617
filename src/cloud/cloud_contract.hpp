// What every Cloud does, as tests: instantiate CloudContract with accounts to run in. Test programs only. The account
// may hold other things, so every test names and tags its own.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "base/digest.hpp"
#include "cloud/cloud.hpp"

namespace slipway::cloud {

/// An account to test in.
class CloudFixture {
 public:
  virtual ~CloudFixture() = default;
  virtual Cloud& cloud() = 0;
  virtual void wait_a_moment() = 0;  ///< between two looks at something that takes time
  [[nodiscard]] virtual std::string image_id() const = 0;
  [[nodiscard]] virtual std::string instance_type() const { return "t3.micro"; }
  /// False for a stand-in that answers in EC2's form but does not keep its rules (client tokens, states, references).
  [[nodiscard]] virtual bool keeps_the_rules() const { return true; }
};

struct CloudUnderTest {
  const char* name;
  std::function<std::unique_ptr<CloudFixture>()> make;
};
inline void PrintTo(const CloudUnderTest& cloud, std::ostream* out) { *out << cloud.name; }
inline std::string cloud_name(const testing::TestParamInfo<CloudUnderTest>& info) { return info.param.name; }

class CloudContract : public testing::TestWithParam<CloudUnderTest> {
 protected:
  ~CloudContract() override {
    for (const std::string& id : launched_) (void)cloud_.terminate_instance(id);
  }

  LaunchRequest request(const std::string& token) {
    return {.client_token = mark_ + token,
            .image_id = fixture_->image_id(),
            .instance_type = fixture_->instance_type(),
            .user_data = "#!/bin/sh\n",
            .key_name = {},
            .security_group_ids = {},
            .tags = {{"slipway:test", mark_}, {"token", token}}};
  }

  Instance launch(const LaunchRequest& wanted) {
    const auto made = cloud_.run_instance(wanted);
    if (!made) ADD_FAILURE() << made.error().text();
    if (!made) return {};
    launched_.push_back(made->instance_id);
    return *made;
  }

  Filter mine() const {
    return {.ids = {}, .tags = {{"slipway:test", mark_}}, .tag_keys = {}, .name = {}, .states = {}};
  }
  static Filter by_id(const std::string& id) {
    return {.ids = {id}, .tags = {}, .tag_keys = {}, .name = {}, .states = {}};
  }
  static Filter by_name(const std::string& name) {
    return {.ids = {}, .tags = {}, .tag_keys = {}, .name = name, .states = {}};
  }

  /// Of a call that must fail; Internal if it did not.
  template <typename T>
  static Code code_of(const Result<T>& result) {
    return result ? Code::Internal : result.error().code;
  }

  std::optional<Instance> look(const std::string& id) {
    const auto found = cloud_.describe_instances(by_id(id));
    if (!found) ADD_FAILURE() << found.error().text();
    if (!found || found->empty()) return std::nullopt;
    return found->front();
  }

  void expect_state(const std::string& id, InstanceState wanted) {
    for (int i = 0; i < 300; ++i) {
      const auto now = look(id);
      if (now && now->state == wanted) return;
      fixture_->wait_a_moment();
    }
    ADD_FAILURE() << id << " does not become " << instance_state_name(wanted);
  }

  void expect_available(const std::string& image_id) {
    for (int i = 0; i < 300; ++i) {
      const auto found = cloud_.describe_images(by_id(image_id));
      if (found && !found->empty() && found->front().state == "available") return;
      fixture_->wait_a_moment();
    }
    ADD_FAILURE() << image_id << " does not become available";
  }

  std::unique_ptr<CloudFixture> fixture_ = GetParam().make();
  Cloud& cloud_ = fixture_->cloud();
  const std::string mark_ = [] {
    SystemRandom random;
    return "contract-" + hex_encode(random.bytes(6)) + "-";
  }();

 private:
  std::vector<std::string> launched_;
};

TEST_P(CloudContract, RunInstance_BecomesRunning_AsAsked) {
  const Instance made = launch(request("a"));
  EXPECT_TRUE(made.instance_id.starts_with("i-"));
  expect_state(made.instance_id, InstanceState::Running);
  const auto now = look(made.instance_id);
  ASSERT_TRUE(now);
  EXPECT_EQ(now->image_id, fixture_->image_id());
  EXPECT_EQ(now->instance_type, fixture_->instance_type());
  EXPECT_FALSE(now->private_ip.empty());
  EXPECT_EQ(now->tags.at("slipway:test"), mark_);
  EXPECT_EQ(now->tags.at("token"), "a");
  EXPECT_GT(now->launched_at, WallTime{});
}

TEST_P(CloudContract, RunInstance_WithTheSameToken_GivesTheSameInstance) {
  if (!fixture_->keeps_the_rules()) GTEST_SKIP() << "this stand-in ignores client tokens";
  const Instance first = launch(request("a"));
  const Instance second = launch(request("a"));
  EXPECT_EQ(first.instance_id, second.instance_id);
  EXPECT_EQ(first.client_token, mark_ + "a");
  EXPECT_NE(launch(request("b")).instance_id, first.instance_id);
}

TEST_P(CloudContract, CheckLaunch_OfAGoodRequest_LaunchesNothing) {
  EXPECT_TRUE(cloud_.check_launch(request("checked")));
  const auto found = cloud_.describe_instances({.tags = request("checked").tags});
  ASSERT_TRUE(found);
  for (const Instance& one : *found) EXPECT_NE(one.client_token, mark_ + "checked");
}

TEST_P(CloudContract, RunInstance_OfAnUnknownImage_IsNotFound) {
  if (!fixture_->keeps_the_rules()) GTEST_SKIP() << "this stand-in launches anything";
  LaunchRequest wanted = request("a");
  wanted.image_id = "ami-0123456789abcdef0";
  EXPECT_EQ(code_of(cloud_.run_instance(wanted)), Code::NotFound);
  EXPECT_EQ(code_of(cloud_.check_launch(wanted)), Code::NotFound);
  wanted = request("b");
  wanted.key_name = mark_ + "no-such-key";
  EXPECT_EQ(code_of(cloud_.run_instance(wanted)), Code::NotFound);
}

TEST_P(CloudContract, DescribeInstances_FiltersByEveryCondition) {
  const std::string a = launch(request("a")).instance_id;
  const std::string b = launch(request("b")).instance_id;
  expect_state(a, InstanceState::Running);
  expect_state(b, InstanceState::Running);
  EXPECT_EQ(cloud_.describe_instances(mine()).value().size(), 2U);
  Filter filter = mine();
  filter.tags["token"] = "b";
  auto found = cloud_.describe_instances(filter).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].instance_id, b);
  filter = mine();
  filter.tag_keys = {"token", "other"};
  EXPECT_EQ(cloud_.describe_instances(filter).value().size(), 2U);
  filter.tag_keys = {"other"};
  EXPECT_TRUE(cloud_.describe_instances(filter).value().empty());
  filter = mine();
  filter.states = {InstanceState::Stopped, InstanceState::Running};
  EXPECT_EQ(cloud_.describe_instances(filter).value().size(), 2U);
  filter.states = {InstanceState::Stopped};
  EXPECT_TRUE(cloud_.describe_instances(filter).value().empty());
}

TEST_P(CloudContract, DescribeInstances_OfAnUnknownId_IsEmpty) {
  EXPECT_TRUE(cloud_.describe_instances(by_id("i-0123456789abcdef0")).value().empty());
}

TEST_P(CloudContract, StopThenStart_KeepsTheInstance) {
  const std::string id = launch(request("a")).instance_id;
  expect_state(id, InstanceState::Running);
  const std::string address = look(id)->private_ip;
  ASSERT_TRUE(cloud_.stop_instance(id));
  expect_state(id, InstanceState::Stopped);
  EXPECT_TRUE(cloud_.stop_instance(id)) << "stopping what is stopped is no error";
  ASSERT_TRUE(cloud_.start_instance(id));
  expect_state(id, InstanceState::Running);
  EXPECT_EQ(look(id)->private_ip, address);
}

TEST_P(CloudContract, Terminate_EndsIt_AndMayBeRepeated) {
  const std::string id = launch(request("a")).instance_id;
  ASSERT_TRUE(cloud_.terminate_instance(id));
  expect_state(id, InstanceState::Terminated);
  EXPECT_TRUE(cloud_.terminate_instance(id));
  EXPECT_TRUE(cloud_.terminate_instance("i-0123456789abcdef0"));
  if (fixture_->keeps_the_rules()) EXPECT_EQ(code_of(cloud_.start_instance(id)), Code::Conflict);
}

TEST_P(CloudContract, CallsOnAnUnknownInstance_AreNotFound) {
  const std::string unknown = "i-0123456789abcdef0";
  EXPECT_EQ(code_of(cloud_.stop_instance(unknown)), Code::NotFound);
  EXPECT_EQ(code_of(cloud_.start_instance(unknown)), Code::NotFound);
  EXPECT_EQ(code_of(cloud_.console_output(unknown)), Code::NotFound);
  EXPECT_EQ(code_of(cloud_.create_image(unknown, mark_ + "image", "", {})), Code::NotFound);
}

TEST_P(CloudContract, ConsoleOutput_OfARunningInstance_IsText) {
  const std::string id = launch(request("a")).instance_id;
  expect_state(id, InstanceState::Running);
  EXPECT_TRUE(cloud_.console_output(id));
}

TEST_P(CloudContract, CreateImage_OfAStoppedInstance_CanBeFound_Launched_AndDeregistered) {
  const std::string id = launch(request("a")).instance_id;
  expect_state(id, InstanceState::Running);
  ASSERT_TRUE(cloud_.stop_instance(id));
  expect_state(id, InstanceState::Stopped);
  const auto image = cloud_.create_image(id, mark_ + "image", "made by a test", {{"slipway:test", mark_}});
  ASSERT_TRUE(image) << image.error().text();
  expect_available(*image);
  const auto found = cloud_.describe_images(mine()).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].image_id, *image);
  EXPECT_EQ(found[0].name, mark_ + "image");
  EXPECT_EQ(found[0].description, "made by a test");
  EXPECT_EQ(found[0].tags.at("slipway:test"), mark_);
  EXPECT_EQ(cloud_.describe_images(by_name(mark_ + "image")).value().size(), 1U);
  if (fixture_->keeps_the_rules()) {
    EXPECT_EQ(code_of(cloud_.create_image(id, mark_ + "image", "", {})), Code::Conflict);
  }
  LaunchRequest again = request("again");
  again.image_id = *image;
  EXPECT_EQ(launch(again).image_id, *image);
  ASSERT_TRUE(cloud_.deregister_image(*image));
  EXPECT_TRUE(cloud_.describe_images(by_id(*image)).value().empty());
  EXPECT_FALSE(cloud_.deregister_image(*image));
  EXPECT_EQ(code_of(cloud_.deregister_image("ami-0123456789abcdef0")), Code::NotFound);
}

TEST_P(CloudContract, KeyPair_IsMadeOnce_Found_AndDeleted) {
  const std::string name = mark_ + "key";
  const auto key = cloud_.create_key_pair(name, {{"slipway:test", mark_}});
  ASSERT_TRUE(key) << key.error().text();
  EXPECT_EQ(key->key_name, name);
  EXPECT_NE(key->private_key_pem.find("PRIVATE KEY-----"), std::string::npos);
  EXPECT_EQ(code_of(cloud_.create_key_pair(name, {})), Code::Conflict);
  const auto found = cloud_.describe_key_pairs(mine()).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].key_name, name);
  EXPECT_EQ(found[0].tags.at("slipway:test"), mark_);
  EXPECT_TRUE(found[0].private_key_pem.empty());
  EXPECT_EQ(cloud_.describe_key_pairs(by_name(name)).value().size(), 1U);
  EXPECT_TRUE(cloud_.delete_key_pair(name));
  EXPECT_TRUE(cloud_.describe_key_pairs(mine()).value().empty());
  EXPECT_TRUE(cloud_.delete_key_pair(name));
}

TEST_P(CloudContract, SecurityGroup_IsMadeOnce_Found_AndDeleted) {
  const std::string name = mark_ + "group";
  const auto group = cloud_.create_security_group(name, "made by a test", {{"slipway:test", mark_}});
  ASSERT_TRUE(group) << group.error().text();
  EXPECT_EQ(code_of(cloud_.create_security_group(name, "again", {})), Code::Conflict);
  EXPECT_TRUE(cloud_.authorize_ingress(group->group_id, 22, "192.0.2.1/32"));
  EXPECT_TRUE(cloud_.authorize_ingress(group->group_id, 22, "192.0.2.1/32")) << "a repeated rule is no error";
  const auto found = cloud_.describe_security_groups(mine()).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].group_id, group->group_id);
  EXPECT_EQ(found[0].group_name, name);
  EXPECT_EQ(found[0].tags.at("slipway:test"), mark_);
  EXPECT_EQ(cloud_.describe_security_groups(by_name(name)).value().size(), 1U);
  EXPECT_TRUE(cloud_.delete_security_group(group->group_id));
  EXPECT_TRUE(cloud_.describe_security_groups(by_id(group->group_id)).value().empty());
  EXPECT_EQ(code_of(cloud_.delete_security_group(group->group_id)), Code::NotFound);
  EXPECT_EQ(code_of(cloud_.authorize_ingress(group->group_id, 22, "192.0.2.1/32")), Code::NotFound);
}

TEST_P(CloudContract, SecurityGroup_WithAnInstance_CannotBeDeletedUntilThatIsTerminated) {
  if (!fixture_->keeps_the_rules()) GTEST_SKIP() << "this stand-in deletes groups in use";
  const auto group = cloud_.create_security_group(mark_ + "group", "made by a test", {}).value();
  LaunchRequest wanted = request("a");
  wanted.security_group_ids = {group.group_id};
  const std::string id = launch(wanted).instance_id;
  expect_state(id, InstanceState::Running);
  EXPECT_EQ(code_of(cloud_.delete_security_group(group.group_id)), Code::Conflict);
  ASSERT_TRUE(cloud_.terminate_instance(id));
  expect_state(id, InstanceState::Terminated);
  EXPECT_TRUE(cloud_.delete_security_group(group.group_id));
}

TEST_P(CloudContract, Volumes_CarryTheirInstancesTags_AndGoWithIt) {
  const std::string id = launch(request("a")).instance_id;
  expect_state(id, InstanceState::Running);
  if (fixture_->keeps_the_rules()) {
    const auto volumes = cloud_.describe_volumes(mine()).value();
    ASSERT_EQ(volumes.size(), 1U);
    EXPECT_TRUE(volumes[0].volume_id.starts_with("vol-"));
    EXPECT_EQ(volumes[0].tags.at("slipway:test"), mark_);
  }
  ASSERT_TRUE(cloud_.terminate_instance(id));
  expect_state(id, InstanceState::Terminated);
  EXPECT_TRUE(cloud_.describe_volumes(mine()).value().empty());
  EXPECT_TRUE(cloud_.describe_addresses(mine()).value().empty());
}

TEST_P(CloudContract, CreateTags_AddsAndReplaces) {
  const std::string id = launch(request("a")).instance_id;
  ASSERT_TRUE(cloud_.create_tags(id, {{"token", "new"}, {"more", "value with <&> and spaces"}}));
  const auto now = look(id);
  ASSERT_TRUE(now);
  EXPECT_EQ(now->tags.at("token"), "new");
  EXPECT_EQ(now->tags.at("more"), "value with <&> and spaces");
  EXPECT_EQ(now->tags.at("slipway:test"), mark_);
  if (fixture_->keeps_the_rules()) {
    EXPECT_EQ(code_of(cloud_.create_tags("i-0123456789abcdef0", {{"a", "b"}})), Code::NotFound);
  }
}

}  // namespace slipway::cloud
