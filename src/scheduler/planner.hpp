// Planner: which queued job starts on which host. Pure: a snapshot in, a plan out; the caller checks the plan against
// current state before it commits it. First fit on CPU and memory; oldest job first; a job that fits nowhere does not
// hold up the ones behind it. Any thread.
#pragma once
#include <string>
#include <vector>

#include "model/host.hpp"
#include "model/job.hpp"

namespace slipway::scheduler {

struct HostView {
  HostId id;
  std::string label;  ///< for reasons: host name, else id
  model::HostState state = model::HostState::Pending;
  bool connected = false;  ///< its agent is connected and its inventory is known: orders reach it
  std::string pool;        ///< name; empty for a machine that joined by hand
  model::Resources capacity;
  model::Resources free;
  std::vector<std::string> container_images;  ///< sorted
  bool runs_services = false;                 ///< its agent can run the app of a session
};

struct JobView {
  JobId id;
  std::string container_image;  ///< empty: it runs on the host itself
  model::Resources resources;
  std::string pool;                   ///< name; empty: any host
  bool service = false;               ///< carries a session
  std::vector<HostId> refused_hosts;  ///< hosts that refused it a moment ago; usually empty
};

struct Snapshot {
  std::vector<HostView> hosts;          ///< in the order in which they are tried
  std::vector<JobView> jobs;            ///< oldest first
  std::vector<std::string> pool_names;  ///< pools that exist, sorted
};

struct Placement {
  JobId job;
  HostId host;
  bool operator==(const Placement&) const = default;
};
struct Waiting {
  JobId job;
  std::string reason;  ///< for people: "needs 8 CPU; the largest free host has 2"
};
struct Plan {
  std::vector<Placement> placements;  ///< in the order of the jobs
  std::vector<Waiting> waiting;       ///< every job that got no host, in the order of the jobs
};

/// Never gives a host more than it has free. Jobs of one shape (same needs) cost one search once one of them failed.
Plan plan(const Snapshot& snapshot);

}  // namespace slipway::scheduler
