#include "cloud/ec2_query.hpp"

#include <fmt/format.h>

#include "net/http.hpp"

namespace slipway::cloud {

Ec2Query::Ec2Query(std::string action) : action_(std::move(action)) {
  body_ = "Action=" + net::encode_component(action_) + "&Version=2016-11-15";
}

Ec2Query& Ec2Query::add(std::string_view name, std::string_view value) {
  body_ += "&" + net::encode_component(name) + "=" + net::encode_component(value);
  return *this;
}

Ec2Query& Ec2Query::add_filter(const Filter& filter, const FilterNames& names) {
  int index = 0;
  const auto add_values = [&](std::string_view name, const auto& values) {
    if (values.empty()) return;
    add(fmt::format("Filter.{}.Name", ++index), name);
    int value_index = 0;
    for (const auto& value : values) add(fmt::format("Filter.{}.Value.{}", index, ++value_index), value);
  };
  add_values(names.id, filter.ids);
  if (!filter.name.empty()) add_values(names.name, std::vector<std::string>{filter.name});
  for (const auto& [key, value] : filter.tags) add_values("tag:" + key, std::vector<std::string>{value});
  add_values("tag-key", filter.tag_keys);
  std::vector<std::string_view> states;
  for (const InstanceState state : filter.states) states.push_back(instance_state_name(state));
  add_values("instance-state-name", states);
  return *this;
}

Ec2Query& Ec2Query::add_tag_specification(int index, std::string_view resource_type, const Tags& tags) {
  if (tags.empty()) return *this;
  const std::string prefix = fmt::format("TagSpecification.{}.", index);
  add(prefix + "ResourceType", resource_type);
  int tag_index = 0;
  for (const auto& [key, value] : tags) {
    add(fmt::format("{}Tag.{}.Key", prefix, ++tag_index), key);
    add(fmt::format("{}Tag.{}.Value", prefix, tag_index), value);
  }
  return *this;
}

}  // namespace slipway::cloud
