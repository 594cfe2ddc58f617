#include "base/digest.hpp"
#include "localcloud/cloud_core.hpp"

namespace slipway::localcloud {
namespace {

/// `count` characters of an alphabet; a small bias does no harm at these lengths.
std::string pick(std::string_view alphabet, std::size_t count, RandomSource& random) {
  std::string text;
  for (const char byte : random.bytes(count)) text += alphabet[static_cast<unsigned char>(byte) % alphabet.size()];
  return text;
}

GroupRule rule(RandomSource& random) {
  return GroupRule{.id = make_ec2_id("sgr", random),
                   .protocol = "-1",
                   .from_port = -1,
                   .to_port = -1,
                   .cidr = {},
                   .source_group_id = {},
                   .description = {}};
}

/// As EC2's: members reach each other. Beyond it, SSH from the outer end of the cloud's own network, so that an
/// instance launched without a group can be reached from the machine that it runs on, and from nowhere else.
Group default_group(const Site& site, RandomSource& random) {
  Group group{.id = make_ec2_id("sg", random),
              .name = "default",
              .description = "default VPC security group",
              .ingress = {},
              .tags = {}};
  auto members = rule(random);
  members.source_group_id = group.id;
  group.ingress.push_back(std::move(members));
  if (!site.outside_address.empty()) {
    auto ssh = rule(random);
    ssh.protocol = "tcp";
    ssh.from_port = 22;
    ssh.to_port = 22;
    ssh.cidr = site.outside_address + "/32";
    ssh.description = "SSH from the machine that holds the cloud";
    group.ingress.push_back(std::move(ssh));
  }
  return group;
}

}  // namespace

Changes first_start(const Site& site, RandomSource& random) {
  constexpr std::string_view kKeyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr std::string_view kDigits = "0123456789";
  Settings settings;
  settings.account_id = "1" + pick(kDigits, 11, random);
  settings.vpc_id = make_ec2_id("vpc", random);
  settings.subnet_id = make_ec2_id("subnet", random);
  settings.access_key_id = "AKIA" + pick(kKeyAlphabet, 16, random);
  settings.secret_access_key = base64_encode(random.bytes(30));  // 40 characters, as AWS's
  settings.metadata_key = base64_encode(random.bytes(32));
  Changes changes{.command = "FirstStart", .put = {}, .remove = {}};
  changes.put.emplace_back(std::move(settings));
  changes.put.emplace_back(default_group(site, random));
  return changes;
}

}  // namespace slipway::localcloud
