// The mount helper of an instance: /usr/sbin/mount.efs, which mount(8) calls for `mount -t efs` and for lines of
// /etc/fstab. A POSIX shell script that asks the metadata service; what it says and hears is in efs/README.md. Pure.
#pragma once
#include <string_view>

namespace slipway::localcloud {

inline constexpr std::string_view kMountHelperPath = "/usr/sbin/mount.efs";
std::string_view mount_helper();

}  // namespace slipway::localcloud
