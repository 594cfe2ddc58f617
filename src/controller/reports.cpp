#include "base/log.hpp"
#include "controller/agents.hpp"
#include "controller/commands.hpp"
#include "controller/home_tasks.hpp"
#include "controller/placement.hpp"
#include "controller/sessions.hpp"
#include "controller/warm.hpp"

namespace slipway::controller {
namespace {

/// Orders inside an inventory must go out although the connection is only becoming usable; tell() asks for that flag,
/// so these answer the host directly.
void answer(Step& step, const HostId& host, wire::ControllerMessage message) {
  const auto known = step.known.hosts.find(host);
  if (known != step.known.hosts.end() && known->second.connection)
    step.act(SendToAgent{*known->second.connection, std::move(message)});
}

/// An attempt that we no longer want, or never knew: it must end, and then it is forgotten.
void on_unwanted(Step& step, const model::Host& host, const wire::AllocationReport& report) {
  auto& superseded = step.known.hosts[host.id].superseded;
  if (model::is_terminal(report.state)) {
    superseded.erase(report.allocation);
    step.known.placement_due = true;
    answer(step, host.id, wire::ForgetAllocation{.allocation = report.allocation, .epoch = report.epoch});
    return;
  }
  if (!superseded.insert(report.allocation).second && report.state == model::AllocationState::Stopping) return;
  answer(step, host.id,
         wire::StopAllocation{.allocation = report.allocation,
                              .epoch = report.epoch,
                              .grace = Duration{0},
                              .reason = "this attempt is no longer wanted"});
}

bool logs_are_here(const AllocationVolatile& known) {
  return known.stdout_durable >= known.ending->stdout_bytes && known.stderr_durable >= known.ending->stderr_bytes &&
         known.stdout_durable >= 0;
}

std::string note_of(const AllocationVolatile& known) {
  if (known.artifacts_missing.empty()) return known.ending->artifacts_note;
  return fmt::format("{}{} of its files did not arrive", known.ending->artifacts_note,
                     known.ending->artifacts_note.empty() ? "" : "; ", known.artifacts_missing.size());
}

/// Records the outcome once every log byte and every artifact is durable here; before that it asks for what lacks.
void try_to_finish(Step& step, const AllocationId& id) {
  auto& known = step.known.allocations[id];
  if (!known.ending || !logs_are_here(known)) return;
  const bool has_artifacts = known.ending->artifacts && !known.ending->artifacts->empty();
  if (has_artifacts && !known.artifacts_checked) {
    if (known.artifacts_asked) return;
    known.artifacts_asked = true;
    CheckArtifacts check{.allocation = id};
    for (const auto& entry : *known.ending->artifacts) check.sha256.push_back(entry.sha256);
    step.act(std::move(check));
    return;
  }
  auto report = *known.ending;
  const auto note = note_of(known);
  if (report.artifacts)
    std::erase_if(*report.artifacts, [&](const model::ManifestEntry& entry) {
      return std::ranges::find(known.artifacts_missing, entry.sha256) != known.artifacts_missing.end();
    });
  record_result(step, report, note);
}

void on_terminal(Step& step, const wire::AllocationReport& report) {
  const auto& allocation = step.tables.allocations.at(report.allocation);
  const bool never_used = ended_before_its_claim(step.tables, allocation, report);
  if (never_used || report.state == model::AllocationState::Lost) {
    const auto host = allocation.host;
    const auto reason = report.reason.empty() ? std::string("the host lost it") : report.reason;
    requeue_lost(step, report.allocation, never_used ? "the app that was kept ready had ended: " + reason : reason);
    answer(step, host, wire::ForgetAllocation{.allocation = report.allocation, .epoch = report.epoch});
    return;
  }
  step.known.allocations[report.allocation].ending = report;
  step.act(ReadLogs{report.allocation});
}

void on_current(Step& step, const model::Allocation& allocation, const wire::AllocationReport& report) {
  if (model::is_terminal(report.state)) {
    on_terminal(step, report);
    return;
  }
  const auto& job = step.tables.jobs.at(allocation.job);
  if (job.spec.service) on_service_report(step, report);
  const bool returned = allocation.state == model::AllocationState::Lost;
  if (returned || model::may_follow(allocation.state, report.state)) record_progress(step, report);
  if (const auto claim = claim_order(step.tables, allocation); claim && !report.claimed)
    answer(step, allocation.host, *claim);
  if (job.stop_requested && report.state != model::AllocationState::Stopping)
    answer(step, allocation.host,
           wire::StopAllocation{.allocation = allocation.id,
                                .epoch = allocation.epoch,
                                .grace = job.spec.stop_grace,
                                .reason = "stopped on request"});
}

/// What we have on the host and the agent does not: it never heard of it, or has lost all trace of it.
void settle_missing(Step& step, const model::Host& host, const AllocationId& id) {
  const auto& allocation = step.tables.allocations.at(id);
  const auto& job = step.tables.jobs.at(allocation.job);
  if (allocation.state == model::AllocationState::Placed && !job.stop_requested) {
    answer(step, host.id, start_order(job, allocation));
    return;
  }
  requeue_lost(step, id,
               allocation.state == model::AllocationState::Placed
                   ? "it had not begun"
                   : fmt::format("host {} came back without any trace of it", label_of(host)));
}

}  // namespace

void on_report(Step& step, const model::Host& host, const wire::AllocationReport& report) {
  const auto* allocation = step.tables.allocations.find(report.allocation);
  if (allocation != nullptr && allocation->host != host.id) {
    log::warn("host {} reports allocation {}, which is on host {}: ignored", host.id, report.allocation,
              allocation->host);
    return;
  }
  if (allocation == nullptr || allocation->epoch != report.epoch || !step.tables.is_current(*allocation) ||
      !step.tables.open_on(host.id).contains(allocation->id)) {
    on_unwanted(step, host, report);
    return;
  }
  on_current(step, *allocation, report);
}

void on_inventory(Step& step, Connection& agent, const wire::Inventory& inventory) {
  agent.inventory = true;
  step.known.placement_due = true;
  const auto host = step.tables.hosts.at(agent.host);
  std::set<AllocationId> held;
  for (const auto& report : inventory.allocations) {
    held.insert(report.allocation);
    on_report(step, host, report);
    if (!model::is_terminal(report.state)) step.act(ReadLogs{report.allocation});
  }
  const auto open = step.tables.open_on(host.id);
  for (const auto& id : open)
    if (!held.contains(id)) settle_missing(step, host, id);
  settle_home_tasks(step, host.id, inventory.home_tasks);
  tell_of_sessions_on(step, host.id);
}

void on_refusal(Step& step, const model::Host& host, const wire::OrderRefused& refusal) {
  const auto* allocation = step.tables.allocations.find(refusal.allocation);
  if (allocation == nullptr || allocation->host != host.id || allocation->epoch != refusal.epoch ||
      allocation->state != model::AllocationState::Placed || !step.tables.is_current(*allocation))
    return;
  step.known.refusals[{allocation->job, host.id}] = step.now.steady + step.options.refusal_pause;
  requeue_lost(step, refusal.allocation, fmt::format("host {} refused it: {}", label_of(host), refusal.reason));
}

void on_logs_durable(Step& step, const LogsDurable& logs) {
  const auto* allocation = step.tables.allocations.find(logs.allocation);
  if (allocation == nullptr) return;
  const auto ack = [&](model::LogStream stream, std::int64_t offset) {
    answer(step, allocation->host, wire::LogAck{.allocation = logs.allocation, .stream = stream, .offset = offset});
  };
  if (logs.ack_stdout) ack(model::LogStream::Stdout, logs.stdout_bytes);
  if (logs.ack_stderr) ack(model::LogStream::Stderr, logs.stderr_bytes);
  if (!step.tables.open_on(allocation->host).contains(allocation->id)) return;
  auto& known = step.known.allocations[logs.allocation];
  known.stdout_durable = logs.stdout_bytes;
  known.stderr_durable = logs.stderr_bytes;
  try_to_finish(step, logs.allocation);
}

void on_artifacts_checked(Step& step, const ArtifactsChecked& checked) {
  const auto found = step.known.allocations.find(checked.allocation);
  if (found == step.known.allocations.end()) return;
  found->second.artifacts_checked = true;
  found->second.artifacts_missing = checked.missing;
  try_to_finish(step, checked.allocation);
}

}  // namespace slipway::controller
