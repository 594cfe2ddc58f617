#include "controller/simulation.hpp"

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/units.hpp"
#include "controller/home_tasks.hpp"

namespace slipway::controller::simulation {
namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kTurn = milliseconds(100);
constexpr int kKeptStarted = 2;
constexpr Duration kSettling = seconds(60);  // the last losses are noticed, fenced and replaced

CoreOptions options() {
  CoreOptions options;
  options.controller_id = "ctl-simulated";
  options.agent_controller = "192.0.2.1:7071";
  options.fingerprint = std::string(64, 'a');
  options.join_key = std::string(32, 'k');
  options.join_timeout = seconds(20);
  options.startup_grace = seconds(3);
  options.absent_grace = seconds(4);
  options.launch_backoff_most = seconds(4);
  options.max_attempts = 1000;  // the storm is worse than any fleet
  options.join_token_lifetime = std::chrono::hours(10);
  options.homes = model::HomeMount{.kind = model::HomeKind::Directory, .source = "/homes"};
  return options;
}

wire::RegisterAppRequest desk() {
  wire::RegisterAppRequest app{.name = "desk"};
  app.spec.container_image = "tiny:1";
  app.spec.resources = {.cpu_millis = 500, .memory_bytes = kGiB};
  app.spec.ports = {{.name = "web", .port = 80}};
  app.spec.longest = seconds(30);
  app.spec.sessions_a_person = 1000;
  return app;
}

model::Principal make_admin(RandomSource& random) {
  return {.id = PrincipalId::make(random), .meta = {}, .name = "admin", .admin = true};
}

}  // namespace

World::World(unsigned seed)
    : dice_(seed), random_(seed), store_(store::make_memory_store()), admin_(make_admin(random_)) {
  now_ = ManualClock().now();
  start_controller();
  add_machine_by_hand();
  create_pool(1 + below(3));
  keep_some_started();
}

void World::broken(std::string what) {
  broken_.push_back(fmt::format("at {}: {}", now_.steady.time_since_epoch().count() - 1'000'000, std::move(what)));
}

void World::later(Duration delay, std::function<void()> work) { due_.emplace(now_.steady + delay, std::move(work)); }

void World::later_in_this_life(Duration delay, std::function<void()> work) {
  later(delay, [this, life = life_, work = std::move(work)] {
    if (core_ && life == life_) work();
  });
}

void World::start_controller() {
  const auto rows = store_->load_all();
  auto core = Core::load(options(), random_, *rows, now_);
  if (!core) return broken("the store cannot be loaded: " + core.error().text());
  core_.emplace(std::move(*core));
  ++life_;
  accept(core_->start(now_));
}

void World::crash_controller() {
  core_.reset();
  for (auto& machine : machines_) machine->connection = 0;
}

/// Commit and effects take a moment each; a crash may fall before, between and after.
void World::accept(Outcome outcome) {
  auto shared = std::make_shared<Outcome>(std::move(outcome));
  if (!shared->sets.empty()) {
    if (const auto done = store_->commit(shared->sets); !done) return broken("commit: " + done.error().text());
  }
  for (const auto& action : shared->actions) {
    if (!core_) return;
    if (storming_ && chance(1) && below(8) == 0) return crash_controller();  // between two effects
    perform(action);
  }
}

void World::feed(Event event) {
  if (!core_) return;
  auto outcome = core_->handle(event, now_);
  if (storming_ && chance(1) && below(8) == 0) return crash_controller();  // decided, not committed
  accept(std::move(outcome));
}

void World::perform(const Action& action) {
  if (const auto* send = std::get_if<SendToAgent>(&action)) perform(*send);
  if (const auto* launch = std::get_if<LaunchInstance>(&action)) perform(*launch);
  if (const auto* terminate = std::get_if<TerminateInstance>(&action)) perform(*terminate);
  if (const auto* close = std::get_if<CloseAgent>(&action)) {
    for (auto& machine : machines_)
      if (machine->connection == close->connection) machine->connection = 0;
    later_in_this_life(milliseconds(1), [this, id = close->connection] { feed(AgentGone{id, "closed"}); });
  }
  if (const auto* logs = std::get_if<ReadLogs>(&action))
    later_in_this_life(milliseconds(20), [this, id = logs->allocation] { feed(LogsDurable{.allocation = id}); });
}

