// Core: decides everything the controller does. A state machine without I/O: an event and the time go in, change sets
// and actions come out; the runner makes the former durable and then performs the latter. The same core runs in the
// simulation on virtual time. Control thread.
#pragma once
#include <utility>
#include <vector>

#include "controller/commands.hpp"
#include "controller/state.hpp"

namespace slipway::controller {

class Core {
 public:
  /// `rows`: everything in the store. Corrupt or Incompatible if they cannot be read.
  static Result<Core> load(CoreOptions options, RandomSource& random, const std::vector<store::Row>& rows, Now now);

  /// What a restart leads to; once, before anything else.
  Outcome start(Now now);
  Outcome handle(const Event& event, Now now);

  /// Runs a command of a person, e.g. `core.command(now, [&](Step& step) { return stop_job(step, who, id); })`.
  template <typename Function>
  auto command(Now now, Function function) {
    Step step(tables_, known_, options_, *random_, now);
    auto result = function(step);
    settle(step);
    return std::pair{std::move(result), std::move(step.outcome)};
  }

  [[nodiscard]] const Tables& tables() const { return tables_; }
  [[nodiscard]] const Volatile& known() const { return known_; }
  [[nodiscard]] const CoreOptions& options() const { return options_; }
  /// Whether log bytes of this allocation may be taken from this connection, and up to which offset.
  [[nodiscard]] std::int64_t log_limit(ConnectionId connection, const AllocationId& allocation) const;
  /// The host behind a credential; what the agents' blob requests prove themselves with.
  [[nodiscard]] Result<HostId> host_of_credential(std::string_view secret) const;
  [[nodiscard]] bool is_connected(const HostId& host) const;
  /// Of the host's agent, once it takes orders.
  [[nodiscard]] std::optional<ConnectionId> connection_of(const HostId& host) const;
  /// Listings of the cloud: needed at all, and often.
  [[nodiscard]] bool in_transition() const;

 private:
  Core(CoreOptions options, RandomSource& random) : options_(std::move(options)), random_(&random) {}
  /// What follows from a change: pools are kept at their size, jobs are placed.
  void settle(Step& step);
  void on_tick(Step& step);

  CoreOptions options_;
  RandomSource* random_;
  Tables tables_;
  Volatile known_;
};

}  // namespace slipway::controller
