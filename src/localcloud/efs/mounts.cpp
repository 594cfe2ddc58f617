#include "localcloud/efs/mounts.hpp"

#include "base/units.hpp"
#include "localcloud/security_policy.hpp"

namespace slipway::localcloud {
namespace {

/// A mount request is refused in the words of Slipway's errors: who reads them is a person at a terminal of the guest.
template <typename T>
Result<T> as_input(Ec2Result<T> read) {
  if (!read) return fail(Code::InvalidInput, "{}", read.error().message);
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return *std::move(read);
  }
}

/// "/a/b" and "/": relative to the root of the file system.
Result<std::string> read_directory(const Parameters& form) {
  auto path = form.text("directory").value_or("");
  while (path.starts_with('/')) path.erase(0, 1);
  while (path.ends_with('/')) path.pop_back();
  if (!path.empty()) SLIPWAY_TRY(check_relative_path(path));
  return path;
}

Result<std::int64_t> read_quota(const Parameters& form) {
  const auto text = form.text("quota").value_or("");
  if (text.empty()) return 0;
  SLIPWAY_ASSIGN(const auto bytes, parse_bytes(text));
  if (bytes < kLeastQuotaBytes) {
    return fail(Code::InvalidInput, "quota {} is below {}", text, format_bytes(kLeastQuotaBytes));
  }
  return bytes;
}

MountAnswer answer_of(const Result<void>& outcome) {
  if (outcome) return {};
  return {.status = http_status(outcome.error().code), .text = outcome.error().text() + "\n"};
}

}  // namespace

Result<FileSystemMount> parse_mount_request(std::string_view text) {
  SLIPWAY_ASSIGN(const auto query, as_input(Query::parse(text)));
  const auto form = query.top();
  FileSystemMount mount;
  SLIPWAY_ASSIGN(mount.file_system_id, as_input(form.required("file_system")));
  if (!is_ec2_id(mount.file_system_id, "fs")) {
    return fail(Code::InvalidInput, "'{}' is no id of a file system", mount.file_system_id);
  }
  SLIPWAY_ASSIGN(mount.directory.path, read_directory(form));
  SLIPWAY_ASSIGN(mount.directory.create, as_input(form.boolean("create", false)));
  SLIPWAY_ASSIGN(mount.directory.quota_bytes, read_quota(form));
  SLIPWAY_ASSIGN(mount.guest.target, as_input(form.required("target")));
  SLIPWAY_ASSIGN(mount.guest.read_only, as_input(form.boolean("read_only", false)));
  SLIPWAY_ASSIGN(mount.guest.no_exec, as_input(form.boolean("no_exec", false)));
  SLIPWAY_ASSIGN(mount.guest.proof_file, as_input(form.required("proof")));
  SLIPWAY_TRY(as_input(query.check_all_used()));
  mount.guest.proof = text;
  return mount;
}

Result<void> admit(const Inventory& inventory, const Instance& instance, const std::string& file_system_id) {
  const auto* system = inventory.file_system(file_system_id);
  if (system == nullptr || system->state != "available") {
    return fail(Code::NotFound, "file system {} does not exist", file_system_id);
  }
  const auto* target = inventory.mount_target_of(file_system_id);
  if (target == nullptr || target->state != "available") {
    return fail(Error{.code = Code::NotFound,
                      .message = fmt::format("file system {} has no mount target", file_system_id),
                      .fix = "make one with CreateMountTarget",
                      .context = {}});
  }
  SLIPWAY_ASSIGN(const Ipv4 address, Ipv4::parse(instance.private_ip));
  const auto policy = security_policy(inventory);
  for (const auto& id : target->group_ids) {
    const auto group = policy.groups.find(id);
    const bool known = group != policy.groups.end();
    if (known && lets_in(group->second, IpProtocol::Tcp, kNfsPort, address, instance.group_ids)) return {};
  }
  return fail(Error{.code = Code::Denied,
                    .message = fmt::format("no security group of mount target {} lets TCP {} in from {}", target->id,
                                           kNfsPort, instance.id),
                    .fix = "authorize it with AuthorizeSecurityGroupIngress",
                    .context = {}});
}

Result<FileSystemMount> Mounts::prepare(const Instance& instance, const std::string& body) const {
  SLIPWAY_ASSIGN(auto mount, parse_mount_request(body));
  SLIPWAY_TRY(admit(parts_.inventory, instance, mount.file_system_id));
  mount.guest.instance_id = instance.id;
  SLIPWAY_ASSIGN(mount.guest.address, Ipv4::parse(instance.private_ip));
  return mount;
}

/// What was permitted when it began may be so no more.
Result<void> Mounts::finish(const FileSystemMount& mount, const Result<void>& outcome) const {
  if (!outcome) return outcome;
  const auto* instance = parts_.inventory.instance(mount.guest.instance_id);
  if (instance == nullptr) return fail(Code::NotFound, "{} is gone", mount.guest.instance_id);
  auto admitted = admit(parts_.inventory, *instance, mount.file_system_id);
  if (!admitted) parts_.storage.detach(mount.file_system_id, mount.guest.instance_id);
  return admitted;
}

void Mounts::handle(const ImdsRequest& request, const std::string& body, std::string_view peer_address,
                    std::function<void(MountAnswer)> done) {
  const auto asker = parts_.imds.identify(request, peer_address);
  if (!asker) return done({.status = asker.error().status, .text = "no valid metadata token of an instance\n"});
  if (request.method != "PUT") return done({.status = 405, .text = "use PUT\n"});
  auto prepared = prepare(**asker, body);
  if (!prepared) return done(answer_of(fail(prepared.error())));
  const std::string id = (*asker)->id;
  auto& jobs = jobs_[id];
  if (jobs.size() >= kMostWaiting) return done({.status = 503, .text = "too many mounts wait; try again\n"});
  jobs.push_back(std::make_shared<Job>(Job{*std::move(prepared), {}, std::move(done)}));
  if (jobs.size() == 1) start(id);
}

void Mounts::start(const std::string& instance_id) {
  const auto job = jobs_.at(instance_id).front();
  parts_.offload([&machines = parts_.machines, job] { job->outcome = machines.mount_file_system(job->mount); },
                 [this, job, instance_id] {
                   job->done(answer_of(finish(job->mount, job->outcome)));
                   auto& jobs = jobs_.at(instance_id);
                   jobs.pop_front();
                   if (!jobs.empty()) return start(instance_id);
                   jobs_.erase(instance_id);
                 });
}

}  // namespace slipway::localcloud
