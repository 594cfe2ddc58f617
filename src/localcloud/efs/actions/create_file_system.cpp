#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {
namespace {

// EFS User Guide, "Quotas": file systems of an account in a region.
constexpr std::size_t kMostFileSystems = 1000;
constexpr std::size_t kLongestCreationToken = 64;
constexpr std::size_t kLongestName = 64;

EfsResult<std::string> read_mode(const EfsContext& context, const char* name,
                                 const std::vector<std::string_view>& permitted, std::string otherwise) {
  EC2_ASSIGN(auto value, context.request.body.text(name, kLongestName));
  if (!value) return otherwise;
  if (contains(permitted, std::string_view(*value))) return *std::move(value);
  return refuse_efs("BadRequest", "This cloud has no {} '{}', but: {}", name, *value, fmt::join(permitted, ", "));
}

/// What EFS has and this cloud has in one form only.
EfsResult<void> check_efs_options(const EfsContext& context) {
  const auto& body = context.request.body;
  EC2_ASSIGN(const bool encrypted, body.boolean("Encrypted", false));
  if (encrypted) return refuse_efs("BadRequest", "This cloud does not encrypt file systems");
  EC2_ASSIGN(const bool backup, body.boolean("Backup", false));
  if (backup) return refuse_efs("BadRequest", "This cloud makes no backups");
  return {};
}

EfsResult<std::string> read_zone(const EfsContext& context) {
  EC2_ASSIGN(const auto zone, context.request.body.text("AvailabilityZoneName", kLongestName));
  if (zone && *zone != context.site.zone) {
    return refuse_efs("UnsupportedAvailabilityZone", "There is no availability zone '{}': this cloud has {}", *zone,
                      context.site.zone);
  }
  return zone.value_or("");
}

/// A repetition learns the id of the one that its first attempt made.
EfsResult<void> check_token_is_new(const EfsContext& context, const std::string& token) {
  for (const auto& [id, system] : context.inventory.file_systems()) {
    if (system.creation_token != token) continue;
    auto refusal =
        refuse_efs("FileSystemAlreadyExists", "File system '{}' already exists with creation token '{}'", id, token);
    refusal.error().file_system_id = id;
    return refusal;
  }
  return {};
}

}  // namespace

EfsResult<EfsReply> create_file_system(const EfsContext& context) {
  const auto& body = context.request.body;
  FileSystem system;
  EC2_ASSIGN(system.creation_token, body.required("CreationToken", kLongestCreationToken));
  EC2_TRY(check_efs_options(context));
  EC2_ASSIGN(system.performance_mode,
             read_mode(context, "PerformanceMode", {"generalPurpose", "maxIO"}, "generalPurpose"));
  EC2_ASSIGN(system.throughput_mode, read_mode(context, "ThroughputMode", {"bursting", "elastic"}, "bursting"));
  EC2_ASSIGN(system.zone, read_zone(context));
  EC2_ASSIGN(auto tags, body.tags("Tags"));
  EC2_TRY(check_token_is_new(context, system.creation_token));
  if (context.inventory.file_systems().size() >= kMostFileSystems) {
    return refuse_efs("FileSystemLimitExceeded", "This account has {} file systems already", kMostFileSystems);
  }
  system.id = make_ec2_id("fs", context.random);
  system.created_at = context.now;
  system.tags = std::move(tags).value_or(Tags());
  auto described = describe(system, 0, context);
  return reply_with(std::move(described), "CreateFileSystem", std::move(system));
}

}  // namespace slipway::localcloud
