// Answers of the EC2 Query API as values. Pure. What is not XML or lacks what it must have is Unavailable: the peer is
// no EC2, or broke off. Private to cloud_ec2.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cloud/cloud.hpp"

namespace slipway::cloud {

/// One page of a describe call.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_token;  ///< empty: the last page
};

Result<std::vector<Instance>> parse_launched(std::string_view xml);
Result<Page<Instance>> parse_instances(std::string_view xml);
Result<Page<Image>> parse_images(std::string_view xml);
Result<Page<KeyPair>> parse_key_pairs(std::string_view xml);
Result<Page<SecurityGroup>> parse_security_groups(std::string_view xml);
Result<Page<Volume>> parse_volumes(std::string_view xml);
Result<Page<Address>> parse_addresses(std::string_view xml);
Result<KeyPair> parse_created_key_pair(std::string_view xml);
/// Text of one element directly below the root, e.g. "imageId"; Unavailable if it is missing or empty.
Result<std::string> parse_element(std::string_view xml, const char* name);
/// The console's text of GetConsoleOutput, decoded; empty if there is none yet.
Result<std::string> parse_console(std::string_view xml);
/// The error that an answer with a status of 400 or more stands for.
Error parse_error(const std::string& action, int http_status, std::string_view body);

}  // namespace slipway::cloud
