// ProcessRuntime: allocations that run on the host itself, each under a user and in control groups of its own, kept by
// slipway-process. The counterpart of DockerClient. Loop's thread; the work is done on a pool of its own; owned by
// Agent; ends after its loop was stopped, and leaves the processes running.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/container_runtime.hpp"
#include "agent/docker/container_spec.hpp"
#include "agent/process/process_plan.hpp"
#include "agent/process/process_watch.hpp"
#include "agent/process/supervised_process.hpp"
#include "agent/state_paths.hpp"
#include "runtime/loop.hpp"

namespace slipway::agent {

class ProcessRuntime : public ContainerRuntime {
 public:
  ProcessRuntime(runtime::Loop& loop, StatePaths paths, RestartRule restarts = {});
  ~ProcessRuntime() override;
  ProcessRuntime(const ProcessRuntime&) = delete;
  ProcessRuntime& operator=(const ProcessRuntime&) = delete;

  /// `program`: path of slipway-process. Once, before anything else.
  Result<void> begin(std::string program);
  /// Makes what the order's process needs, but starts nothing; gives its id. One that is there is taken over: it is
  /// ours, made before a crash. Denied without root's rights, Unsupported where this host cannot limit it, Conflict if
  /// one of its ports is in use; on an error nothing is left but directories.
  void create(const wire::StartAllocation& order, HostSide host, Done<std::string> done);
  void start(const std::string& id, Done<void> done) override;
  void signal(const std::string& id, const std::string& signal, Done<void> done) override;
  void inspect(const std::string& id, Done<ContainerState> done) override;
  void wait(const std::string& id, Done<ContainerEnd> done) override;
  void remove(const std::string& id, Done<void> done) override;

  /// Every process that this agent made and has not removed. Blocking, but reads only small files.
  [[nodiscard]] EngineAnswers list() const;
  /// What its supervisor has noted, if it was started again since this was last asked. The first call only looks.
  std::optional<AppRestarted> restarted(const AllocationId& allocation);
  void forget(const AllocationId& allocation) { restarts_seen_.erase(allocation); }

 private:
  template <typename T, typename Work>
  void offload(const std::string& id, Done<T> done, Work work);
  [[nodiscard]] SupervisedProcess process_of(const AllocationId& allocation) const;

  runtime::Loop& loop_;
  StatePaths paths_;
  RestartRule restart_rule_;
  std::string program_;
  std::map<AllocationId, int> restarts_seen_;
  std::unique_ptr<ProcessWatch> watch_;
  std::unique_ptr<runtime::BlockingPool> pool_;
};

}  // namespace slipway::agent
