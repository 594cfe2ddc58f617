// FollowHub: wakes those who follow jobs, logs, bakes and sessions. Signals come from any thread; they are gathered, so
// that a job that writes without pause costs the edge thread one wake a turn. add() and remove() on the edge thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "controller/runner.hpp"
#include "runtime/loop.hpp"

namespace slipway::api {

class FollowHub final : public controller::Observer {
 public:
  explicit FollowHub(runtime::Loop& edge) : edge_(edge) {}

  using Ticket = std::uint64_t;
  /// `wake` is called on the edge thread after something about the id (job, allocation, bake or session) changed.
  Ticket add(const std::string& id, std::function<void()> wake);
  void remove(Ticket ticket);

  void job_changed(const JobId& job) override { signal(job.text()); }
  void log_grown(const AllocationId& allocation) override { signal(allocation.text()); }
  void bake_changed(const BakeId& bake) override { signal(bake.text()); }
  void session_changed(const SessionId& session) override { signal(session.text()); }

 private:
  void signal(const std::string& id);
  void deliver();

  runtime::Loop& edge_;
  std::map<std::string, std::map<Ticket, std::function<void()>>> followers_;  // edge thread
  std::map<Ticket, std::string> ids_;                                         // edge thread
  Ticket next_ = 1;                                                           // edge thread
  std::mutex mutex_;
  std::set<std::string> signalled_;  // guarded by mutex_
};

}  // namespace slipway::api
