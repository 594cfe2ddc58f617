// The files that make a Debian tree an instance of the local cloud: network by DHCP, one host key made at the first
// boot and printed on the console, the key pair of the instance for user `admin`, a short cloud-init. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace slipway::localcloud {

struct BaseFile {
  std::string path;  ///< absolute, inside the tree
  std::string content;
  unsigned mode = 0644;
};

std::vector<BaseFile> base_files(bool cloud_init);
std::vector<std::string> base_packages(bool cloud_init);
/// Units to enable, and units that only cost time in a guest.
std::vector<std::string> units_to_enable();
std::vector<std::string> units_to_mask(bool cloud_init);

/// What of `apt-config dump` a guest needs to reach the same archive: proxies and relaxed checks. A proxy on a loopback
/// address is left out, since a guest cannot reach it.
std::string apt_options_for_guests(std::string_view apt_config_dump);
/// True if an apt sources file names Debian's own archive for this suite.
bool is_debian_source(std::string_view content, std::string_view suite);

}  // namespace slipway::localcloud
