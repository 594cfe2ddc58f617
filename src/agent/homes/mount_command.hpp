// What is run to bring homes onto a host: argument lists of mount(8) and install(1). Programs of their own, since one
// that hangs on a dead server can be killed. Pure.
#pragma once
#include <string>
#include <vector>

#include "model/home.hpp"

namespace slipway::agent {

using Argv = std::vector<std::string>;

/// Amazon EFS User Guide, "Recommended NFS mount options". `hard`: a server that is away for a while loses nothing.
inline constexpr const char* kNfsOptions =
    "vers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,nosuid,nodev";

/// Homes with the same key lie on one file system: "nfs server:/homes vers=3".
std::string file_system_key(const model::HomeMount& home);
/// Where it is mounted: a name below `directory` made from the key. A Directory is where it is.
std::string file_system_point(const std::string& directory, const model::HomeMount& home);
/// Mounts the whole file system on `point`. Empty for a Directory.
Argv mount_file_system(const model::HomeMount& home, const std::string& point);
/// Makes the person's directory with its quota by way of the mount helper, which mounts it on `point`. Empty where no
/// helper has quotas.
Argv make_with_quota(const model::HomeMount& home, const std::string& point);
/// Makes the person's directory, or sees to it that it is theirs alone.
Argv make_directory(const std::string& path, unsigned uid);
/// All in it becomes that user's: the one who had it last ran as another.
Argv give_directory(const std::string& path, unsigned uid);
Argv bind_mount(const std::string& from, const std::string& target);
/// Of a bind mount that is there: nothing on it is a device or lends rights.
Argv harden_mount(const std::string& target);
Argv share_mount(const std::string& target);
/// `lazy`: at once, and its files go when the last user closes them.
Argv unmount(const std::string& target, bool lazy);

}  // namespace slipway::agent
