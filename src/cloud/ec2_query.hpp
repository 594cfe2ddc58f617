// Ec2Query: one call of the EC2 Query API as a form body. Pure. Private to cloud_ec2.
#pragma once
#include <string>
#include <string_view>

#include "cloud/cloud.hpp"

namespace slipway::cloud {

/// EC2's names of the filters that Filter stands for; they differ from one describe action to the other.
struct FilterNames {
  std::string_view id;
  std::string_view name;
};

class Ec2Query {
 public:
  /// Version 2016-11-15.
  explicit Ec2Query(std::string action);
  Ec2Query& add(std::string_view name, std::string_view value);
  /// Filter.N.Name and Filter.N.Value.M.
  Ec2Query& add_filter(const Filter& filter, const FilterNames& names);
  /// TagSpecification.<index>; nothing if there are no tags. `index` from 1.
  Ec2Query& add_tag_specification(int index, std::string_view resource_type, const Tags& tags);
  [[nodiscard]] const std::string& action() const { return action_; }
  [[nodiscard]] const std::string& body() const { return body_; }

 private:
  std::string action_;
  std::string body_;
};

}  // namespace slipway::cloud
