// Identity: who this agent is to its controller, kept across restarts in a file of mode 0600. Blocking.
#pragma once
#include <optional>
#include <string>

#include "agent/state_paths.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::agent {

struct Identity {
  std::string instance_id;  ///< the instance that joined; empty for a machine that joined by hand
  std::string host;         ///< id the controller gave
  std::string controller;   ///< "host:port"
  std::string fingerprint;
  std::string credential;  ///< secret
};

/// Nothing if it never joined.
Result<std::optional<Identity>> load_identity(const std::string& path);
/// Durable when it returns.
Result<void> store_identity(const std::string& path, const Identity& identity);

/// The state directory of this start: made if needed, and locked, so that there is one agent for it.
class StateDirectory {
 public:
  /// Conflict if another agent holds it.
  static Result<StateDirectory> open(const std::string& root);
  [[nodiscard]] const StatePaths& paths() const { return paths_; }
  /// Names this agent on its containers' labels; made at the first start.
  Result<std::string> agent_id(RandomSource& random) const;
  /// The machine is a copy of the one that wrote this: everything goes but the lock.
  Result<void> discard_everything() const;
  /// A cache that was written in another boot may hold files that a power cut emptied.
  Result<void> drop_stale_cache(const std::string& boot_id) const;

 private:
  StateDirectory(StatePaths paths, runtime::Fd lock) : paths_(std::move(paths)), lock_(std::move(lock)) {}
  StatePaths paths_;
  runtime::Fd lock_;
};

}  // namespace slipway::agent
