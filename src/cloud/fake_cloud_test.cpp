#include "cloud/fake_cloud.hpp"

#include "cloud/cloud_contract.hpp"

namespace slipway::cloud {
namespace {

class FakeFixture final : public CloudFixture {
 public:
  Cloud& cloud() override { return cloud_; }
  void wait_a_moment() override { clock_.advance(std::chrono::seconds(1)); }
  [[nodiscard]] std::string image_id() const override { return cloud_.base_image_id(); }

 private:
  ManualClock clock_;
  FakeCloud cloud_{clock_,
                   {.launch_time = std::chrono::seconds(3),
                    .stop_time = std::chrono::seconds(2),
                    .image_time = std::chrono::seconds(5)}};
};

INSTANTIATE_TEST_SUITE_P(Fake, CloudContract,
                         testing::Values(CloudUnderTest{.name = "Fake",
                                                        .make = [] { return std::make_unique<FakeFixture>(); }}),
                         cloud_name);

class FakeCloudTest : public testing::Test {
 protected:
  ManualClock clock_;
  FakeCloud cloud_{clock_};

  LaunchRequest request(const std::string& token) const {
    return {.client_token = token,
            .image_id = cloud_.base_image_id(),
            .instance_type = "t3.medium",
            .user_data = {},
            .key_name = {},
            .security_group_ids = {},
            .tags = {}};
  }
};

TEST_F(FakeCloudTest, FailNext_HasNoEffect_AndPasses) {
  cloud_.fail_next("RunInstances", Code::Throttled, 2);
  EXPECT_EQ(cloud_.run_instance(request("a")).error().code, Code::Throttled);
  EXPECT_EQ(cloud_.run_instance(request("a")).error().code, Code::Throttled);
  EXPECT_TRUE(cloud_.live_instances().empty());
  EXPECT_TRUE(cloud_.run_instance(request("a")));
  EXPECT_EQ(cloud_.calls("RunInstances"), 3);
}

TEST_F(FakeCloudTest, LoseAnswerNext_DoesTheWork_AndTheTokenFindsItAgain) {
  cloud_.lose_answer_next("RunInstances");
  EXPECT_EQ(cloud_.run_instance(request("a")).error().code, Code::Unreachable);
  ASSERT_EQ(cloud_.live_instances().size(), 1U);
  EXPECT_EQ(cloud_.run_instance(request("a")).value().instance_id, cloud_.live_instances()[0].instance_id);
  EXPECT_EQ(cloud_.live_instances().size(), 1U);
}

TEST_F(FakeCloudTest, Capacity_WhenUsedUp_IsExhausted_UntilOneIsTerminated) {
  cloud_.set_capacity(1);
  const Instance first = cloud_.run_instance(request("a")).value();
  EXPECT_EQ(cloud_.run_instance(request("b")).error().code, Code::Exhausted);
  ASSERT_TRUE(cloud_.terminate_instance(first.instance_id));
  EXPECT_TRUE(cloud_.run_instance(request("b")));
}

TEST_F(FakeCloudTest, HiddenDescribes_DelayTheFirstSight) {
  FakeCloud eventual(clock_, {.hidden_describes = 2});
  ASSERT_TRUE(eventual.run_instance(request("a")));
  EXPECT_TRUE(eventual.describe_instances({}).value().empty());
  EXPECT_TRUE(eventual.describe_instances({}).value().empty());
  EXPECT_EQ(eventual.describe_instances({}).value().size(), 1U);
}

TEST_F(FakeCloudTest, LaunchTime_PassesWithTheClock) {
  FakeCloud slow(clock_, {.launch_time = std::chrono::seconds(30)});
  ASSERT_TRUE(slow.run_instance(request("a")));
  clock_.advance(std::chrono::seconds(29));
  EXPECT_EQ(slow.describe_instances({}).value()[0].state, InstanceState::Pending);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(slow.describe_instances({}).value()[0].state, InstanceState::Running);
}

TEST_F(FakeCloudTest, SetInstanceState_IsSeenByDescribe) {
  const Instance made = cloud_.run_instance(request("a")).value();
  cloud_.set_instance_state(made.instance_id, InstanceState::Terminated, "Server.SpotInstanceTermination");
  const auto seen = cloud_.describe_instances({}).value();
  EXPECT_EQ(seen[0].state, InstanceState::Terminated);
  EXPECT_EQ(seen[0].state_reason, "Server.SpotInstanceTermination");
}

TEST(InstanceStates, Names_AreEc2s_AndReadBack) {
  for (const auto state : {InstanceState::Pending, InstanceState::Running, InstanceState::ShuttingDown,
                           InstanceState::Terminated, InstanceState::Stopping, InstanceState::Stopped}) {
    EXPECT_EQ(instance_state_from_name(instance_state_name(state)).value(), state);
  }
  EXPECT_FALSE(instance_state_from_name("rebooting"));
}

}  // namespace
}  // namespace slipway::cloud
