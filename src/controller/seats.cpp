// Seats while their workshop is open: sessions that failed are started again, moves and files come to their ends.
#include "controller/commands.hpp"
#include "controller/home_tasks.hpp"
#include "controller/workshops.hpp"

namespace slipway::controller {
namespace {

/// A session that held for this long has not failed in a row with the one before.
constexpr Duration kHeld = std::chrono::minutes(2);
/// The host that a seat was moved away from is not asked again for this long.
constexpr Duration kAvoidFor = std::chrono::minutes(30);

void set_note(Step& step, const SeatId& id, const std::string& note) {
  const auto& seat = step.tables.seats.at(id);
  if (seat.note == note) return;
  auto changed = seat;
  changed.note = note;
  step.begin("NoteSeat", {}, {id.text()}, {{"note", note}});
  step.put(std::move(changed));
}

/// What a seat asks for beyond its app: its own size, and the workshop's end.
void fit_to_workshop(Step& step, const SessionId& id, const model::Workshop& workshop, const HostId& avoid) {
  auto session = step.tables.sessions.at(id);
  session.ends_at = workshop.spec.end;
  auto job = step.tables.jobs.at(session.job);
  if (!avoid.empty()) step.known.refusals[{job.id, avoid}] = step.now.steady + kAvoidFor;
  step.put(std::move(session));
  if (!workshop.spec.resources || job.state != model::JobState::Queued) return;
  job.spec.resources = *workshop.spec.resources;
  step.put(std::move(job));
}

void place_workshop_files(Step& step, model::Seat& seat, const model::Workshop& workshop) {
  if (workshop.spec.files.empty()) return;
  const auto task = place_files(step, workshop.meta.owner, seat.principal, workshop.spec.files, "", false);
  if (task)
    seat.placing.push_back(*task);
  else
    seat.note = "its files could not be placed: " + task.error().message;
}

/// The rows of tasks that have ended go; what went wrong is noted.
void collect_placed(Step& step, const SeatId& id) {
  const auto before = step.tables.seats.at(id);
  if (before.placing.empty()) return;
  auto seat = before;
  seat.placing.clear();
  std::vector<HomeTaskId> ended;
  for (const auto& task_id : before.placing) {
    const auto* task = step.tables.home_tasks.find(task_id);
    if (task == nullptr) continue;
    if (!model::is_terminal(task->state)) {
      seat.placing.push_back(task_id);
      continue;
    }
    ended.push_back(task_id);
    if (task->state == model::HomeTaskState::Failed) seat.note = "files could not be placed: " + task->reason;
    if (!task->kept.empty())
      seat.note = fmt::format("kept as the person changed them: {}", fmt::join(task->kept, ", "));
  }
  if (seat.placing.size() == before.placing.size()) return;
  step.begin("RecordPlacedFiles", {}, {id.text()});
  step.put(std::move(seat));
  for (const auto& task : ended) std::ignore = drop_home_task(step, {}, task);
}

/// The machine that the seat was moved away from: it goes if it is the workshop's own and nobody else is on it.
void finish_move(Step& step, const SeatId& id) {
  const auto seat = step.tables.seats.at(id);
  if (seat.leaving.empty()) return;
  const auto* left = step.tables.sessions.find(seat.leaving);
  if (left != nullptr && !model::is_terminal(left->state)) return;
  auto moved = seat;
  moved.leaving = {};
  step.begin("FinishMove", {}, {id.text()});
  step.put(std::move(moved));
  const auto* allocation = left == nullptr ? nullptr : step.tables.current_of(step.tables.jobs.at(left->job));
  const auto* host = allocation == nullptr ? nullptr : step.tables.hosts.find(allocation->host);
  const auto& own = step.tables.workshops.at(seat.workshop).pool;
  if (host == nullptr || own.empty() || host->pool != own || !step.tables.open_on(host->id).empty()) return;
  terminate_host(step, host->id, fmt::format("seat {} was moved to another machine", seat.number));
}

void count_failure(Step& step, const SeatId& id, int failures) {
  auto seat = step.tables.seats.at(id);
  if (seat.failures == failures) return;
  seat.failures = failures;
  step.begin("RecordSeatFailures", {}, {id.text()}, {{"failures", failures}});
  step.put(std::move(seat));
}

void start_again(Step& step, const SeatId& id) {
  if (const auto started = start_seat(step, id, {}); !started)
    set_note(step, id, "could not be started: " + started.error().message);
}

void look_after(Step& step, const SeatId& id) {
  finish_move(step, id);
  collect_placed(step, id);
  const auto seat = step.tables.seats.at(id);
  if (seat.spare && !seat.wanted) return;
  const auto* session = step.tables.sessions.find(seat.session);
  if (session == nullptr) return start_again(step, id);
  if (!model::is_terminal(session->state)) {
    const bool held = session->ready_at != WallTime{} && step.now.wall - session->ready_at >= kHeld;
    if (held) count_failure(step, id, 0);
    return;
  }
  // Whoever stopped it on purpose means it; `workshop replace` starts another one.
  if (session->stop_requested) return;
  if (step.now.wall < session->finished_at + model::seat_retry_delay(seat.failures + 1)) return;
  set_note(step, id, "its session ended by itself: " + session->reason);
  count_failure(step, id, seat.failures + 1);
  start_again(step, id);
}

// ---- the end ----

void record_export(Step& step, const SeatId& id, const model::HomeTask* task, const std::string& note) {
  auto seat = step.tables.seats.at(id);
  seat.exported = true;
  if (task != nullptr && task->state == model::HomeTaskState::Succeeded) {
    seat.archive_sha256 = task->archive_sha256;
    seat.archive_bytes = task->archive_bytes;
  }
  if (!note.empty()) seat.note = note;
  step.begin("RecordHomeArchive", {}, {id.text()}, {{"archive", seat.archive_sha256}, {"note", note}});
  step.put(std::move(seat));
}

void follow_export(Step& step, const SeatId& id, const model::Workshop& workshop) {
  const auto task_id = step.tables.seats.at(id).exporting;
  const auto* task = step.tables.home_tasks.find(task_id);
  if (task == nullptr) return record_export(step, id, nullptr, "its files were not exported");
  if (!model::is_terminal(task->state)) {
    if (step.now.wall < workshop.closing_at + kExportPatience) return;
    std::ignore = cancel_home_task(step, {}, task_id, "no host could do it in time");
    task = step.tables.home_tasks.find(task_id);
  }
  const bool failed = task->state == model::HomeTaskState::Failed;
  record_export(step, id, task, failed ? "its files were not exported: " + task->reason : "");
  std::ignore = drop_home_task(step, {}, task_id);
}

void begin_export(Step& step, const SeatId& id, const model::Workshop& workshop) {
  const auto task = export_home(step, workshop.meta.owner, step.tables.seats.at(id).principal);
  if (!task) return record_export(step, id, nullptr, "its files were not exported: " + task.error().message);
  auto seat = step.tables.seats.at(id);
  seat.exporting = *task;
  step.begin("ExportSeat", {}, {id.text(), task->text()});
  step.put(std::move(seat));
}

bool has_home(const Tables& tables, const model::Session& session) {
  const auto* app = tables.apps.find(session.app);
  return app != nullptr && !app->spec.home.empty();
}

/// Files that outlive the session are exported once nobody can change them any more; others before it is stopped.
void export_seat(Step& step, const SeatId& id, const model::Workshop& workshop) {
  const auto& seat = step.tables.seats.at(id);
  if (seat.exported) return;
  if (!seat.exporting.empty()) return follow_export(step, id, workshop);
  const auto* session = step.tables.sessions.find(seat.session);
  if (session == nullptr) return record_export(step, id, nullptr, "it was never used");
  if (!has_home(step.tables, *session)) return record_export(step, id, nullptr, "its app keeps no files");
  if (!session->home_lasts && step.tables.jobs.at(session->job).allocations.empty())
    return record_export(step, id, nullptr, "it was never used");
  const bool over = model::is_terminal(session->state);
  if (session->home_lasts && !over) return;
  if (!session->home_lasts && (over || session->stop_requested || session->placed_at == WallTime{}))
    return record_export(step, id, nullptr, "its files went with its machine: homes do not last here (--homes)");
  begin_export(step, id, workshop);
}

bool is_over(const Tables& tables, const SessionId& id) {
  const auto* session = tables.sessions.find(id);
  return session == nullptr || model::is_terminal(session->state);
}

void stop_if_live(Step& step, const SessionId& id, const std::string& reason) {
  if (!is_over(step.tables, id)) std::ignore = stop_session(step, {}, id, reason);
}

bool wind_down(Step& step, const SeatId& id, const model::Workshop& workshop) {
  export_seat(step, id, workshop);
  const auto seat = step.tables.seats.at(id);
  const auto* session = step.tables.sessions.find(seat.session);
  if (session != nullptr && (seat.exported || session->home_lasts))
    stop_if_live(step, seat.session, "the workshop is over");
  stop_if_live(step, seat.leaving, "the workshop is over");
  return seat.exported && is_over(step.tables, seat.session) && is_over(step.tables, seat.leaving);
}

}  // namespace

Result<void> start_seat(Step& step, const SeatId& id, const HostId& avoid) {
  auto seat = step.tables.seats.at(id);
  const auto workshop = step.tables.workshops.at(seat.workshop);
  const auto* principal = step.tables.principals.find(seat.principal);
  if (principal == nullptr) return fail(Code::Corrupt, "seat {} has no principal", id);
  wire::StartSessionRequest request{.app = workshop.spec.app, .name = fmt::format("{}-{}", workshop.name, seat.number)};
  request.pool = pool_name_of(step.tables, workshop);
  SLIPWAY_ASSIGN(const auto session, start_session(step, model::Principal(*principal), request, ""));
  step.begin("StartSeat", {}, {id.text(), session.text()});
  fit_to_workshop(step, session, workshop, avoid);
  seat.session = session;
  place_workshop_files(step, seat, workshop);
  step.begin("SeatStarted", {}, {id.text(), session.text()});
  step.put(std::move(seat));
  return {};
}

void look_after_seats(Step& step, const WorkshopId& id) {
  const auto seats = step.tables.seats_of(id);
  for (const auto& seat : seats) look_after(step, seat);
}

bool wind_down_seats(Step& step, const WorkshopId& id) {
  const auto workshop = step.tables.workshops.at(id);
  bool done = true;
  const auto seats = step.tables.seats_of(id);
  for (const auto& seat : seats) done = wind_down(step, seat, workshop) && done;
  return done;
}

void note_seat_used(Step& step, const SessionId& session) {
  const auto* seat = step.tables.seat_of(session);
  if (seat == nullptr || seat->opened_at != WallTime{}) return;
  auto opened = *seat;
  opened.opened_at = step.now.wall;
  step.begin("RecordSeatOpened", {}, {opened.id.text()});
  step.put(std::move(opened));
}

}  // namespace slipway::controller
