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
using JournalEntry = std::variant<OrderAccepted, ProgressMade, Forgotten, EpochAccepted>;

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
/// Docker answers (again): every container that carries this agent's label. Sent at the first answer and after each
/// time that it did not answer.
struct EngineAnswers {
  struct Labelled {
    std::string allocation;  ///< label as it stands there
    ContainerState state;
  };
  std::vector<Labelled> containers;
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
struct Tick {};

using Event = std::variant<wire::StartAllocation, wire::StopAllocation, wire::ForgetAllocation, SourcePrepared,
                           ContainerCreated, ContainerStarted, ContainerGone, ContainerSeen, LogsClosed,
                           ArtifactsStored, EngineAnswers, ServiceAnswered, ServiceSilent, Tick>;

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
/// The opposite: tunnels close, devices return to the host. May come more than once.
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

using Action = std::variant<PrepareSource, CancelSource, CreateContainer, StartContainer, WatchContainer,
                            SignalContainer, BeginService, EndService, CloseLogs, StoreArtifacts, SendReport,
                            RefuseOrder, DiscardAllocation, RemoveContainer>;

}  // namespace slipway::agent
