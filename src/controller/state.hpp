// Volatile: what the controller knows only while it runs (connections, last words, calls under way) and learns anew
// after a restart. Step: one turn of the core: changes rows in the tables and writes down the change sets and actions
// that the runner then makes durable and performs. Control thread.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/events.hpp"
#include "controller/options.hpp"
#include "controller/tables.hpp"
#include "wire/records.hpp"
#include "wire/workshops.hpp"

namespace slipway::controller {

/// An agent that is connected.
struct Connection {
  ConnectionId connection = 0;
  HostId host;
  bool heard = false;      ///< something came after our Welcome: the agent has its credential
  bool inventory = false;  ///< it has told what it holds: orders may go
};

struct HostVolatile {
  std::optional<ConnectionId> connection;
  SteadyTime last_heard;  ///< what silence is measured from
  bool watched = false;   ///< last_heard is set
  bool launch_under_way = false;
  SteadyTime next_launch;       ///< not before
  SteadyTime join_counts_from;  ///< RunInstances' answer, or our start
  bool terminate_under_way = false;
  SteadyTime next_terminate;
  SteadyTime changed_at;              ///< launch answered, or our start: an older listing says nothing about absence
  std::set<AllocationId> superseded;  ///< reported alive although no longer wanted; they hold room until they end
};

struct PoolVolatile {
  int failures = 0;  ///< in a row: launches refused, hosts that never joined
  SteadyTime next_launch;
};

/// What the agent says of a session's app.
struct ServiceVolatile {
  bool ready = false;
  bool claimed = false;
  std::string waiting_for;
  std::int64_t cpu_millis = 0;
  SteadyTime cpu_told_at;
};

struct AllocationVolatile {
  std::optional<ServiceVolatile> service;        ///< nothing before the first report
  std::optional<wire::AllocationReport> ending;  ///< a terminal report that waits for its log bytes and artifacts
  bool artifacts_asked = false;
  bool artifacts_checked = false;
  std::vector<std::string> artifacts_missing;
  std::int64_t stdout_durable = -1;
  std::int64_t stderr_durable = -1;
};

struct SessionVolatile {
  int connections = 0;                   ///< that people hold open
  std::optional<SteadyTime> quiet_from;  ///< nothing was in use since; nothing: not looked at yet
  bool warned = false;                   ///< those who follow were told of the countdown
};

/// Of one app that is kept ready in one pool.
struct WarmVolatile {
  std::set<JobId> kept;  ///< as of the last look
  int failures = 0;      ///< in a row: ended by themselves before anybody claimed them
  SteadyTime next_start;
  std::string reason;  ///< why there are fewer than wanted, for people
};
using WarmKey = std::pair<PoolId, std::string>;  ///< pool and name of the app

struct Volatile {
  std::map<ConnectionId, Connection> connections;
  std::map<HostId, HostVolatile> hosts;
  std::map<PoolId, PoolVolatile> pools;
  std::map<AllocationId, AllocationVolatile> allocations;
  std::map<WarmKey, WarmVolatile> warm;
  std::map<SessionId, SessionVolatile> sessions;            ///< that have not ended
  std::map<std::pair<JobId, HostId>, SteadyTime> refusals;  ///< until when
  std::optional<BakeId> running_bake;
  SteadyTime last_tick;
  SteadyTime started_at;
  bool placement_due = true;
  bool pools_due = true;
  bool warm_due = true;
  bool home_tasks_due = true;
};

struct Outcome {
  std::vector<store::ChangeSet> sets;
  std::vector<Action> actions;
};

inline boost::json::value row_body_of(const IdempotencyRecord& record) { return row_body(record); }
template <typename T>
boost::json::value row_body_of(const T& row) {
  return wire::store_json(row);
}
inline const std::string& id_text(const std::string& id) { return id; }
template <typename Tag>
const std::string& id_text(const Id<Tag>& id) {
  return id.text();
}

class Step {
 public:
  Step(Tables& all, Volatile& now_known, const CoreOptions& with, RandomSource& dice, Now at)
      : tables(all), known(now_known), options(with), random(dice), now(at) {}

  Tables& tables;
  Volatile& known;
  const CoreOptions& options;
  RandomSource& random;
  const Now now;

  /// Opens the change set of a named command. Every put() and erase() belongs to the one opened last.
  void begin(std::string command, const PrincipalId& principal, std::vector<std::string> objects,
             boost::json::object detail = {});
  /// Writes the row: next version, time of change; in the tables at once, durable with the commit.
  template <typename T>
  const T& put(T row) {
    row.meta.version += 1;
    row.meta.changed_at = now.wall;
    if (row.meta.version == 1) row.meta.created_at = now.wall;
    record(store::RowChange::Kind::Put, table_name<T>(), row);
    const auto id = row.id;
    table_of<T>(tables).put(std::move(row));
    const T& stored = table_of<T>(tables).at(id);
    tables.reindex(stored);
    return stored;
  }
  template <typename T>
  void erase(const T& row) {
    const T copy = row;
    record(store::RowChange::Kind::Delete, table_name<T>(), copy);
    table_of<T>(tables).erase(copy.id);
  }
  void act(Action action) { outcome.actions.push_back(std::move(action)); }
  /// To the host's agent, if it is connected and its inventory is known.
  void tell(const HostId& host, wire::ControllerMessage message);

  Outcome outcome;

 private:
  template <typename T>
  void record(store::RowChange::Kind kind, const char* table, const T& row) {
    store::RowChange change{.kind = kind,
                            .row = {.table = table,
                                    .id = id_text(row.id),
                                    .version = row.meta.version,
                                    .owner = row.meta.owner.text(),
                                    .project = row.meta.project.text(),
                                    .body = {}}};
    if (kind == store::RowChange::Kind::Put) change.row.body = row_body_of(row);
    add(std::move(change));
  }
  void add(store::RowChange change);
};

/// The reason of a queued job is computed, not stored: shown from the table, and told to those who follow.
void set_waiting_reason(Step& step, const JobId& job, const std::string& reason);

}  // namespace slipway::controller
