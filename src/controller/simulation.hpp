// Simulation: the real core on virtual time with scripted agents, a scripted cloud and a store that survives, while the
// controller crashes, hosts die, connections break, the cloud refuses and answers get lost. One seed, one run. After
// every step it checks: P1 what was acknowledged is kept, P2 two attempts of a job never overlap, P3 an ended job stays
// as it ended, P4 no host is over-committed, P7 a session ends when it was stopped or its time was over and never
// because of what happened to hosts, P8 nobody is ever in a container that another person was in, and a READY session
// is its own person's, P9 a home task ends once; at the end P6: exactly the wanted instances, and of the app that is
// kept started as many as are wanted. For tests.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "controller/core.hpp"
#include "store/store.hpp"

namespace slipway::controller::simulation {

struct Container {
  AllocationId allocation;
  JobId job;
  std::int64_t epoch = 0;
  model::Resources resources;
  model::AllocationState state = model::AllocationState::Running;
  SteadyTime ends_at;
  bool service = false;  ///< never ends by itself
  bool warm = false;     ///< started without a person
  std::string person;    ///< who is in it; empty: nobody yet
};

/// A machine with an agent, its journal and its containers.
struct Machine {
  std::string instance_id;  ///< empty: joined by hand
  std::string join_token;
  std::string credential;
  bool alive = true;     ///< false: killed outright
  bool agent_up = true;  ///< false: the agent is away, containers go on
  SteadyTime unreachable_until;
  ConnectionId connection = 0;  ///< 0: none
  bool welcomed = false;
  SteadyTime next_hello;
  SteadyTime next_heartbeat;
  std::map<AllocationId, Container> containers;  ///< until forgotten
  std::set<AllocationId> started;                ///< ever: none may start twice
  std::map<HomeTaskId, SteadyTime> home_tasks;   ///< until forgotten; when they are done
};

struct CloudInstance {
  cloud::Instance instance;
  SteadyTime terminated_at;
};

class World {
 public:
  explicit World(unsigned seed);
  /// Runs the storm, then heals everything and lets the system come to rest, within `calm`. Each string is a broken
  /// promise.
  std::vector<std::string> run(Duration storm, Duration calm);

 private:
  void step(bool storm);
  void disturb();
  void start_controller();
  void crash_controller();
  void accept(Outcome outcome);
  void perform(const Action& action);
  void perform(const SendToAgent& action);
  void perform(const LaunchInstance& action);
  void perform(const TerminateInstance& action);
  void feed(Event event);
  void later(Duration delay, std::function<void()> work);
  void later_in_this_life(Duration delay, std::function<void()> work);

  void run_machine(Machine& machine);
  Machine* reached_over(ConnectionId connection);
  void deliver(Machine& machine, const wire::ControllerMessage& message);
  void say(Machine& machine, wire::AgentMessage message);
  wire::AllocationReport report_of(const Container& container) const;
  void submit();
  void stop_some_job();
  void start_session();
  void keep_some_started();
  void place_files();
  wire::Inventory inventory_of(const Machine& machine) const;
  [[nodiscard]] wire::HomeTaskReport report_of(const HomeTaskId& task, SteadyTime done_at) const;
  void check_claims();
  void check_home_tasks();
  void check_sessions();
  void create_pool(int size);
  void add_machine_by_hand();
  void check();
  [[nodiscard]] bool at_rest() const;  ///< every job has ended
  void check_end();
  void broken(std::string what);
  int below(int limit) { return static_cast<int>(dice_() % static_cast<unsigned>(limit)); }
  bool chance(int percent) { return below(100) < percent; }

  std::mt19937 dice_;
  SeededRandom random_;
  Now now_;
  std::unique_ptr<store::Store> store_;
  std::optional<Core> core_;
  std::uint64_t life_ = 0;  ///< of the controller
  ConnectionId next_connection_ = 1;
  std::multimap<SteadyTime, std::function<void()>> due_;
  std::map<std::string, CloudInstance> by_token_;
  std::vector<std::unique_ptr<Machine>> machines_;
  model::Principal admin_;
  std::map<JobId, bool> acknowledged_;  ///< whether running twice is harmless
  std::map<JobId, model::JobState> ended_;
  std::map<SessionId, std::string> sessions_;  ///< and who is in it
  std::map<HomeTaskId, model::HomeTaskState> home_tasks_;
  std::set<std::string> pools_;
  int pool_size_ = 0;
  int instances_made_ = 0;
  bool cloud_refuses_ = false;
  bool storming_ = false;
  std::vector<std::string> broken_;
};

}  // namespace slipway::controller::simulation
