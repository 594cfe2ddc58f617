// Agent: the program on a host, put together: the core decides, and this performs. All of it belongs to the loop's
// thread, but for the journal (one thread of its own) and file work (a pool). Ending it leaves the containers running.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/config.hpp"
#include "agent/core/core.hpp"
#include "agent/docker/container_spec.hpp"
#include "agent/docker/engine_link.hpp"
#include "agent/files/blob_client.hpp"
#include "agent/files/source_job.hpp"
#include "agent/homes/home_mounts.hpp"
#include "agent/homes/home_task_job.hpp"
#include "agent/join/identity.hpp"
#include "agent/join/metadata_client.hpp"
#include "agent/journal/journal.hpp"
#include "agent/logs/log_sender.hpp"
#include "agent/logs/spool_watch.hpp"
#include "agent/process/process_runtime.hpp"
#include "agent/services/service_runs.hpp"
#include "agent/session/session.hpp"

namespace slipway::agent {

class Agent {
 public:
  struct Machine {
    std::string boot_id;
    std::string hostname;
  };
  /// `fatal` is called when the agent cannot go on (it could not write what it must not forget).
  Agent(runtime::Loop& loop, const Clock& clock, RandomSource& random, AgentConfig config, StateDirectory state,
        Machine machine, std::function<void(const Error&)> fatal);
  ~Agent();
  /// Finds out who it is, recovers what runs here, and dials. Errors of this machine come at once; what the network
  /// does not give yet is waited for.
  Result<void> begin();

 private:
  // Who it is (join/joining.cpp).
  void ask_metadata();
  void learned(const InstanceMetadata& metadata);
  void start_session();
  [[nodiscard]] wire::Hello make_hello() const;
  void welcomed(const wire::Welcome& welcome);
  void use_credential(const std::string& credential);

  // What it holds (agent.cpp).
  Result<void> recover();
  void handle(const Event& event);
  void apply(Core::Output output);
  void committed(const Result<bool>& wants_compaction, const std::vector<Action>& actions);
  void arm_tick();
  void take(const wire::ControllerMessage& message);

  // What it does (actions.cpp).
  void perform(const PrepareSource& action);
  void perform(const CancelSource& action);
  void perform(const CreateContainer& action);
  void perform(const ApplyClaim& action);
  void perform(const RunHomeTask& action);
  void perform(const CancelHomeTask& action);
  void perform(const SendHomeTaskReport& action);
  void perform(const StartContainer& action);
  void perform(const WatchContainer& action);
  void perform(const SignalContainer& action);
  void perform(const BeginService& action);
  void perform(const EndService& action);
  void perform(const CloseLogs& action);
  void perform(const StoreArtifacts& action);
  void perform(const SendReport& action);
  void perform(const RefuseOrder& action);
  void perform(const DiscardAllocation& action);
  void perform(const RemoveContainer& action);
  void create_container(const Record& record, std::vector<std::string> image_command);
  void create_process(const Record& record);
  Result<HostSide> host_side(const Record& record) const;
  void watch_ended(const WatchContainer& watch, std::uint64_t generation, Result<ContainerEnd> end);
  void open_spool(const AllocationId& allocation);
  void spools_changed(const std::set<AllocationId>& changed);
  ContainerState with_init_status(const AllocationId& allocation, ContainerState state);

  // Homes (home_actions.cpp).
  void source_prepared(const AllocationId& id, Result<void> result);
  void bring_home(const Record& record, const std::optional<model::HomeMount>& home,
                  std::function<void(Result<void>)> done);
  void keep_homes();
  void release_home(const AllocationId& id);
  void begin_home_task(const HomeTaskId& id, Result<std::string> home);
  void home_task_went(const wire::HomeTaskReport& report);

  // How the host is (host_status.cpp).
  void engine_up(EngineLink::Up up);
  void send_status();
  void start_units();

  runtime::Loop& loop_;
  const Clock& clock_;
  RandomSource& random_;
  AgentConfig config_;
  StateDirectory state_;
  Machine machine_;
  std::function<void(const Error&)> fatal_;

  std::string agent_id_;
  std::string init_path_;
  std::string instance_id_;
  std::optional<Identity> identity_;
  wire::JoinData join_;
  Duration metadata_backoff_;
  runtime::Loop::Timer metadata_retry_;

  Core core_;
  std::optional<Journal> journal_;  ///< used on journal_pool_ once begin() is through
  int commits_under_way_ = 0;
  runtime::Loop::Timer tick_;

  wire::HostStatus status_;
  std::string engine_problem_ = "Docker has not answered yet";
  std::string units_problem_;
  bool units_started_ = false;
  runtime::Loop::Timer units_retry_;

  LogSender sender_;
  std::map<AllocationId, std::shared_ptr<SourceJob>> sources_;
  std::map<HomeTaskId, std::shared_ptr<HomeTaskJob>> home_jobs_;
  std::map<AllocationId, std::uint64_t> watches_;  ///< the current watch of an allocation: an older one says nothing
  std::map<AllocationId, runtime::Loop::Timer> watch_retries_;
  std::unique_ptr<SpoolWatch> spool_watch_;
  std::unique_ptr<Session> session_;

  runtime::BlockingPool pool_;
  runtime::BlockingPool journal_pool_;
  runtime::BlockingPool home_pool_;  ///< file work in homes, which may hang with their server
  BlobClient blobs_;
  DockerClient docker_;
  ProcessRuntime processes_;
  Runtimes runtimes_{docker_, processes_};  ///< either of them, by the id
  std::unique_ptr<EngineLink> engine_;
  ServiceRuns services_;
  HomeMounts homes_;
};

}  // namespace slipway::agent
