// Dnsmasq: the router's DHCP and DNS server, a daemon that outlives us. Blocking; one thread at a time.
#pragma once
#include <sys/types.h>

#include <string>

#include "base/result.hpp"
#include "localcloud/machines/router_network.hpp"

namespace slipway::localcloud {

class Dnsmasq {
 public:
  /// Its pid file and the guests' entries lie in /run/slipway/<id>, where its own user can read them.
  explicit Dnsmasq(Identity identity);

  /// Starts it in the router's namespace unless it runs.
  Result<void> ensure_running();
  Result<void> add(const GuestPort& port);
  Result<void> remove(const std::string& instance_id);
  /// What add() was told about the instance, also by an earlier process; NotFound.
  [[nodiscard]] Result<GuestPort> find(const std::string& instance_id) const;
  /// Ends it and removes its files. Repeatable.
  Result<void> stop();

 private:
  /// 0 if it does not run.
  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] std::string entry(const std::string& instance_id) const { return directory_ + "/hosts/" + instance_id; }

  const Identity identity_;
  const std::string directory_;
};

}  // namespace slipway::localcloud