void World::perform(const SendToAgent& action) {
  later(milliseconds(1 + below(50)), [this, action] {
    auto* machine = reached_over(action.connection);
    if (machine != nullptr && machine->alive && machine->agent_up) deliver(*machine, action.message);
  });
}

/// As TCP does: what cannot be delivered breaks the connection, so nothing is lost in the middle of one.
Machine* World::reached_over(ConnectionId connection) {
  for (auto& machine : machines_) {
    if (machine->connection != connection) continue;
    if (now_.steady >= machine->unreachable_until) return machine.get();
    machine->connection = 0;
  }
  return nullptr;
}

void World::perform(const LaunchInstance& action) {
  later(milliseconds(below(300)), [this, action, life = life_] {
    const auto answer = [&](Result<cloud::Instance> instance) {
      if (core_ && life == life_) feed(LaunchAnswered{action.host, std::move(instance)});
    };
    if (cloud_refuses_) return answer(fail(Code::Exhausted, "InsufficientInstanceCapacity"));
    auto& known = by_token_[action.request.client_token];
    if (known.instance.instance_id.empty()) {
      known.instance = {.instance_id = fmt::format("i-{:08}", ++instances_made_),
                        .client_token = action.request.client_token,
                        .state = cloud::InstanceState::Running,
                        .private_ip = "192.0.2.9",
                        .tags = action.request.tags};
      auto machine = std::make_unique<Machine>();
      machine->instance_id = known.instance.instance_id;
      machine->join_token = wire::decode_user_data(action.request.user_data)->join_token;
      machine->next_hello = now_.steady + milliseconds(below(3000));
      if (storming_ && chance(5)) machine->agent_up = false;  // never joins
      machines_.push_back(std::move(machine));
    }
    if (chance(10)) return answer(fail(Code::Timeout, "no answer"));  // launched all the same
    answer(known.instance);
  });
}

void World::perform(const TerminateInstance& action) {
  later(milliseconds(below(300)), [this, action, life = life_] {
    if (chance(20)) {
      if (core_ && life == life_ && !action.host.empty())
        feed(TerminateAnswered{action.host, fail(Code::Unreachable, "no route")});
      return;
    }
    for (auto& [token, known] : by_token_)
      if (known.instance.instance_id == action.instance_id && known.instance.state == cloud::InstanceState::Running) {
        known.instance.state = cloud::InstanceState::ShuttingDown;
        known.terminated_at = now_.steady + milliseconds(500 + below(4000));
      }
    if (core_ && life == life_ && !action.host.empty()) feed(TerminateAnswered{action.host, {}});
  });
}

// ---- machines ----

wire::AllocationReport World::report_of(const Container& container) const {
  wire::AllocationReport report{
      .allocation = container.allocation, .epoch = container.epoch, .state = container.state, .started_at = now_.wall};
  if (model::is_terminal(container.state)) report.stdout_bytes = report.stderr_bytes = 0;
  report.ready = container.service && container.state == model::AllocationState::Running;
  report.claimed = container.service && !container.person.empty();
  return report;
}

wire::HomeTaskReport World::report_of(const HomeTaskId& task, SteadyTime done_at) const {
  const bool done = now_.steady >= done_at;
  return {.task = task, .state = done ? model::HomeTaskState::Succeeded : model::HomeTaskState::Running};
}

wire::Inventory World::inventory_of(const Machine& machine) const {
  wire::Inventory inventory;
  for (const auto& [id, container] : machine.containers) inventory.allocations.push_back(report_of(container));
  for (const auto& [id, done_at] : machine.home_tasks) inventory.home_tasks.push_back(report_of(id, done_at));
  return inventory;
}

