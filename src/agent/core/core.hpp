// Core: what the agent decides. Events and the time go in; journal entries and actions come out. The caller makes the
// entries durable before it performs the actions. No I/O; one thread; owned by Agent.
#pragma once
#include <map>
#include <optional>
#include <vector>

#include "agent/core/slot_table.hpp"
#include "agent/core/types.hpp"

namespace slipway::agent {

/// Jobs whose last epoch is remembered after their allocations are forgotten. An order that comes later than this many
/// other jobs is no straggler.
inline constexpr std::size_t kRememberedEpochs = 10'000;
/// How long slipway-init may take to end a container after KillInside, before the container is killed from outside.
inline constexpr Duration kKillInsidePatience = std::chrono::seconds(5);
/// A service whose time to become ready passed while no agent ran still gets this long (its whole time, if shorter).
inline constexpr Duration kProbeAfterRestart = std::chrono::seconds(10);

class Core {
 public:
  struct Output {
    std::vector<JournalEntry> writes;
    std::vector<Action> actions;
  };

  /// `slots`: what this host has to give to services.
  explicit Core(std::string boot_id, SlotInventory slots = {})
      : boot_id_(std::move(boot_id)), slots_(std::move(slots)) {}

  /// Replays the journal, then settles what a restart of the agent or of the machine means. Once, first.
  Output restore(const std::vector<JournalEntry>& entries, Now now);
  Output handle(const Event& event, Now now);

  /// When the next Tick is due, if one is.
  [[nodiscard]] std::optional<SteadyTime> next_deadline() const;
  /// One report per allocation that is not forgotten.
  [[nodiscard]] wire::Inventory inventory() const;
  [[nodiscard]] const Record* find(const AllocationId& allocation) const;
  [[nodiscard]] const std::map<AllocationId, Record>& records() const { return records_; }
  [[nodiscard]] const SlotTable& slots() const { return slots_; }
  [[nodiscard]] const HomeTaskRecord* find(const HomeTaskId& task) const;
  /// Everything that a new journal needs.
  [[nodiscard]] std::vector<JournalEntry> snapshot() const;

 private:
  void on(const wire::StartAllocation& order, Now now);
  void on(const wire::StopAllocation& stop, Now now);
  void on(const wire::ClaimAllocation& claim, Now now);
  void on(const wire::HomeTaskOrder& order, Now now);
  void on(const wire::ForgetHomeTask& forget, Now now);
  void on(const ClaimApplied& event, Now now);
  void on(const HomeWaits& event, Now now);
  void on(const HomeTaskWent& event, Now now);
  void on(const wire::ForgetAllocation& forget, Now now);
  void on(const SourcePrepared& event, Now now);
  void on(const ContainerCreated& event, Now now);
  void on(const ContainerStarted& event, Now now);
  void on(const ContainerGone& event, Now now);
  void on(const ContainerSeen& event, Now now);
  void on(const LogsClosed& event, Now now);
  void on(const ArtifactsStored& event, Now now);
  void on(const EngineAnswers& event, Now now);
  void on(const ServiceAnswered& event, Now now);
  void on(const ServiceSilent& event, Now now);
  void on(const AppRestarted& event, Now now);
  void on(const Tick&, Now now);

  [[nodiscard]] std::optional<std::string> refusal_of(const wire::StartAllocation& order) const;
  void remember_epoch(const JobId& job, std::int64_t epoch);
  void resume(Record& record, const ContainerState* state, Now now);
  void begin_stop(Record& record, Now now);
  void begin_service(Record& record, Now now);
  void apply_claim(const Record& record);
  void end_service(const Record& record);
  void service_is_late(Record& record, Now now);
  void became_running(Record& record, WallTime started_at, Now now);
  void end(Record& record, model::AllocationState outcome, std::string reason, std::optional<int> exit_code, Now now);
  void end_exited(Record& record, const ContainerState& state, Now now);
  void end_gone(Record& record, std::optional<int> exit_code, Now now);
  void collect(const Record& record);
  void finish_if_complete(Record& record);
  void save(const Record& record);
  void report(const Record& record);
  Record* live(const AllocationId& allocation, Phase phase);

  std::string boot_id_;
  std::map<AllocationId, Record> records_;
  std::map<JobId, std::int64_t> epochs_;
  std::vector<JobId> epoch_order_;  ///< jobs in epochs_, oldest acceptance first
  struct StopTimer {
    SteadyTime at;
    Signal next = Signal::KillInside;
  };
  std::map<AllocationId, StopTimer> stop_timers_;
  std::map<AllocationId, SteadyTime> probe_deadlines_;
  std::map<HomeTaskId, HomeTaskRecord> home_tasks_;
  SlotTable slots_;
  Output out_;
};

/// The report of a record as it stands.
wire::AllocationReport report_of(const Record& record);

/// How an exit is called: state and reason. Pure.
struct Outcome {
  model::AllocationState state = model::AllocationState::Failed;
  std::string reason;
};
Outcome outcome_of(const Record& record, const ContainerState& state);

}  // namespace slipway::agent
