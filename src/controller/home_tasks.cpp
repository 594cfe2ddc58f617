#include "controller/home_tasks.hpp"

#include "base/relative_path.hpp"
#include "controller/placement.hpp"

namespace slipway::controller {
namespace {

using model::HomeTaskState;

std::optional<model::HomeMount> lasting_home(const CoreOptions& options, const PrincipalId& person) {
  if (!options.homes) return std::nullopt;
  auto home = *options.homes;
  home.name = person.text();
  home.quota_bytes = options.home_quota_bytes;
  return home;
}

wire::HomeTaskOrder order_of(const CoreOptions& options, const model::HomeTask& task) {
  wire::HomeTaskOrder order{.task = task.id,
                            .kind = task.kind,
                            .home = lasting_home(options, task.home),
                            .allocation = task.allocation,
                            .files = task.files,
                            .directory = task.directory,
                            .replace = task.replace,
                            .limit_bytes = task.limit_bytes};
  if (!task.allocation.empty()) order.home.reset();  // given out before homes were made to last
  return order;
}

Result<HomeTaskId> queue(Step& step, const PrincipalId& who, const char* command, model::HomeTask task) {
  task.id = HomeTaskId::make(step.random);
  task.meta.owner = who;
  if (!step.tables.projects.order().empty()) task.meta.project = step.tables.projects.order().begin()->second;
  task.reason = "waits for a host";
  step.begin(command, who, {task.id.text(), task.home.text()});
  const auto id = step.put(std::move(task)).id;
  step.known.home_tasks_due = true;
  step.act(HomeTaskChanged{id});
  return id;
}

bool can_do(const Step& step, const model::Host& host) {
  return takes_orders(step, host) && std::ranges::binary_search(host.features, std::string(wire::kServicesFeature));
}

/// The person's newest session that is on a host which takes orders.
const model::Allocation* place_of(const Step& step, const PrincipalId& person) {
  const model::Allocation* newest = nullptr;
  for (const auto& id : step.tables.live_sessions()) {
    const auto& session = step.tables.sessions.at(id);
    if (session.meta.owner != person || session.stop_requested) continue;
    const auto& job = step.tables.jobs.at(session.job);
    if (job.spec.service->home.empty()) continue;  // this app has none
    const auto* allocation = step.tables.current_of(job);
    if (allocation == nullptr || allocation->state != model::AllocationState::Running) continue;
    if (!can_do(step, step.tables.hosts.at(allocation->host))) continue;
    if (newest == nullptr || newest->meta.created_at < allocation->meta.created_at) newest = allocation;
  }
  return newest;
}

using Loads = std::map<HostId, int>;

Loads loads_of(const Step& step) {
  Loads loads;
  for (const auto& [id, host] : step.tables.hosts.rows())
    if (can_do(step, host)) loads[id] = 0;
  for (const auto& [created, id] : step.tables.open_home_tasks()) {
    const auto found = loads.find(step.tables.home_tasks.at(id).host);
    if (found != loads.end()) ++found->second;
  }
  return loads;
}

struct Choice {
  HostId host;
  AllocationId allocation;
  std::string waits;  ///< why there is none
};

Choice least_loaded(const Step& step, const Loads& loads) {
  if (loads.empty()) return {.waits = "no host is READY whose agent can do it"};
  const auto best = std::ranges::min_element(loads, {}, [](const auto& entry) { return entry.second; });
  if (best->second >= step.options.home_tasks_a_host) return {.waits = "every host is busy with other homes"};
  return {.host = best->first};
}

/// Where the person works its files are at hand; otherwise any host will do.
Choice choose(const Step& step, const model::HomeTask& task, const Loads& loads) {
  const auto* place = place_of(step, task.home);
  const auto load = place == nullptr ? loads.end() : loads.find(place->host);
  const bool has_room = load != loads.end() && load->second < step.options.home_tasks_a_host;
  if (step.options.homes) return has_room ? Choice{.host = place->host} : least_loaded(step, loads);
  if (place == nullptr) return {.waits = "waits for a session of this person to run on a host"};
  if (!has_room) return {.waits = "the session's host is busy with other homes"};
  return {.host = place->host, .allocation = place->id};
}

void show_reason(Step& step, const HomeTaskId& id, const std::string& reason) {
  auto* row = step.tables.home_tasks.computed(id);
  if (row->reason == reason) return;
  row->reason = reason;
  step.act(HomeTaskChanged{id});
}

void give_out(Step& step, const HomeTaskId& id, Loads& loads) {
  auto task = step.tables.home_tasks.at(id);
  const auto choice = choose(step, task, loads);
  if (choice.host.empty()) return show_reason(step, id, choice.waits);
  ++loads[choice.host];
  task.state = HomeTaskState::Running;
  task.host = choice.host;
  task.allocation = choice.allocation;
  task.reason.clear();
  step.begin("GiveOutHomeTask", {}, {id.text(), choice.host.text()});
  const auto& stored = step.put(std::move(task));
  step.tell(stored.host, order_of(step.options, stored));
  step.act(HomeTaskChanged{id});
}

void end(Step& step, model::HomeTask task, HomeTaskState state, const std::string& reason, const PrincipalId& who) {
  task.state = state;
  task.reason = reason;
  task.finished_at = step.now.wall;
  step.begin("EndHomeTask", who, {task.id.text()}, {{"state", model::home_task_state_name(state)}, {"reason", reason}});
  const auto id = step.put(std::move(task)).id;
  step.known.home_tasks_due = true;
  step.act(HomeTaskChanged{id});
}

/// The inventory itself makes the connection usable, so this does not ask whether it is.
void answer_home(Step& step, const HostId& host, wire::ControllerMessage message) {
  const auto known = step.known.hosts.find(host);
  if (known != step.known.hosts.end() && known->second.connection)
    step.act(SendToAgent{*known->second.connection, std::move(message)});
}

}  // namespace

Result<HomeTaskId> place_files(Step& step, const PrincipalId& who, const PrincipalId& home, model::Manifest files,
                               const std::string& directory, bool replace) {
  if (files.empty()) return fail(Code::InvalidInput, "no files to place are named");
  if (files.size() > model::kMaxManifestEntries)
    return fail(Code::InvalidInput, "{} files are more than {}", files.size(), model::kMaxManifestEntries);
  for (const auto& entry : files) SLIPWAY_TRY(check_relative_path(entry.path));
  if (!directory.empty()) SLIPWAY_TRY(check_relative_path(directory));
  return queue(step, who, "PlaceFiles",
               {.home = home,
                .kind = model::HomeTaskKind::PlaceFiles,
                .files = std::move(files),
                .directory = directory,
                .replace = replace});
}

Result<HomeTaskId> export_home(Step& step, const PrincipalId& who, const PrincipalId& home, std::int64_t limit_bytes) {
  return queue(step, who, "ExportHome",
               {.home = home, .kind = model::HomeTaskKind::ExportHome, .limit_bytes = limit_bytes});
}

Result<void> cancel_home_task(Step& step, const PrincipalId& who, const HomeTaskId& id, const std::string& reason) {
  const auto* task = step.tables.home_tasks.find(id);
  if (task == nullptr) return fail(Code::NotFound, "no home task {}", id);
  if (model::is_terminal(task->state)) return {};
  const auto host = task->host;
  end(step, *task, HomeTaskState::Failed, reason, who);
  if (!host.empty()) step.tell(host, wire::ForgetHomeTask{id});
  return {};
}

Result<void> drop_home_task(Step& step, const PrincipalId& who, const HomeTaskId& id) {
  const auto* task = step.tables.home_tasks.find(id);
  if (task == nullptr) return fail(Code::NotFound, "no home task {}", id);
  if (!model::is_terminal(task->state)) return fail(Code::Conflict, "home task {} has not ended", id);
  step.begin("DropHomeTask", who, {id.text()});
  step.erase(*task);
  return {};
}

void give_out_home_tasks(Step& step) {
  step.known.home_tasks_due = false;
  if (step.tables.open_home_tasks().empty()) return;
  auto loads = loads_of(step);
  const auto open = step.tables.open_home_tasks();
  for (const auto& [created, id] : open)
    if (step.tables.home_tasks.at(id).state == HomeTaskState::Queued) give_out(step, id, loads);
}

void on_home_task_report(Step& step, const model::Host& host, const wire::HomeTaskReport& report) {
  const auto* task = step.tables.home_tasks.find(report.task);
  const bool ours = task != nullptr && task->host == host.id && !model::is_terminal(task->state);
  if (!ours) return answer_home(step, host.id, wire::ForgetHomeTask{report.task});
  if (!model::is_terminal(report.state)) return show_reason(step, report.task, report.reason);
  auto ended = *task;
  ended.kept = report.kept;
  ended.archive_sha256 = report.archive_sha256;
  ended.archive_bytes = report.archive_bytes;
  end(step, std::move(ended), report.state, report.reason, {});
  answer_home(step, host.id, wire::ForgetHomeTask{report.task});
}

void settle_home_tasks(Step& step, const HostId& host, const std::vector<wire::HomeTaskReport>& held) {
  std::set<HomeTaskId> seen;
  const auto row = step.tables.hosts.at(host);
  for (const auto& report : held) {
    seen.insert(report.task);
    on_home_task_report(step, row, report);
  }
  for (const auto& [created, id] : step.tables.open_home_tasks())
    if (const auto& task = step.tables.home_tasks.at(id); task.host == host && !seen.contains(id))
      answer_home(step, host, order_of(step.options, task));
  step.known.home_tasks_due = true;
}

void requeue_home_tasks(Step& step, const HostId& host, const std::string& reason) {
  const auto open = step.tables.open_home_tasks();
  for (const auto& [created, id] : open) {
    auto task = step.tables.home_tasks.at(id);
    if (task.host != host) continue;
    task.state = HomeTaskState::Queued;
    task.reason = reason + "; given to another host";
    task.host = {};
    task.allocation = {};
    step.begin("RequeueHomeTask", {}, {id.text()}, {{"reason", reason}});
    step.put(std::move(task));
    step.known.home_tasks_due = true;
    step.act(HomeTaskChanged{id});
  }
}

}  // namespace slipway::controller
