// Tables: every row that the controller knows, and the indexes over them. Loaded from the store at start; changed by
// Step only, which also writes the change down. Control thread.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "controller/table.hpp"
#include "model/home_task.hpp"
#include "model/host.hpp"
#include "model/image.hpp"
#include "model/job.hpp"
#include "model/principal.hpp"
#include "model/session.hpp"
#include "model/workshop.hpp"
#include "store/store.hpp"

namespace slipway::controller {

/// An accepted Idempotency-Key: a repeat gets the same job, another body is a conflict.
struct IdempotencyRecord {
  std::string id;  ///< SHA-256 of principal and key
  model::RecordMeta meta;
  JobId job;
  std::string request_sha256;
};

class Tables {
 public:
  Table<model::Job> jobs;
  Table<model::Allocation> allocations;
  Table<model::Host> hosts;
  Table<model::Pool> pools;
  Table<model::Image> images;
  Table<model::Bake> bakes;
  Table<model::Principal> principals;
  Table<model::Token> tokens;
  Table<model::Project> projects;
  Table<model::App> apps;  ///< one row a version
  Table<model::Session> sessions;
  Table<model::Link> links;
  Table<model::HomeTask> home_tasks;
  Table<model::Workshop> workshops;
  Table<model::Seat> seats;
  Table<IdempotencyRecord> idempotency;

  /// Rows as Store::load_all gave them. Corrupt, naming the row, if one cannot be read; tables that this version does
  /// not know are an error too (a newer version wrote them).
  Result<void> load(const std::vector<store::Row>& rows);

  /// Jobs in state Queued, oldest first.
  [[nodiscard]] const std::set<Table<model::Job>::Position>& queued() const { return queued_; }
  /// Allocations on the host whose outcome is open: not terminal, or Lost with the job still waiting for the host.
  [[nodiscard]] const std::set<AllocationId>& open_on(const HostId& host) const;
  /// The allocation that the job's state follows; nullptr before the first.
  [[nodiscard]] const model::Allocation* current_of(const model::Job& job) const;
  [[nodiscard]] bool is_current(const model::Allocation& allocation) const;
  /// Hosts of the pool that are not Terminated.
  [[nodiscard]] std::vector<const model::Host*> hosts_of(const PoolId& pool) const;

  /// Services that were started without a person, have none yet and have not ended, oldest first.
  [[nodiscard]] const std::set<Table<model::Job>::Position>& unclaimed() const { return unclaimed_; }
  /// Home tasks that have not ended, oldest first.
  [[nodiscard]] const std::set<Table<model::HomeTask>::Position>& open_home_tasks() const { return open_home_tasks_; }

  /// The session that the job carries; nullptr for every other job.
  [[nodiscard]] const model::Session* session_of(const JobId& job) const;
  /// Those that have not ended.
  [[nodiscard]] const std::set<SessionId>& live_sessions() const { return live_sessions_; }
  /// The highest version; nullptr if there is no app of that name.
  [[nodiscard]] const model::App* newest_app(const std::string& name) const;
  [[nodiscard]] std::vector<const model::Link*> links_of(const SessionId& session) const;
  [[nodiscard]] std::vector<const model::Link*> links_of(const SeatId& seat) const;
  /// In order of their numbers.
  [[nodiscard]] std::vector<SeatId> seats_of(const WorkshopId& workshop) const;
  /// The seat whose current session this is; nullptr for every other session.
  [[nodiscard]] const model::Seat* seat_of(const SessionId& session) const;

  // Step calls these after it changed a row.
  void reindex(const model::Job& job);
  void reindex(const model::Allocation& allocation);
  void reindex(const model::Session& session);
  void reindex(const model::Seat& seat);
  void reindex(const model::HomeTask& task);
  template <typename T>
  void reindex(const T&) {}

 private:
  bool is_open(const model::Allocation& allocation) const;

  std::set<Table<model::Job>::Position> queued_;
  std::set<Table<model::Job>::Position> unclaimed_;
  std::set<Table<model::HomeTask>::Position> open_home_tasks_;
  std::map<HostId, std::set<AllocationId>> open_;
  std::map<JobId, SessionId> session_of_;
  std::map<SessionId, SeatId> seat_of_;  ///< also of sessions that seats once had
  std::map<WorkshopId, std::map<int, SeatId>> seats_of_;
  std::set<SessionId> live_sessions_;
};

template <typename T>
constexpr const char* table_name() {
  if constexpr (std::is_same_v<T, model::Job>) return "job";
  if constexpr (std::is_same_v<T, model::Allocation>) return "allocation";
  if constexpr (std::is_same_v<T, model::Host>) return "host";
  if constexpr (std::is_same_v<T, model::Pool>) return "pool";
  if constexpr (std::is_same_v<T, model::Image>) return "image";
  if constexpr (std::is_same_v<T, model::Bake>) return "bake";
  if constexpr (std::is_same_v<T, model::Principal>) return "principal";
  if constexpr (std::is_same_v<T, model::Token>) return "token";
  if constexpr (std::is_same_v<T, model::Project>) return "project";
  if constexpr (std::is_same_v<T, model::App>) return "app";
  if constexpr (std::is_same_v<T, model::Session>) return "session";
  if constexpr (std::is_same_v<T, model::Link>) return "link";
  if constexpr (std::is_same_v<T, model::HomeTask>) return "home_task";
  if constexpr (std::is_same_v<T, model::Workshop>) return "workshop";
  if constexpr (std::is_same_v<T, model::Seat>) return "seat";
  if constexpr (std::is_same_v<T, IdempotencyRecord>) return "idempotency";
}

template <typename T>
Table<T>& table_of(Tables& tables) {
  if constexpr (std::is_same_v<T, model::Job>) return tables.jobs;
  if constexpr (std::is_same_v<T, model::Allocation>) return tables.allocations;
  if constexpr (std::is_same_v<T, model::Host>) return tables.hosts;
  if constexpr (std::is_same_v<T, model::Pool>) return tables.pools;
  if constexpr (std::is_same_v<T, model::Image>) return tables.images;
  if constexpr (std::is_same_v<T, model::Bake>) return tables.bakes;
  if constexpr (std::is_same_v<T, model::Principal>) return tables.principals;
  if constexpr (std::is_same_v<T, model::Token>) return tables.tokens;
  if constexpr (std::is_same_v<T, model::Project>) return tables.projects;
  if constexpr (std::is_same_v<T, model::App>) return tables.apps;
  if constexpr (std::is_same_v<T, model::Session>) return tables.sessions;
  if constexpr (std::is_same_v<T, model::Link>) return tables.links;
  if constexpr (std::is_same_v<T, model::HomeTask>) return tables.home_tasks;
  if constexpr (std::is_same_v<T, model::Workshop>) return tables.workshops;
  if constexpr (std::is_same_v<T, model::Seat>) return tables.seats;
  if constexpr (std::is_same_v<T, IdempotencyRecord>) return tables.idempotency;
}

boost::json::value row_body(const IdempotencyRecord& record);

}  // namespace slipway::controller
