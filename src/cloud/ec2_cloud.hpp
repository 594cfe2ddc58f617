// Ec2Cloud: the EC2 Query API (2016-11-15) through libcurl, signed with its SigV4. Against AWS or any endpoint that
// speaks it.
#pragma once
#include <memory>
#include <string>

#include "cloud/cloud.hpp"

namespace slipway::cloud {

struct Ec2Options {
  std::string endpoint;  ///< "http://127.0.0.1:8771"; empty: AWS of the region
  std::string region = "local-1";
  std::string access_key_id;
  std::string secret_access_key;  ///< secret
  std::string session_token;      ///< secret; may be empty
};

/// Throttled and unreachable calls are repeated with back-off up to about 10 s where repeating is safe (client tokens
/// make launches safe).
std::unique_ptr<Cloud> make_ec2_cloud(Ec2Options options);

}  // namespace slipway::cloud
