// What the agent's core remembers of an allocation, what happens to it (events) and what it wants done (actions).
// Plain data.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/slot_table.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "model/job.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::agent {

/// How far an allocation is. Journaled before what the phase is named after is done, so after a crash the phase says
/// what may have happened.
enum class Phase {
  Preparing,  ///< order accepted; source files are being fetched
  Creating,   ///< Docker is, or may have been, asked for the container
  Starting,   ///< the container exists; Docker is, or may have been, asked to start it
  Running,    ///< seen running
  Ended,      ///< how it ended is known; log and artifacts are being brought in
  Done,       ///< the terminal report is complete: repeated until the controller says forget
};
std::string_view phase_name(Phase phase);
Result<Phase> phase_from_name(std::string_view name);
/// What the order's command runs in.
bool is_process(const model::JobSpec& spec);

struct StopRequest {
  std::string reason;
  Duration grace{0};
  bool killed = false;  ///< the grace passed and everything was killed
  bool failed = false;  ///< nobody asked for it: the service did not answer in time, and FAILED is its end
};

struct Progress {
  Phase phase = Phase::Preparing;
  std::string boot_id;  ///< of the boot that the order was accepted in
  std::string container_id;
  std::optional<StopRequest> stop;
  SlotGrant slots;     ///< held from the order's acceptance until Ended
  bool ready = false;  ///< of a service: its probe was answered
  /// Of one that was started without a person: whose it is now, and whether that has reached the container.
  std::optional<wire::ClaimAllocation> claim;
  bool claimed = false;
  // Once Ended.
  model::AllocationState outcome = model::AllocationState::Failed;
  std::string reason;
  std::optional<int> exit_code;
  WallTime started_at;
  WallTime finished_at;
  std::int64_t stdout_bytes = -1;
  std::int64_t stderr_bytes = -1;
  std::optional<model::Manifest> artifacts;
  std::string artifacts_note;
};

struct Record {
  wire::StartAllocation order;
  Progress progress;
  std::string waiting_for;  ///< of a service that runs and is not ready; not journaled: asked anew after a restart
  std::string restarted;    ///< of a process that was started again and is not ready: why; not journaled either
  std::string home_waits;   ///< why its home is not there yet; likewise
};

/// Something to be done to a home, and how far it is.
struct HomeTaskRecord {
  wire::HomeTaskOrder order;
  wire::HomeTaskReport report;
};

// ---- journal ----

struct OrderAccepted {
  wire::StartAllocation order;
};
struct ProgressMade {
  AllocationId allocation;
  Progress progress;
};
struct Forgotten {
  AllocationId allocation;
};
/// Outlives the allocation, so that an old order is still refused after it was forgotten.
struct EpochAccepted {
  JobId job;
  std::int64_t epoch = 0;
};
struct HomeTaskAccepted {
  wire::HomeTaskOrder order;
};
struct HomeTaskEnded {
  wire::HomeTaskReport report;
};
struct HomeTaskForgotten {
  HomeTaskId task;
};
using JournalEntry = std::variant<OrderAccepted, ProgressMade, Forgotten, EpochAccepted, HomeTaskAccepted,
                                  HomeTaskEnded, HomeTaskForgotten>;

// ---- events ----

enum class ContainerStatus { Created, Running, Exited };

/// What Docker and slipway-init say about a container.
struct ContainerState {
  std::string id;
  ContainerStatus status = ContainerStatus::Created;
  int exit_code = 0;
  bool out_of_memory = false;
  int start_errno = 0;  ///< why the command could not be executed; 0: it was
  int pid = 0;          ///< of slipway-init, in the host's eyes; 0: none runs
  WallTime started_at;
  WallTime finished_at;
  int restarts = 0;  ///< of a process: how often it was started again
};

