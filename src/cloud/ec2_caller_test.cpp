#include "cloud/ec2_caller.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace slipway::cloud {
namespace {

class Ec2CallerTest : public testing::Test {
 protected:
  static Result<net::Response> throttled() {
    return net::Response{
        .status = 503,
        .headers = {},
        .body = "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"};
  }
  static Result<net::Response> fine() { return net::Response{.status = 200, .headers = {}, .body = "<ok/>"}; }
  static Result<net::Response> broken_off() { return fail(Code::Unreachable, "connection reset"); }
  static Result<net::Response> wrong() {
    return net::Response{
        .status = 400,
        .headers = {},
        .body = "<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code></Error></Errors></Response>"};
  }

  Result<std::string> call(std::deque<Result<net::Response>> answers, Repeat repeat) {
    sent_ = 0;
    slept_ = Duration{0};
    Ec2Caller caller(
        [&](const std::string& body) {
          ++sent_;
          EXPECT_EQ(body, query_.body());
          auto answer = answers.front();
          if (answers.size() > 1) answers.pop_front();
          return answer;
        },
        [&](Duration delay) { slept_ += delay; }, random_);
    return caller.call(query_, repeat);
  }

  SeededRandom random_{7};
  Ec2Query query_{"DescribeInstances"};
  int sent_ = 0;
  Duration slept_{0};
};

TEST_F(Ec2CallerTest, Throttled_IsRepeated_AlsoWhereRepeatingIsNotSafe) {
  EXPECT_EQ(call({throttled(), throttled(), fine()}, Repeat::OnlyIfNotDoneYet).value(), "<ok/>");
  EXPECT_EQ(sent_, 3);
  EXPECT_GE(slept_, std::chrono::milliseconds(300));
}

TEST_F(Ec2CallerTest, BrokenOff_IsRepeated_OnlyWhereThatIsSafe) {
  EXPECT_TRUE(call({broken_off(), fine()}, Repeat::Safe));
  EXPECT_EQ(call({broken_off(), fine()}, Repeat::OnlyIfNotDoneYet).error().code, Code::Unreachable);
  EXPECT_EQ(sent_, 1);
}

TEST_F(Ec2CallerTest, ARefusal_IsNotRepeated) {
  EXPECT_EQ(call({wrong(), fine()}, Repeat::Safe).error().code, Code::NotFound);
  EXPECT_EQ(sent_, 1);
  EXPECT_EQ(slept_, Duration{0});
}

TEST_F(Ec2CallerTest, AnEndpointThatStaysAway_IsGivenUpAfterAboutTenSeconds) {
  const auto answer = call({broken_off()}, Repeat::Safe);
  EXPECT_EQ(answer.error().code, Code::Unreachable);
  EXPECT_EQ(sent_, 7);
  EXPECT_GE(slept_, std::chrono::milliseconds(4700));
  EXPECT_LE(slept_, std::chrono::milliseconds(9400));
}

}  // namespace
}  // namespace slipway::cloud
