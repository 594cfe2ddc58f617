// Admin: the JSON interface on the cloud's Unix socket, for `slipway cloud …` and `slipway dev`. Who may open the
// socket (0600) may use it.
//
//   GET  /v1/status      what runs
//   GET  /v1/leftovers   {"items": [{"kind", "name", "detail"}]}
//   POST /v1/bases       {"name": "debian-12"} → JSON lines, see BaseBuilds
//   POST /v1/stop-all    → JSON lines {"stopping": n}, at last {"done": true}
//
// Loop's thread. Owner: CloudService.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "localcloud/cloud_core.hpp"
#include "localcloud/machines/leftovers.hpp"
#include "net/http_server.hpp"
#include "runtime/loop.hpp"

namespace slipway::localcloud {

class Admin {
 public:
  struct Parts {
    runtime::Loop& loop;
    CloudCore& core;
    Site site;
    Offload offload;
    /// Blocking; called on a machine thread with the instances that are in use.
    std::function<Result<std::vector<Leftover>>(const InUse&)> find_leftovers;
  };
  explicit Admin(Parts parts) : parts_(std::move(parts)) {}
  void serve(const std::shared_ptr<net::Exchange>& exchange);

 private:
  void status(net::Exchange& exchange) const;
  void leftovers(const std::shared_ptr<net::Exchange>& exchange) const;
  void base(const std::shared_ptr<net::Exchange>& exchange);
  void stop_all(const std::shared_ptr<net::Exchange>& exchange);
  Parts parts_;
};

/// Instances that have a machine now or are getting one.
InUse in_use(const Inventory& inventory);

}  // namespace slipway::localcloud