struct SourcePrepared {
  AllocationId allocation;
  Result<void> result;
};
struct ContainerCreated {
  AllocationId allocation;
  Result<std::string> container_id;
};
struct ContainerStarted {
  AllocationId allocation;
  Result<void> result;
};
/// Docker does not know the container any more. `exit_code` if Docker still told it.
struct ContainerGone {
  AllocationId allocation;
  std::optional<int> exit_code;
};
struct ContainerSeen {
  AllocationId allocation;
  ContainerState state;
};
struct LogsClosed {
  AllocationId allocation;
  std::int64_t stdout_bytes = 0;
  std::int64_t stderr_bytes = 0;
};
struct ArtifactsStored {
  AllocationId allocation;
  std::optional<model::Manifest> manifest;
  std::string note;
};
/// What an allocation runs in.
enum class Runtime { Containers, Processes };
/// Docker answers (again): every container that carries this agent's label. Sent at the first answer and after each
/// time that it did not answer. The same about processes, once after a start of the agent.
struct EngineAnswers {
  struct Labelled {
    std::string allocation;  ///< label as it stands there
    ContainerState state;
  };
  std::vector<Labelled> containers;
  Runtime runtime = Runtime::Containers;  ///< whose they are: it says nothing about the other's
};
/// The probe of a running service was answered.
struct ServiceAnswered {
  AllocationId allocation;
};
/// It was not; sent when `what` changes ("nothing listens on port 8888").
struct ServiceSilent {
  AllocationId allocation;
  std::string what;
};
/// Home and start-up data of a claim are in the container, or cannot ever be.
struct ClaimApplied {
  AllocationId allocation;
  Result<void> result;
};
/// A home cannot be brought in yet; sent when `what` changes.
struct HomeWaits {
  AllocationId allocation;
  std::string what;
};
/// A home task waits for something (not terminal), or has ended.
struct HomeTaskWent {
  wire::HomeTaskReport report;
};
/// A process failed and was started again by its supervisor.
struct AppRestarted {
  AllocationId allocation;
  int exit_code = 0;  ///< of the run before
  int failures = 0;   ///< in a row
  int most = 0;       ///< so many restarts in a row at most
};
struct Tick {};

using Event = std::variant<wire::StartAllocation, wire::ClaimAllocation, wire::HomeTaskOrder, wire::ForgetHomeTask,
                           ClaimApplied, HomeWaits, HomeTaskWent, wire::StopAllocation, wire::ForgetAllocation,
                           SourcePrepared, ContainerCreated, ContainerStarted, ContainerGone, ContainerSeen, LogsClosed,
                           ArtifactsStored, EngineAnswers, ServiceAnswered, ServiceSilent, AppRestarted, Tick>;

// ---- actions ----

struct PrepareSource {
  AllocationId allocation;
};
struct CancelSource {
  AllocationId allocation;
};
struct CreateContainer {
  AllocationId allocation;
};
struct StartContainer {
  AllocationId allocation;
  std::string container_id;
};
/// Ends in ContainerSeen (exited) or ContainerGone.
struct WatchContainer {
  AllocationId allocation;
  std::string container_id;
};
enum class Signal {
  Terminate,   ///< SIGTERM to the command
  KillInside,  ///< slipway-init kills everything else, saves the rest of the log and ends
  Kill,        ///< SIGKILL to the container: for an init that does not answer
};
struct SignalContainer {
  AllocationId allocation;
  std::string container_id;
  Signal signal = Signal::Terminate;
};
/// A service's container runs: probe it, measure it, let tunnels in. Ends in ServiceAnswered; asked again after Docker
/// was away.
struct BeginService {
  AllocationId allocation;
  std::string container_id;
};
/// Home and start-up data of the record's claim are to reach its container. Ends in ClaimApplied.
struct ApplyClaim {
  AllocationId allocation;
};
/// Ends in HomeTaskWent with a terminal state.
struct RunHomeTask {
  HomeTaskId task;
};
struct CancelHomeTask {
  HomeTaskId task;
};
struct SendHomeTaskReport {
  wire::HomeTaskReport report;
};
/// The opposite of BeginService: tunnels close, devices return to the host, its home is let go. May come more than
/// once.
struct EndService {
  AllocationId allocation;
};
/// The container is gone: no byte comes any more. Ends in LogsClosed.
struct CloseLogs {
  AllocationId allocation;
};
/// Ends in ArtifactsStored.
struct StoreArtifacts {
  AllocationId allocation;
};
struct SendReport {
  wire::AllocationReport report;
};
struct RefuseOrder {
  wire::OrderRefused refusal;
};
/// Container (if any), directories and spool of a forgotten allocation go.
struct DiscardAllocation {
  AllocationId allocation;
  std::string container_id;
};
/// A container with this agent's label that nobody ordered any more.
struct RemoveContainer {
  std::string container_id;
};

using Action = std::variant<ApplyClaim, RunHomeTask, CancelHomeTask, SendHomeTaskReport, PrepareSource, CancelSource,
                            CreateContainer, StartContainer, WatchContainer, SignalContainer, BeginService, EndService,
                            CloseLogs, StoreArtifacts, SendReport, RefuseOrder, DiscardAllocation, RemoveContainer>;

}  // namespace slipway::agent
