// EC2's error codes as ours. Pure. Private to cloud_ec2.
#pragma once
#include <string_view>

#include "base/error.hpp"

namespace slipway::cloud {

/// Class of an EC2 error code ("InvalidInstanceID.NotFound") that came with an HTTP status. A code that is not known is
/// judged by its form and then by the status.
Code code_of_ec2(std::string_view ec2_code, int http_status);

/// What a person can do about it; may be empty.
std::string_view fix_of_ec2(std::string_view ec2_code);

}  // namespace slipway::cloud