void World::say(Machine& machine, wire::AgentMessage message) {
  if (machine.connection == 0) return;
  later(milliseconds(1 + below(50)), [this, connection = machine.connection, message = std::move(message)] {
    if (reached_over(connection) != nullptr) feed(AgentSaid{connection, message});
  });
}

void World::deliver(Machine& machine, const wire::ControllerMessage& message) {
  if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    if (!welcome->credential.empty()) machine.credential = welcome->credential;
    machine.welcomed = true;
    say(machine, inventory_of(machine));
    say(machine,
        wire::HostStatus{
            .ready = true, .capacity = {.cpu_millis = 2000, .memory_bytes = 4 * kGiB}, .container_images = {"tiny:1"}});
  }
  if (const auto* order = std::get_if<wire::StartAllocation>(&message)) {
    if (machine.containers.contains(order->allocation)) return;
    if (storming_ && chance(3)) return say(machine, wire::OrderRefused{order->allocation, order->epoch, "not now"});
    if (!machine.started.insert(order->allocation).second)
      return broken(fmt::format("allocation {} is started a second time", order->allocation));
    Container container{.allocation = order->allocation,
                        .job = order->job,
                        .epoch = order->epoch,
                        .resources = order->spec.resources,
                        .ends_at = now_.steady + milliseconds(500 + below(8000)),
                        .service = order->spec.service.has_value()};
    if (container.service) {
      container.warm = order->spec.service->warm;
      const auto person = order->spec.service->startup.find("initial_url");
      if (person != order->spec.service->startup.end()) container.person = person->second;
      if (container.warm != container.person.empty())
        broken("P8: a start says neither whose it is nor that it is nobody's");
    }
    machine.containers[order->allocation] = container;
    say(machine, report_of(container));
  }
  if (const auto* order = std::get_if<wire::StopAllocation>(&message)) {
    const auto found = machine.containers.find(order->allocation);
    if (found == machine.containers.end() || model::is_terminal(found->second.state)) return;
    found->second.state = model::AllocationState::Stopped;
    say(machine, report_of(found->second));
  }
  if (const auto* order = std::get_if<wire::ClaimAllocation>(&message)) {
    const auto found = machine.containers.find(order->allocation);
    if (found == machine.containers.end() || model::is_terminal(found->second.state)) return;
    const auto person = order->startup.at("initial_url");
    if (found->second.person.empty()) found->second.person = person;
    if (found->second.person != person) broken("P8: two people were given one container");
    say(machine, report_of(found->second));
  }
  if (const auto* order = std::get_if<wire::HomeTaskOrder>(&message))
    machine.home_tasks.try_emplace(order->task, now_.steady + milliseconds(below(3000)));
  if (const auto* order = std::get_if<wire::ForgetHomeTask>(&message)) machine.home_tasks.erase(order->task);
  if (const auto* order = std::get_if<wire::ForgetAllocation>(&message)) {
    const auto found = machine.containers.find(order->allocation);
    if (found == machine.containers.end()) return;
    if (!model::is_terminal(found->second.state)) broken("a running allocation is forgotten");
    machine.containers.erase(found);
  }
}

void World::run_machine(Machine& machine) {
  if (!machine.alive) return;
  for (auto& [id, container] : machine.containers)
    if (!container.service && !model::is_terminal(container.state) && now_.steady >= container.ends_at) {
      container.state = model::AllocationState::Succeeded;
      if (machine.agent_up) say(machine, report_of(container));
    }
  if (!machine.agent_up || !core_ || now_.steady < machine.unreachable_until) return;
  if (machine.connection == 0) {
    if (now_.steady < machine.next_hello) return;
    machine.next_hello = now_.steady + milliseconds(700 + below(800));
    machine.connection = next_connection_++;
    machine.welcomed = false;
    say(machine, wire::Hello{.agent_version = "1",
                             .features = {std::string(wire::kServicesFeature)},
                             .join_token = machine.credential.empty() ? machine.join_token : "",
                             .credential = machine.credential,
                             .instance_id = machine.instance_id,
                             .hostname = "m" + machine.instance_id,
                             .boot_id = "boot"});
  } else if (machine.welcomed && now_.steady >= machine.next_heartbeat) {
    machine.next_heartbeat = now_.steady + seconds(2);
    say(machine, wire::Heartbeat{});
    for (const auto& [id, container] : machine.containers)
      if (model::is_terminal(container.state)) say(machine, report_of(container));
    for (const auto& [id, done_at] : machine.home_tasks) say(machine, report_of(id, done_at));
  }
}

