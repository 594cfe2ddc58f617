#include "localcloud/instance_types.hpp"

#include <array>

#include "base/units.hpp"

namespace slipway::localcloud {
namespace {

// Amazon EC2 instance types: vCPUs and memory of each.
constexpr std::array<InstanceType, 14> kTypes{{
    {"t3.nano", 2, kGiB / 2},
    {"t3.micro", 2, kGiB},
    {"t3.small", 2, 2 * kGiB},
    {"t3.medium", 2, 4 * kGiB},
    {"t3.large", 2, 8 * kGiB},
    {"t3.xlarge", 4, 16 * kGiB},
    {"t3.2xlarge", 8, 32 * kGiB},
    {"m5.large", 2, 8 * kGiB},
    {"m5.xlarge", 4, 16 * kGiB},
    {"m5.2xlarge", 8, 32 * kGiB},
    {"c5.large", 2, 4 * kGiB},
    {"c5.xlarge", 4, 8 * kGiB},
    {"r5.large", 2, 16 * kGiB},
    {"r5.xlarge", 4, 32 * kGiB},
}};

}  // namespace

const InstanceType* find_instance_type(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &InstanceType::name);
  return found == kTypes.end() ? nullptr : found;
}

std::string instance_type_names() {
  std::string names;
  for (const auto& type : kTypes) names += (names.empty() ? "" : ", ") + std::string(type.name);
  return names;
}

std::span<const InstanceType> instance_types() { return kTypes; }

}  // namespace slipway::localcloud
