#include "controller/workshops.hpp"

#include "controller/commands.hpp"
#include "controller/workshop_commands.hpp"

namespace slipway::controller {
namespace {

void set_pool_size(Step& step, const PoolId& id, int size) {
  const auto* pool = step.tables.pools.find(id);
  if (pool == nullptr || pool->deleting || pool->size == size) return;
  auto changed = *pool;
  changed.size = size;
  step.put(std::move(changed));
  step.known.pools_due = true;
}

void open(Step& step, const WorkshopId& id) {
  auto workshop = step.tables.workshops.at(id);
  step.begin("OpenWorkshop", {}, {id.text()}, {{"name", workshop.name}});
  workshop.state = model::WorkshopState::Open;
  workshop.opened_at = step.now.wall;
  workshop.reason.clear();
  if (!workshop.pool.empty()) set_pool_size(step, workshop.pool, model::hosts_for(workshop.spec));
  step.put(std::move(workshop));
}

void set_reason(Step& step, const WorkshopId& id, const std::string& reason) {
  // What is awaited is computed anew at any time, so it is not worth a commit.
  step.tables.workshops.computed(id)->reason = reason;
}

void finish(Step& step, const WorkshopId& id) {
  auto workshop = step.tables.workshops.at(id);
  step.begin("FinishWorkshop", {}, {id.text()}, {{"name", workshop.name}});
  workshop.state = model::WorkshopState::Ended;
  const auto seats = step.tables.seats_of(id);
  const auto archived = std::ranges::count_if(
      seats, [&](const SeatId& seat) { return !step.tables.seats.at(seat).archive_sha256.empty(); });
  workshop.reason = fmt::format("it is over; {} of {} homes are archived", archived, seats.size());
  workshop.finished_at = step.now.wall;
  step.put(std::move(workshop));
}

void wind_down(Step& step, const WorkshopId& id) {
  if (!wind_down_seats(step, id)) return set_reason(step, id, "homes are being exported and sessions stopped");
  const auto pool = step.tables.workshops.at(id).pool;
  if (const auto* own = step.tables.pools.find(pool)) {
    if (!own->deleting) std::ignore = delete_pool(step, {}, pool);
    return set_reason(step, id, "its hosts are being terminated");
  }
  finish(step, id);
}

}  // namespace

std::string pool_name_of(const Tables& tables, const model::Workshop& workshop) {
  const auto* own = tables.pools.find(workshop.pool);
  return own != nullptr ? own->name : workshop.spec.pool;
}

void check_workshop(Step& step, const WorkshopId& id) {
  using enum model::WorkshopState;
  if (step.tables.workshops.at(id).state == Planned &&
      step.now.wall >= model::opens_at(step.tables.workshops.at(id).spec))
    open(step, id);
  if (step.tables.workshops.at(id).state == Open && step.now.wall >= step.tables.workshops.at(id).spec.end)
    std::ignore = end_workshop(step, {}, id, "its time was over");
  if (step.tables.workshops.at(id).state == Open) look_after_seats(step, id);
  if (step.tables.workshops.at(id).state == Ending) wind_down(step, id);
}

void check_workshops(Step& step) {
  std::vector<WorkshopId> live;
  for (const auto& [id, workshop] : step.tables.workshops.rows())
    if (!model::is_terminal(workshop.state)) live.push_back(id);
  for (const auto& id : live) check_workshop(step, id);
}

model::SeatFacts seat_facts(const Tables& tables, const Volatile& known, const model::Seat& seat) {
  const auto& workshop = tables.workshops.at(seat.workshop);
  model::SeatFacts facts{.spare = seat.spare && !seat.wanted,
                         .ended = workshop.state == model::WorkshopState::Ended,
                         .opened = seat.opened_at != WallTime{},
                         .failures = seat.failures};
  const auto* session = tables.sessions.find(seat.session);
  if (session == nullptr) return facts;
  facts.session = session->state;
  facts.stopped_on_request = session->stop_requested;
  const auto use = known.sessions.find(seat.session);
  if (use != known.sessions.end() && use->second.connections == 0 && use->second.quiet_from)
    facts.unused =
        std::max(std::chrono::duration_cast<Duration>(known.last_tick - *use->second.quiet_from), Duration{0});
  return facts;
}

}  // namespace slipway::controller