// ---- people ----

void World::create_pool(int size) {
  auto [pool, outcome] = core_->command(now_, [&](Step& step) {
    return controller::create_pool(step, admin_,
                                   {.name = "p", .image = "ami-1", .instance_type = "t3.medium", .size = size});
  });
  if (pool) pool_size_ = size;
  accept(std::move(outcome));
}

void World::add_machine_by_hand() {
  auto [token, outcome] = core_->command(now_, [&](Step& step) { return create_join_token(step, admin_); });
  auto machine = std::make_unique<Machine>();
  machine->join_token = token->secret;
  machines_.push_back(std::move(machine));
  accept(std::move(outcome));
}

void World::submit() {
  const bool harmless = chance(15);
  wire::SubmitJobRequest request{.name = "job"};
  request.spec.container_image = "tiny:1";
  request.spec.command = {"true"};
  request.spec.resources = {.cpu_millis = 500 * (1 + below(3)), .memory_bytes = kGiB};
  request.spec.rerun_harmless = harmless;
  auto [job, outcome] = core_->command(now_, [&](Step& step) { return submit_job(step, admin_, request, ""); });
  const auto id = *job;
  accept(std::move(outcome));
  if (core_) acknowledged_[id] = harmless;
}

void World::keep_some_started() {
  auto [done, outcome] = core_->command(now_, [&](Step& step) -> Result<void> {
    SLIPWAY_TRY(register_app(step, admin_, desk()));
    return set_warm(step, admin_, step.tables.pools.rows().begin()->first, "desk", kKeptStarted);
  });
  if (!done) return broken("nothing is kept started: " + done.error().text());
  accept(std::move(outcome));
}

void World::place_files() {
  auto [id, outcome] = core_->command(now_, [&](Step& step) {
    return controller::place_files(step, admin_.id, admin_.id, {{.path = "a", .sha256 = std::string(64, 'a')}}, "",
                                   false);
  });
  accept(std::move(outcome));
  if (core_) home_tasks_[*id] = model::HomeTaskState::Queued;
}

/// It ends by itself, when its time is over.
void World::start_session() {
  const auto person = fmt::format("https://example.org/{}", sessions_.size());
  auto [id, outcome] = core_->command(now_, [&](Step& step) -> Result<SessionId> {
    SLIPWAY_ASSIGN(auto session,
                   controller::start_session(step, admin_, {.app = "desk", .startup = {{"initial_url", person}}}, ""));
    SLIPWAY_TRY(create_link(step, admin_, session, {}));
    return session;
  });
  if (!id) return broken("a session cannot be started: " + id.error().text());
  const auto job = core_->tables().sessions.at(*id).job;
  accept(std::move(outcome));
  if (!core_) return;
  sessions_[*id] = person;
  acknowledged_[job] = false;
}

void World::stop_some_job() {
  if (acknowledged_.empty()) return;
  const auto id = std::next(acknowledged_.begin(), below(static_cast<int>(acknowledged_.size())))->first;
  auto [done, outcome] = core_->command(now_, [&](Step& step) { return stop_job(step, admin_, id); });
  accept(std::move(outcome));
}

