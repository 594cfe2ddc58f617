#include "agent/services/service_runs.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace slipway::agent {
namespace {

constexpr int kProbeThreads = 4;
constexpr Duration kFirstProbePause = std::chrono::milliseconds(50);
constexpr Duration kLongestProbePause = std::chrono::milliseconds(500);
/// Longest wait for one answer: a server that has just started may take its time over its first page.
constexpr Duration kProbeTry = std::chrono::seconds(5);
constexpr Duration kLookAgain = std::chrono::milliseconds(500);

}  // namespace

ServiceRuns::ServiceRuns(runtime::Loop& loop, const Clock& clock, ContainerRuntime& containers, Callbacks callbacks,
                         Duration activity_interval)
    : loop_(loop),
      clock_(clock),
      containers_(containers),
      callbacks_(std::move(callbacks)),
      activity_interval_(activity_interval),
      tunnels_(loop, [this](wire::TunnelRefused refused) { callbacks_.send(std::move(refused)); }),
      pool_(std::make_unique<runtime::BlockingPool>(kProbeThreads)) {}

ServiceRuns::~ServiceRuns() {
  for (auto& [id, run] : runs_) *run.cancelled = true;
  pool_.reset();
}

void ServiceRuns::begin(const AllocationId& allocation, const std::string& container_id,
                        const model::ServiceSpec& service, const std::optional<PortRule>& ports) {
  Run& run = runs_[allocation];
  if (run.cancelled) *run.cancelled = true;
  run.generation = ++generations_;
  run.container_id = container_id;
  run.service = service;
  run.ports = ports;
  run.cancelled = std::make_shared<std::atomic<bool>>(false);
  run.last_silence.clear();
  run.begun = clock_.now().steady;
  if (!activity_.active()) activity_ = loop_.every(activity_interval_, [this] { tell_activity(); });
  look(allocation, run.generation);
}

void ServiceRuns::end(const AllocationId& allocation) {
  tunnels_.close_all(allocation);
  const auto found = runs_.find(allocation);
  if (found == runs_.end()) return;
  *found->second.cancelled = true;
  runs_.erase(found);
}

ServiceRuns::Run* ServiceRuns::current(const AllocationId& allocation, std::uint64_t generation) {
  const auto found = runs_.find(allocation);
  return found == runs_.end() || found->second.generation != generation ? nullptr : &found->second;
}

// ---- the way in ----

void ServiceRuns::look(const AllocationId& allocation, std::uint64_t generation) {
  const Run* run = current(allocation, generation);
  if (run == nullptr) return;
  containers_.inspect(run->container_id, [this, allocation, generation](Result<ContainerState> state) {
    Run* asked = current(allocation, generation);
    if (asked == nullptr) return;
    if (!state) return look_again(allocation, *asked, state.error().text());
    if (state->status != ContainerStatus::Running || state->pid <= 0) return;  // its end is on its way here
    found(allocation, generation, state->pid);
  });
}

/// A pid names whatever process has it now. If the container still runs as that pid after the namespace was opened,
/// then the pid was the container's all the time, and so is the namespace.
void ServiceRuns::found(const AllocationId& allocation, std::uint64_t generation, int pid) {
  const Run* run = current(allocation, generation);
  auto network =
      std::make_shared<Result<std::shared_ptr<const NetworkNamespace>>>(NetworkNamespace::of_process(pid, run->ports));
  containers_.inspect(run->container_id, [this, allocation, generation, pid, network](Result<ContainerState> state) {
    Run* asked = current(allocation, generation);
    if (asked == nullptr) return;
    if (!state) return look_again(allocation, *asked, state.error().text());
    if (state->status != ContainerStatus::Running || state->pid != pid) return;
    enter(allocation, generation, pid, std::move(*network));
  });
}

void ServiceRuns::enter(const AllocationId& allocation, std::uint64_t generation, int pid,
                        Result<std::shared_ptr<const NetworkNamespace>> network) {
  Run& run = *current(allocation, generation);
  if (!network) return look_again(allocation, run, network.error().text());
  run.network = std::move(*network);
  if (auto meter = CpuMeter::of_process(pid)) {
    run.meter = std::move(*meter);
    run.meter.cpu_millis(clock_.now().steady);
  } else {
    log::warn("{} counts as never idle: {}", allocation, meter.error().text());
  }
  probe(allocation, generation);
}

void ServiceRuns::look_again(const AllocationId& allocation, Run& run, const std::string& problem) {
  run.retry =
      loop_.after(kLookAgain, [this, allocation, generation = run.generation] { look(allocation, generation); });
  silent(allocation, run, problem);
}

// ---- the probe ----

void ServiceRuns::probe(const AllocationId& allocation, std::uint64_t generation) {
  Run* run = current(allocation, generation);
  if (run == nullptr) return;
  const auto target = probe_target(run->service);
  if (!target) return silent(allocation, *run, target.error().text());
  pool_->offload(
      loop_,
      [network = run->network, target = *target, cancelled = Cancelled(run->cancelled)] {
        return try_probe(*network, target, kProbeTry, cancelled);
      },
      [this, allocation, generation](const Result<void>& answer) { probed(allocation, generation, answer); });
}

void ServiceRuns::probed(const AllocationId& allocation, std::uint64_t generation, const Result<void>& answer) {
  Run* run = current(allocation, generation);
  if (run == nullptr) return;
  if (answer) return callbacks_.on_event(ServiceAnswered{allocation});
  // A twentieth of the wait so far: so looking seldom never makes the wait more than 5 % longer.
  const Duration pause = std::clamp((clock_.now().steady - run->begun) / 20, kFirstProbePause, kLongestProbePause);
  run->retry = loop_.after(pause, [this, allocation, generation] { probe(allocation, generation); });
  silent(allocation, *run, answer.error().text());
}

/// Last call of whoever calls it: the event may end the service.
void ServiceRuns::silent(const AllocationId& allocation, Run& run, const std::string& what) {
  if (std::exchange(run.last_silence, what) != what) callbacks_.on_event(ServiceSilent{allocation, what});
}

// ---- while it runs ----

void ServiceRuns::open(const wire::OpenTunnel& order) {
  const auto found = runs_.find(order.allocation);
  if (found == runs_.end() || !found->second.network) {
    return tunnels_.refuse(order.tunnel, "the session's app does not run on this host (yet)");
  }
  const Run& run = found->second;
  if (std::ranges::find(run.service.ports, order.port, &model::AppPort::port) == run.service.ports.end()) {
    return tunnels_.refuse(order.tunnel, fmt::format("port {} is none of the app's ports", order.port));
  }
  tunnels_.open(order, run.network);
}

void ServiceRuns::tell_activity() {
  const SteadyTime now = clock_.now().steady;
  for (auto& [id, run] : runs_) {
    if (const auto millis = run.meter.cpu_millis(now)) {
      callbacks_.send(wire::ServiceActivity{.allocation = id, .cpu_millis = *millis});
    }
  }
}

}  // namespace slipway::agent
