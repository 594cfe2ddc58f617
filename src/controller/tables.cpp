#include "controller/tables.hpp"

#include "wire/json.hpp"
#include "wire/records.hpp"
#include "wire/workshops.hpp"

namespace slipway::controller {
namespace {

template <typename T>
Result<void> load_row(Tables& tables, const store::Row& row) {
  auto read = wire::from_json<T>(row.body);
  if (!read) return fail(Code::Corrupt, "stored {} {} cannot be read: {}", row.table, row.id, read.error().text());
  read->meta.version = row.version;
  table_of<T>(tables).put(std::move(*read));
  return {};
}

Result<void> load_idempotency(Tables& tables, const store::Row& row) {
  SLIPWAY_ASSIGN(const auto reader, wire::JsonReader::open(row.body, "idempotency"));
  IdempotencyRecord record{.id = row.id, .meta = {.version = row.version}};
  SLIPWAY_ASSIGN(const auto job, reader.text("job"));
  SLIPWAY_ASSIGN(record.job, JobId::parse(job));
  SLIPWAY_ASSIGN(record.request_sha256, reader.text("request_sha256"));
  SLIPWAY_ASSIGN(const auto created, reader.text("created_at"));
  SLIPWAY_ASSIGN(record.meta.created_at, parse_time(created));
  tables.idempotency.put(std::move(record));
  return {};
}

using Loader = Result<void> (*)(Tables&, const store::Row&);
const std::map<std::string, Loader>& loaders() {
  static const std::map<std::string, Loader> kLoaders{{"job", load_row<model::Job>},
                                                      {"allocation", load_row<model::Allocation>},
                                                      {"host", load_row<model::Host>},
                                                      {"pool", load_row<model::Pool>},
                                                      {"image", load_row<model::Image>},
                                                      {"bake", load_row<model::Bake>},
                                                      {"principal", load_row<model::Principal>},
                                                      {"token", load_row<model::Token>},
                                                      {"project", load_row<model::Project>},
                                                      {"app", load_row<model::App>},
                                                      {"session", load_row<model::Session>},
                                                      {"link", load_row<model::Link>},
                                                      {"home_task", load_row<model::HomeTask>},
                                                      {"workshop", load_row<model::Workshop>},
                                                      {"seat", load_row<model::Seat>},
                                                      {"idempotency", load_idempotency}};
  return kLoaders;
}

}  // namespace

boost::json::value row_body(const IdempotencyRecord& record) {
  return boost::json::object{{"id", record.id},
                             {"job", record.job.text()},
                             {"request_sha256", record.request_sha256},
                             {"created_at", format_time(record.meta.created_at)}};
}

Result<void> Tables::load(const std::vector<store::Row>& rows) {
  for (const auto& row : rows) {
    const auto loader = loaders().find(row.table);
    if (loader == loaders().end())
      return fail(Code::Incompatible, "the store has a table '{}' that this version does not know", row.table);
    SLIPWAY_TRY(loader->second(*this, row));
  }
  for (const auto& [id, job] : jobs.rows()) reindex(job);
  for (const auto& [id, allocation] : allocations.rows()) reindex(allocation);
  for (const auto& [id, session] : sessions.rows()) reindex(session);
  for (const auto& [id, seat] : seats.rows()) reindex(seat);
  for (const auto& [id, task] : home_tasks.rows()) reindex(task);
  return {};
}

const std::set<AllocationId>& Tables::open_on(const HostId& host) const {
  static const std::set<AllocationId> kNone;
  const auto found = open_.find(host);
  return found == open_.end() ? kNone : found->second;
}

const model::Allocation* Tables::current_of(const model::Job& job) const {
  return job.allocations.empty() ? nullptr : allocations.find(job.allocations.back());
}

bool Tables::is_current(const model::Allocation& allocation) const {
  const auto* job = jobs.find(allocation.job);
  return job != nullptr && !job->allocations.empty() && job->allocations.back() == allocation.id;
}

std::vector<const model::Host*> Tables::hosts_of(const PoolId& pool) const {
  std::vector<const model::Host*> result;
  for (const auto& [id, host] : hosts.rows())
    if (host.pool == pool && !model::is_gone(host.state)) result.push_back(&host);
  return result;
}

const model::Session* Tables::session_of(const JobId& job) const {
  const auto found = session_of_.find(job);
  return found == session_of_.end() ? nullptr : sessions.find(found->second);
}

const model::App* Tables::newest_app(const std::string& name) const {
  const model::App* newest = nullptr;
  for (const auto& [id, app] : apps.rows())
    if (app.name == name && (newest == nullptr || app.version > newest->version)) newest = &app;
  return newest;
}

std::vector<const model::Link*> Tables::links_of(const SessionId& session) const {
  std::vector<const model::Link*> found;
  for (const auto& [created, id] : links.order())
    if (const auto& link = links.at(id); link.session == session) found.push_back(&link);
  return found;
}

std::vector<const model::Link*> Tables::links_of(const SeatId& seat) const {
  std::vector<const model::Link*> found;
  for (const auto& [created, id] : links.order())
    if (const auto& link = links.at(id); link.seat == seat) found.push_back(&link);
  return found;
}

std::vector<SeatId> Tables::seats_of(const WorkshopId& workshop) const {
  std::vector<SeatId> result;
  if (const auto found = seats_of_.find(workshop); found != seats_of_.end())
    for (const auto& [number, seat] : found->second) result.push_back(seat);
  return result;
}

const model::Seat* Tables::seat_of(const SessionId& session) const {
  const auto found = seat_of_.find(session);
  const auto* seat = found == seat_of_.end() ? nullptr : seats.find(found->second);
  return seat != nullptr && seat->session == session ? seat : nullptr;
}

bool Tables::is_open(const model::Allocation& allocation) const {
  if (!model::is_terminal(allocation.state)) return true;
  if (allocation.state != model::AllocationState::Lost) return false;
  const auto* job = jobs.find(allocation.job);
  return job != nullptr && job->state == model::JobState::Lost && is_current(allocation);
}

void Tables::reindex(const model::Job& job) {
  const Table<model::Job>::Position position{job.meta.created_at, job.id};
  if (job.state == model::JobState::Queued)
    queued_.insert(position);
  else
    queued_.erase(position);
  if (job.spec.service && job.spec.service->warm && !model::is_terminal(job.state))
    unclaimed_.insert(position);
  else
    unclaimed_.erase(position);
  if (const auto* current = current_of(job)) reindex(*current);
}

void Tables::reindex(const model::Session& session) {
  session_of_[session.job] = session.id;
  if (model::is_terminal(session.state))
    live_sessions_.erase(session.id);
  else
    live_sessions_.insert(session.id);
}

void Tables::reindex(const model::HomeTask& task) {
  const Table<model::HomeTask>::Position position{task.meta.created_at, task.id};
  if (model::is_terminal(task.state))
    open_home_tasks_.erase(position);
  else
    open_home_tasks_.insert(position);
}

void Tables::reindex(const model::Seat& seat) {
  seats_of_[seat.workshop][seat.number] = seat.id;
  if (!seat.session.empty()) seat_of_[seat.session] = seat.id;
}

void Tables::reindex(const model::Allocation& allocation) {
  if (is_open(allocation)) {
    open_[allocation.host].insert(allocation.id);
    return;
  }
  const auto found = open_.find(allocation.host);
  if (found == open_.end()) return;
  found->second.erase(allocation.id);
  if (found->second.empty()) open_.erase(found);
}

}  // namespace slipway::controller
