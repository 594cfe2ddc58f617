// HomeDisk: the mounts themselves, one step after the other, each within a deadline. Knows no loop. Blocking; one
// thread.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/homes/mount_command.hpp"
#include "agent/services/mounts.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::agent {

class HomeDisk {
 public:
  struct Options {
    std::string directory;                         ///< file systems are mounted below it
    Duration deadline = std::chrono::seconds(15);  ///< of one step: a mount over a slow line, and no dead server's wait
    /// For tests; empty: programs of this machine, and its table of mounts.
    std::function<Result<void>(const Argv&, Duration)> run;
    std::function<std::vector<Mount>()> mounts;
  };
  explicit HomeDisk(Options options);

  /// The person's directory, made if need be and given to `uid`, on its file system, mounted if need be. After a
  /// failure of the same file system a moment ago it is not tried again but fails the same way, so that many do not
  /// wait one after the other.
  Result<std::string> open(const model::HomeMount& home, unsigned uid);
  /// open(), and it is seen at `target`, an empty directory. May be repeated.
  Result<void> attach(const model::HomeMount& home, const std::string& target, unsigned uid);
  /// Lets what is mounted on `target` later be seen by whoever has it bound. May be repeated.
  Result<void> share(const std::string& target);
  /// Nothing is mounted on or below `target` afterwards, at the worst lazily.
  Result<void> detach(const std::string& target);
  /// Unmounts the file systems that hold none of these homes.
  void release_all_but(const std::vector<model::HomeMount>& homes);

 private:
  Result<void> run(const Argv& argv) const;
  [[nodiscard]] bool is_mounted(const std::string& point) const;
  Result<void> mount_once(const model::HomeMount& home, const std::string& point);
  Result<void> make_home(const model::HomeMount& home, const std::string& path, unsigned uid);

  Options options_;
  struct Failure {
    std::chrono::steady_clock::time_point at;
    Error error;
  };
  std::map<std::string, Failure> failures_;  ///< by key of the file system
};

/// Removes the tree of an allocation, and never what is mounted in it: that is unmounted before. Conflict if it cannot
/// be.
Result<void> remove_allocation_tree(const std::string& directory);

}  // namespace slipway::agent
