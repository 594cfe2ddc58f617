// The cloud contract against a served endpoint, with a real client: ec2_contract [gtest flags]. Environment:
// SLIPWAY_EC2_ENDPOINT, SLIPWAY_EC2_IMAGE, SLIPWAY_EC2_ACCESS_KEY, SLIPWAY_EC2_SECRET_KEY, SLIPWAY_EC2_REGION,
// SLIPWAY_EC2_TYPE; SLIPWAY_EC2_LENIENT=1 for a stand-in that does not keep
// EC2's rules.
#include <cstdlib>
#include <thread>

#include "cloud/cloud_contract.hpp"
#include "cloud/ec2_cloud.hpp"

namespace slipway::cloud {
namespace {

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

class ServedFixture final : public CloudFixture {
 public:
  Cloud& cloud() override { return *cloud_; }
  void wait_a_moment() override { std::this_thread::sleep_for(std::chrono::milliseconds(200)); }
  [[nodiscard]] std::string image_id() const override { return variable("SLIPWAY_EC2_IMAGE", ""); }
  [[nodiscard]] std::string instance_type() const override { return variable("SLIPWAY_EC2_TYPE", "t3.micro"); }
  [[nodiscard]] bool keeps_the_rules() const override { return variable("SLIPWAY_EC2_LENIENT", "").empty(); }

 private:
  std::unique_ptr<Cloud> cloud_ = make_ec2_cloud({.endpoint = variable("SLIPWAY_EC2_ENDPOINT", "http://127.0.0.1:1"),
                                                  .region = variable("SLIPWAY_EC2_REGION", "us-east-1"),
                                                  .access_key_id = variable("SLIPWAY_EC2_ACCESS_KEY", "test"),
                                                  .secret_access_key = variable("SLIPWAY_EC2_SECRET_KEY", "test"),
                                                  .session_token = {}});
};

INSTANTIATE_TEST_SUITE_P(Served, CloudContract,
                         testing::Values(CloudUnderTest{.name = "Served",
                                                        .make = [] { return std::make_unique<ServedFixture>(); }}),
                         cloud_name);

}  // namespace
}  // namespace slipway::cloud
