// HomeMount: where the files of a person lie. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace slipway::model {

enum class HomeKind {
  Efs,        ///< `source` is a file system's id; the mount helper `mount.efs` finds the way
  Nfs,        ///< `source` is "server:/export"
  Directory,  ///< `source` is a directory of every host, mounted there by somebody else
};
std::string_view home_kind_name(HomeKind kind);  ///< "efs", "nfs", "directory"
Result<HomeKind> home_kind_from_name(std::string_view name);

/// The home of one person on a file system that every host can reach.
struct HomeMount {
  HomeKind kind = HomeKind::Directory;
  std::string source;
  std::string options;           ///< of an Nfs mount, beyond what the agent chooses; empty mostly
  std::string name;              ///< of the directory in it: the id of its owner
  std::int64_t quota_bytes = 0;  ///< 0: none
  bool operator==(const HomeMount&) const = default;
};

/// Where homes lie, as it is written in options: "efs:fs-…", "nfs:server:/export[:options]", "directory:/path". The
/// result has no name and no quota. InvalidInput with what is wrong.
Result<HomeMount> parse_homes(std::string_view text);

}  // namespace slipway::model