void World::disturb() {
  if (core_ && chance(4)) submit();
  if (core_ && chance(2)) stop_some_job();
  if (core_ && chance(1)) start_session();
  if (core_ && chance(1)) place_files();
  if (core_ && chance(1)) crash_controller();
  if (!core_ && chance(10)) start_controller();
  if (chance(1)) cloud_refuses_ = !cloud_refuses_;
  auto& machine = *machines_[static_cast<std::size_t>(below(static_cast<int>(machines_.size())))];
  if (chance(2)) machine.unreachable_until = now_.steady + milliseconds(below(20000));
  if (chance(2)) machine.connection = 0;
  if (chance(1)) {
    machine.agent_up = !machine.agent_up;
    machine.connection = 0;
  }
  if (!machine.instance_id.empty() && chance(1)) {  // killed outright, by power or by the owner of the account
    machine.alive = false;
    machine.containers.clear();
    if (chance(50))
      for (auto& [token, known] : by_token_)
        if (known.instance.instance_id == machine.instance_id) known.instance.state = cloud::InstanceState::Terminated;
  }
}

void World::step(bool storm) {
  now_.wall += kTurn;
  now_.steady += kTurn;
  if (storm) disturb();
  for (auto& [token, known] : by_token_)
    if (known.instance.state == cloud::InstanceState::ShuttingDown && now_.steady >= known.terminated_at)
      known.instance.state = cloud::InstanceState::Terminated;
  for (auto& machine : machines_)
    for (auto& [token, known] : by_token_)
      if (known.instance.instance_id == machine->instance_id &&
          known.instance.state == cloud::InstanceState::Terminated) {
        machine->alive = false;
        machine->containers.clear();
        machine->connection = 0;
      }
  for (std::size_t i = 0; i < machines_.size(); ++i) run_machine(*machines_[i]);
  while (!due_.empty() && due_.begin()->first <= now_.steady) {
    const auto work = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    work();
  }
  if (below(2) == 0) feed(Tick{});
  if (core_ && below(4) == 0) {
    InstancesListed listed{.instances = {}, .asked_at = now_.steady};
    for (const auto& [token, known] : by_token_) listed.instances.push_back(known.instance);
    later_in_this_life(milliseconds(below(400)), [this, listed = std::move(listed)] { feed(listed); });
  }
  check();
}

void World::check() {
  std::map<JobId, int> running;
  for (const auto& machine : machines_) {
    model::Resources used;
    for (const auto& [id, container] : machine->containers) {
      if (model::is_terminal(container.state)) continue;
      used = used + container.resources;
      ++running[container.job];
    }
    if (!model::fits(used, {.cpu_millis = 2000, .memory_bytes = 4 * kGiB})) broken("P4: a host is over-committed");
  }
  for (const auto& [job, count] : running) {
    const auto known = acknowledged_.find(job);
    const bool harmless = known != acknowledged_.end() && known->second;
    if (count > 1 && !harmless) broken(fmt::format("P2: {} attempts of job {} run at once", count, job));
  }
  if (!core_) return;
  for (const auto& [id, harmless] : acknowledged_) {
    const auto* job = core_->tables().jobs.find(id);
    if (job == nullptr) {
      broken(fmt::format("P1: job {} is gone", id));
      continue;
    }
    const auto before = ended_.find(id);
    if (before != ended_.end() && before->second != job->state)
      broken(fmt::format("P3: job {} was {} and is now {}", id, model::job_state_name(before->second),
                         model::job_state_name(job->state)));
    if (model::is_terminal(job->state)) ended_[id] = job->state;
  }
  check_sessions();
  check_claims();
  check_home_tasks();
}

void World::check_claims() {
  for (const auto& machine : machines_)
    for (const auto& [id, container] : machine->containers) {
      const auto* session = core_->tables().session_of(container.job);
      if (session == nullptr || session->state != model::SessionState::Ready) continue;
      const auto* current = core_->tables().current_of(core_->tables().jobs.at(container.job));
      const auto ours = sessions_.find(session->id);
      if (current->id == id && ours != sessions_.end() && container.person != ours->second)
        broken(fmt::format("P8: session {} is READY in a container of '{}'", session->id, container.person));
    }
}

