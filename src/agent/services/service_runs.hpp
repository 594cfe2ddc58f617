// ServiceRuns: what goes on around the running services of a host: their networks, probes, tunnels and CPU use. Knows
// no phases; the core says when a service begins and ends. Loop's thread, but for the tries of probes (a pool of its
// own); owned by Agent; ends after its loop was stopped.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/container_runtime.hpp"
#include "agent/services/cpu_usage.hpp"
#include "agent/services/probe_try.hpp"
#include "agent/services/tunnels.hpp"

namespace slipway::agent {

class ServiceRuns {
 public:
  struct Callbacks {
    std::function<void(const Event&)> on_event;  ///< ServiceAnswered, ServiceSilent; may call end()
    std::function<void(const wire::AgentMessage&)> send;
  };
  ServiceRuns(runtime::Loop& loop, const Clock& clock, ContainerRuntime& containers, Callbacks callbacks,
              Duration activity_interval = wire::kActivityInterval);
  ~ServiceRuns();
  ServiceRuns(const ServiceRuns&) = delete;
  ServiceRuns& operator=(const ServiceRuns&) = delete;

  /// Probes until the answer, measures and takes tunnels until end(). For one that has begun: asks everything anew and
  /// lets its tunnels be. `ports`: of one that shares the host's network.
  void begin(const AllocationId& allocation, const std::string& container_id, const model::ServiceSpec& service,
             const std::optional<PortRule>& ports = {});
  /// Closes its tunnels too. One that never began is fine.
  void end(const AllocationId& allocation);

  void set_peer(BlobClient::Peer peer) { tunnels_.set_peer(std::move(peer)); }
  void open(const wire::OpenTunnel& order);

 private:
  struct Run {
    std::uint64_t generation = 0;  ///< of begin(): what belongs to an older one says nothing
    std::string container_id;
    model::ServiceSpec service;
    std::optional<PortRule> ports;
    std::shared_ptr<const NetworkNamespace> network;
    std::shared_ptr<std::atomic<bool>> cancelled;
    CpuMeter meter;
    std::string last_silence;
    SteadyTime begun;
    runtime::Loop::Timer retry;
  };
  [[nodiscard]] Run* current(const AllocationId& allocation, std::uint64_t generation);
  void look(const AllocationId& allocation, std::uint64_t generation);
  void found(const AllocationId& allocation, std::uint64_t generation, int pid);
  void enter(const AllocationId& allocation, std::uint64_t generation, int pid,
             Result<std::shared_ptr<const NetworkNamespace>> network);
  void look_again(const AllocationId& allocation, Run& run, const std::string& problem);
  void probe(const AllocationId& allocation, std::uint64_t generation);
  void probed(const AllocationId& allocation, std::uint64_t generation, const Result<void>& answer);
  void silent(const AllocationId& allocation, Run& run, const std::string& what);
  void tell_activity();

  runtime::Loop& loop_;
  const Clock& clock_;
  ContainerRuntime& containers_;
  Callbacks callbacks_;
  Duration activity_interval_;
  runtime::Loop::Timer activity_;
  std::uint64_t generations_ = 0;
  std::map<AllocationId, Run> runs_;
  Tunnels tunnels_;
  std::unique_ptr<runtime::BlockingPool> pool_;
};

}  // namespace slipway::agent
