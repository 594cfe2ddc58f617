// The instance types that the local cloud offers: EC2's names and sizes. Pure.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace slipway::localcloud {

struct InstanceType {
  std::string_view name;
  int cpus = 0;
  std::int64_t memory_bytes = 0;
};

/// Null for a type that is not offered.
const InstanceType* find_instance_type(std::string_view name);
/// "t3.nano, t3.micro, …": for messages.
std::string instance_type_names();
std::span<const InstanceType> instance_types();

}  // namespace slipway::localcloud