void World::check_home_tasks() {
  for (auto& [id, before] : home_tasks_) {
    const auto* task = core_->tables().home_tasks.find(id);
    if (task == nullptr) {
      broken(fmt::format("P1: home task {} is gone", id));
      continue;
    }
    if (model::is_terminal(before) && task->state != before) broken(fmt::format("P9: home task {} ended twice", id));
    before = task->state;
  }
}

void World::check_sessions() {
  for (const auto& [id, person] : sessions_) {
    const auto* session = core_->tables().sessions.find(id);
    if (session == nullptr) {
      broken(fmt::format("P1: session {} is gone", id));
      continue;
    }
    const auto& job = core_->tables().jobs.at(session->job);
    const bool ended = model::is_terminal(session->state);
    if (ended != model::is_terminal(job.state))
      broken(fmt::format("P7: session {} is {} and its job {}", id, model::session_state_name(session->state),
                         model::job_state_name(job.state)));
    if (ended && !job.stop_requested) broken(fmt::format("P7: session {} ended by itself: {}", id, session->reason));
    if (core_->tables().links_of(id).empty() != ended) broken(fmt::format("P7: session {} and its link differ", id));
  }
}

bool World::at_rest() const {
  return core_ && core_->tables().open_home_tasks().empty() &&
         std::ranges::all_of(core_->tables().jobs.rows(), [](const auto& row) {
           const auto& service = row.second.spec.service;
           return model::is_terminal(row.second.state) || (service && service->warm);
         });
}

void World::check_end() {
  int living = 0;
  for (const auto& [token, known] : by_token_)
    if (known.instance.state == cloud::InstanceState::Running) ++living;
  if (living != pool_size_) broken(fmt::format("P6: {} instances live, {} are wanted", living, pool_size_));
  for (const auto& [id, harmless] : acknowledged_)
    if (const auto& job = core_->tables().jobs.at(id); !model::is_terminal(job.state))
      broken(fmt::format("job {} never ended: {} ({})", id, model::job_state_name(job.state), job.reason));
  int kept = 0;
  for (const auto& machine : machines_) {
    if (!machine->alive) continue;
    const auto nobodys = std::ranges::count_if(
        machine->containers, [](const auto& row) { return row.second.service && row.second.person.empty(); });
    kept += static_cast<int>(nobodys);
    if (static_cast<std::ptrdiff_t>(machine->containers.size()) > nobodys)
      broken(
          fmt::format("P5: machine '{}' still holds {} containers", machine->instance_id, machine->containers.size()));
    if (!machine->home_tasks.empty()) broken("P5: a machine still holds home tasks");
  }
  if (kept != kKeptStarted) broken(fmt::format("P6: {} are kept started, {} are wanted", kept, kKeptStarted));
  for (const auto& [id, state] : home_tasks_)
    if (state != model::HomeTaskState::Succeeded) broken(fmt::format("P9: home task {} never ended", id));
}

std::vector<std::string> World::run(Duration storm, Duration calm) {
  storming_ = true;
  for (Duration t{0}; t < storm && broken_.empty(); t += kTurn) step(true);
  cloud_refuses_ = false;
  storming_ = false;
  for (auto& machine : machines_) {
    machine->unreachable_until = {};
    machine->agent_up = machine->agent_up || machine->instance_id.empty();
  }
  for (Duration t{0}; t < calm && broken_.empty() && !at_rest(); t += kTurn) {
    if (!core_) start_controller();
    step(false);
  }
  for (Duration t{0}; t < kSettling && broken_.empty(); t += kTurn) step(false);
  if (!core_) start_controller();
  if (broken_.empty()) check_end();
  return broken_;
}

TEST(Simulation, StormsOfCrashesAndLosses_BreakNoPromise) {
  constexpr unsigned kSeeds = 12;  // about four seconds; more on demand
  log::set_level(log::Level::Error);
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    World world(seed);
    const auto broken = world.run(seconds(90), seconds(600));
    for (const auto& what : broken) ADD_FAILURE() << "seed " << seed << " " << what;
    if (!broken.empty()) return;
  }
}

}  // namespace slipway::controller::simulation
