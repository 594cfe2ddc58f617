#include "cloud/ec2_errors.hpp"

#include <gtest/gtest.h>

namespace slipway::cloud {
namespace {

TEST(Ec2Errors, KnownCodes_HaveTheirClass) {
  EXPECT_EQ(code_of_ec2("InvalidInstanceID.NotFound", 400), Code::NotFound);
  EXPECT_EQ(code_of_ec2("InvalidAMIID.NotFound", 400), Code::NotFound);
  EXPECT_EQ(code_of_ec2("InvalidAMIID.Malformed", 400), Code::InvalidInput);
  EXPECT_EQ(code_of_ec2("InvalidParameterValue", 400), Code::InvalidInput);
  EXPECT_EQ(code_of_ec2("MissingParameter", 400), Code::InvalidInput);
  EXPECT_EQ(code_of_ec2("IncorrectInstanceState", 400), Code::Conflict);
  EXPECT_EQ(code_of_ec2("InvalidKeyPair.Duplicate", 400), Code::Conflict);
  EXPECT_EQ(code_of_ec2("InvalidGroup.InUse", 400), Code::Conflict);
  EXPECT_EQ(code_of_ec2("DependencyViolation", 400), Code::Conflict);
  EXPECT_EQ(code_of_ec2("UnauthorizedOperation", 403), Code::Denied);
  EXPECT_EQ(code_of_ec2("AuthFailure", 401), Code::Unauthenticated);
  EXPECT_EQ(code_of_ec2("SignatureDoesNotMatch", 403), Code::Unauthenticated);
  EXPECT_EQ(code_of_ec2("RequestLimitExceeded", 503), Code::Throttled);
  EXPECT_EQ(code_of_ec2("VcpuLimitExceeded", 400), Code::Exhausted);
  EXPECT_EQ(code_of_ec2("InsufficientInstanceCapacity", 500), Code::Exhausted);
  EXPECT_EQ(code_of_ec2("InternalError", 500), Code::Unavailable);
  EXPECT_EQ(code_of_ec2("InvalidAction", 400), Code::Unsupported);
}

TEST(Ec2Errors, UnknownCodes_AreJudgedByTheirStatus) {
  EXPECT_EQ(code_of_ec2("SomethingNew", 500), Code::Unavailable);
  EXPECT_EQ(code_of_ec2("SomethingNew", 403), Code::Denied);
  EXPECT_EQ(code_of_ec2("SomethingNew", 400), Code::InvalidInput);
  EXPECT_EQ(code_of_ec2("", 429), Code::Throttled);
}

TEST(Ec2Errors, Fixes_SayWhatToDo) {
  EXPECT_FALSE(fix_of_ec2("AuthFailure").empty());
  EXPECT_FALSE(fix_of_ec2("InstanceLimitExceeded").empty());
  EXPECT_TRUE(fix_of_ec2("SomethingNew").empty());
}

}  // namespace
}  // namespace slipway::cloud
