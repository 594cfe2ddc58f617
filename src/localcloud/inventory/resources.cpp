#include "localcloud/inventory/resources.hpp"

#include <array>

#include "base/digest.hpp"

namespace slipway::localcloud {
namespace {

constexpr std::array<std::pair<InstanceState, std::string_view>, 6> kStates{{
    {InstanceState::Pending, "pending"},
    {InstanceState::Running, "running"},
    {InstanceState::ShuttingDown, "shutting-down"},
    {InstanceState::Terminated, "terminated"},
    {InstanceState::Stopping, "stopping"},
    {InstanceState::Stopped, "stopped"},
}};

}  // namespace

std::string_view state_name(InstanceState state) {
  for (const auto& [value, name] : kStates) {
    if (value == state) return name;
  }
  return "unknown";
}

std::optional<InstanceState> state_from_name(std::string_view name) {
  for (const auto& [value, text] : kStates) {
    if (text == name) return value;
  }
  return std::nullopt;
}

std::string make_ec2_id(std::string_view prefix, RandomSource& random) {
  return fmt::format("{}-0{}", prefix, hex_encode(random.bytes(8)));
}

bool is_ec2_id(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix) || text.size() <= prefix.size() || text[prefix.size()] != '-') return false;
  const auto digits = text.substr(prefix.size() + 1);
  return (digits.size() == 8 || digits.size() == 17) &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace slipway::localcloud
