#include "controller/sessions.hpp"

namespace slipway::controller {
namespace {

const ServiceVolatile* service_of(const Step& step, const model::Allocation* allocation) {
  if (allocation == nullptr) return nullptr;
  const auto found = step.known.allocations.find(allocation->id);
  return found != step.known.allocations.end() && found->second.service ? &*found->second.service : nullptr;
}

void forget_phases(model::Session& session) { session.placed_at = session.started_at = session.ready_at = WallTime{}; }

/// Until the agent has spoken again after our restart, what is stored holds.
bool is_ready(const model::Session& session, const model::Allocation& allocation, const ServiceVolatile* service) {
  if (service == nullptr) return session.ready_at != WallTime{};
  return service->ready && (service->claimed || !allocation.warm);
}

void set_phases(model::Session& session, const model::Allocation& allocation, const ServiceVolatile* service,
                model::JobState job, WallTime now) {
  // One that was kept ready for whoever comes has been there longer than the session.
  const auto placed_at = std::max(allocation.meta.created_at, session.meta.created_at);
  if (session.placed_at != placed_at) {
    forget_phases(session);
    session.placed_at = placed_at;
  }
  if (job != model::JobState::Running) return;
  if (session.started_at == WallTime{}) session.started_at = now;
  const bool ready = is_ready(session, allocation, service);
  if (!ready) session.ready_at = WallTime{};
  if (ready && session.ready_at == WallTime{}) session.ready_at = now;
}

std::string reason_of(const model::Session& session, const model::Job& job, const ServiceVolatile* service) {
  switch (session.state) {
    case model::SessionState::Waiting:
      return job.reason;
    case model::SessionState::Starting:
      if (service != nullptr && !service->waiting_for.empty()) return service->waiting_for;
      if (service != nullptr && service->ready) return "your files and settings are brought into the app";
      return job.reason.empty() ? "waits for the app to answer" : job.reason;
    case model::SessionState::Ready:
      return "";
    case model::SessionState::Stopping:
    case model::SessionState::Ended:
      return session.stop_requested ? session.reason : job.reason;
  }
  return "";
}

void drop_links(Step& step, const SessionId& session) {
  for (const auto* link : step.tables.links_of(session)) step.erase(model::Link(*link));
}

bool same_but_for_reason(const model::Session& a, const model::Session& b) {
  return a.state == b.state && a.placed_at == b.placed_at && a.started_at == b.started_at && a.ready_at == b.ready_at;
}

/// What waits for is computed anew at any time, so it is not worth a commit.
void set_reason(Step& step, const SessionId& id, const std::string& reason) {
  auto* row = step.tables.sessions.computed(id);
  if (row->reason == reason) return;
  row->reason = reason;
  step.act(SessionChanged{id});
}

void follow_job(Step& step, const SessionId& id) {
  const auto before = step.tables.sessions.at(id);
  if (model::is_terminal(before.state)) return;
  const auto& job = step.tables.jobs.at(before.job);
  const auto* allocation = step.tables.current_of(job);
  auto session = before;
  const bool on_host =
      allocation != nullptr && job.state != model::JobState::Queued && job.state != model::JobState::Lost;
  const auto* service = on_host ? service_of(step, allocation) : nullptr;
  if (on_host)
    set_phases(session, *allocation, service, job.state, step.now.wall);
  else
    forget_phases(session);
  session.state = model::session_state_of(job.state, session.ready_at != WallTime{});
  if (session.stop_requested && !model::is_terminal(session.state)) session.state = model::SessionState::Stopping;
  session.reason = reason_of(session, job, service);
  if (same_but_for_reason(before, session)) return set_reason(step, id, session.reason);

  step.begin("RecordSession", {}, {id.text()},
             {{"state", model::session_state_name(session.state)}, {"reason", session.reason}});
  if (session.state != model::SessionState::Ready) session.idle_since = WallTime{};
  const bool ended = model::is_terminal(session.state);
  if (ended) {
    session.finished_at = step.now.wall;
    drop_links(step, id);
    step.known.sessions.erase(id);
  }
  step.put(std::move(session));
  step.act(SessionChanged{id});
}

}  // namespace

void follow_jobs(Step& step) {
  std::set<SessionId> changed;
  for (const auto& action : step.outcome.actions)
    if (const auto* job = std::get_if<JobChanged>(&action)) {
      if (const auto* session = step.tables.session_of(job->job)) changed.insert(session->id);
      step.known.home_tasks_due = true;  // one may wait for this session
    }
  for (const auto& id : changed) follow_job(step, id);
}

void follow_loaded_sessions(Step& step) {
  const auto live = step.tables.live_sessions();
  for (const auto& id : live) follow_job(step, id);
}

void on_service_report(Step& step, const wire::AllocationReport& report) {
  const auto& allocation = step.tables.allocations.at(report.allocation);
  auto& service = step.known.allocations[report.allocation].service;
  if (!service) service.emplace();
  service->ready = report.ready;
  service->claimed = report.claimed;
  service->waiting_for = report.waiting_for.empty() ? report.reason : report.waiting_for;
  step.act(JobChanged{allocation.job});
}

void tell_of_sessions_on(Step& step, const HostId& host) {
  for (const auto& id : step.tables.open_on(host))
    if (const auto* session = step.tables.session_of(step.tables.allocations.at(id).job))
      step.act(SessionChanged{session->id});
}

}  // namespace slipway::controller
