#include "agent/homes/mount_command.hpp"

#include <fmt/format.h>

#include "base/digest.hpp"

namespace slipway::agent {

std::string file_system_key(const model::HomeMount& home) {
  return fmt::format("{} {} {}", model::home_kind_name(home.kind), home.source, home.options);
}

std::string file_system_point(const std::string& directory, const model::HomeMount& home) {
  if (home.kind == model::HomeKind::Directory) return home.source;
  return directory + "/" + sha256_hex(file_system_key(home)).substr(0, 16);
}

Argv mount_file_system(const model::HomeMount& home, const std::string& point) {
  const std::string more = home.options.empty() ? "" : "," + home.options;
  switch (home.kind) {
    case model::HomeKind::Efs:
      return {"mount", "-t", "efs", "-o", "nosuid,nodev" + more, home.source + ":/", point};
    case model::HomeKind::Nfs:
      return {"mount", "-t", "nfs", "-o", kNfsOptions + more, home.source, point};
    case model::HomeKind::Directory:
      return {};
  }
  return {};
}

Argv make_with_quota(const model::HomeMount& home, const std::string& point) {
  if (home.kind != model::HomeKind::Efs || home.quota_bytes <= 0) return {};
  constexpr std::int64_t kMiB = 1 << 20;
  const auto mebibytes = (home.quota_bytes + kMiB - 1) / kMiB;
  return {"mount", "-t", "efs", "-o", fmt::format("create,quota={}MiB", mebibytes), home.source + ":/" + home.name,
          point};
}

Argv make_directory(const std::string& path, unsigned uid) {
  const std::string owner = std::to_string(uid);
  return {"install", "-d", "-m", "0700", "-o", owner, "-g", owner, "--", path};
}

Argv give_directory(const std::string& path, unsigned uid) {
  return {"chown", "-R", "-h", fmt::format("{}:{}", uid, uid), "--", path};
}

Argv bind_mount(const std::string& from, const std::string& target) { return {"mount", "--bind", from, target}; }
Argv harden_mount(const std::string& target) { return {"mount", "-o", "remount,bind,nosuid,nodev", target}; }
Argv share_mount(const std::string& target) { return {"mount", "--make-shared", target}; }
Argv unmount(const std::string& target, bool lazy) {
  return lazy ? Argv{"umount", "-l", target} : Argv{"umount", target};
}

}  // namespace slipway::agent
