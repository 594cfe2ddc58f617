#include "localcloud/actions/action.hpp"

namespace slipway::localcloud {
namespace {

constexpr ActionEntry kActions[] = {
    {"AuthorizeSecurityGroupIngress", authorize_security_group_ingress},
    {"CreateImage", create_image},
    {"CreateKeyPair", create_key_pair},
    {"CreateSecurityGroup", create_security_group},
    {"CreateTags", create_tags},
    {"DeleteKeyPair", delete_key_pair},
    {"DeleteSecurityGroup", delete_security_group},
    {"DeregisterImage", deregister_image},
    {"DescribeImages", describe_images},
    {"DescribeInstances", describe_instances},
    {"DescribeKeyPairs", describe_key_pairs},
    {"DescribeRegions", describe_regions},
    {"DescribeSecurityGroups", describe_security_groups},
    {"DescribeSubnets", describe_subnets},
    {"DescribeVolumes", describe_volumes},
    {"GetConsoleOutput", get_console_output},
    {"ImportKeyPair", import_key_pair},
    {"RebootInstances", reboot_instances},
    {"RunInstances", run_instances},
    {"StartInstances", start_instances},
    {"StopInstances", stop_instances},
    {"TerminateInstances", terminate_instances},
};

}  // namespace

std::span<const ActionEntry> actions() { return kActions; }

const ActionEntry* find_action(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kActions, name, {}, &ActionEntry::name);
  return found != std::end(kActions) && found->name == name ? found : nullptr;
}

}  // namespace slipway::localcloud
