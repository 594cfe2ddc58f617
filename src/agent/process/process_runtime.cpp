#include "agent/process/process_runtime.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "agent/process/host_ports.hpp"
#include "base/log.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

constexpr int kProcessThreads = 4;  ///< each of them may wait for a kernel that lets a process go slowly

Result<int> signal_number(const std::string& name) {
  if (name == "SIGTERM") return SIGTERM;
  if (name == "SIGUSR1") return SIGUSR1;
  if (name == "SIGKILL") return SIGKILL;
  return fail(Code::InvalidInput, "{} is no signal for processes", name);
}

ProcessPaths process_paths(const StatePaths& paths, const wire::StartAllocation& order) {
  const AllocationId& id = order.allocation;
  const auto& service = order.spec.service;
  return {.directory = paths.process(id),
          .work = paths.work(id),
          .artifacts = paths.artifacts(id),
          .log = paths.log(id),
          .startup = service ? paths.startup(id) : "",
          .home = service && !service->home.empty() ? paths.home(id) : "",
          .temporary = paths.process(id) + "/tmp",
          .temporary_stable = paths.process(id) + "/var-tmp",
          .accounts = paths.process(id) + "/accounts"};
}

Result<void> make_mount_points(const ProcessPaths& paths) {
  if (mkdir(kProcessRoot, 0755) != 0 && errno != EEXIST) {
    return fail_errno(errno,
                      fmt::format("make the empty directory {}, where processes find their things", kProcessRoot));
  }
  SLIPWAY_TRY(runtime::make_directories(paths.directory));
  for (const std::string& directory : {paths.temporary, paths.temporary_stable}) {
    SLIPWAY_TRY(runtime::make_directories(directory));
    if (chmod(directory.c_str(), 01777) != 0) return fail_errno(errno, "chmod " + directory);
  }
  return {};
}

/// The host's own accounts and the process's, for programs that want to know their user's name.
Result<void> write_accounts(const std::string& directory, unsigned uid, const std::string& home) {
  SLIPWAY_TRY(runtime::make_directories(directory));
  for (const char* name : {"passwd", "group"}) {
    const auto text = runtime::read_file(fmt::format("/etc/{}", name), 16 << 20);
    const std::string with = accounts_with(text.value_or(""), uid, home, std::string_view(name) == "group");
    SLIPWAY_TRY(runtime::write_file_durably(directory + "/" + name, with, 0644));
  }
  return {};
}

Result<void> check_ports_are_free(const model::ServiceSpec& service) {
  SLIPWAY_ASSIGN(const auto listeners, read_listeners());
  for (const model::AppPort& port : service.ports) {
    const auto taken = std::ranges::find(listeners, port.port, &PortListener::port);
    if (taken == listeners.end()) continue;
    return fail(Error{
        .code = Code::Conflict,
        .message = fmt::format("port {} of this host is in use by another program (user {})", port.port, taken->uid),
        .fix = "stop that program, or give the app another port",
        .context = {}});
  }
  return {};
}

Result<void> make_process(const SupervisedProcess& process, const wire::StartAllocation& order, ProcessPaths paths,
                          const HostSide& host, const RestartRule& restarts) {
  if (process.look()) return {};
  if (getuid() != 0) return fail(Code::Denied, "a process needs a user of its own, which only root can give it");
  if (host.slots.user == 0) return fail(Code::Internal, "{} was given no user", order.allocation);
  if (order.spec.service) SLIPWAY_TRY(check_ports_are_free(*order.spec.service));
  SLIPWAY_TRY(make_mount_points(paths));
  const std::string home = paths.home.empty() ? std::string("/slipway/work") : order.spec.service->home;
  if (access("/etc/passwd", F_OK) != 0 || access("/etc/group", F_OK) != 0) {
    paths.accounts.clear();  // nothing to put them over
  } else {
    SLIPWAY_TRY(write_accounts(paths.accounts, host.slots.user, home));
  }
  SLIPWAY_TRY(process.group().create(order.spec.resources, kPidsLimit));
  const auto plan = process_plan(order, paths, host, process.group(), restarts);
  const auto variables = process_environment(order, host);
  SLIPWAY_TRY(runtime::write_file_durably(paths.directory + "/" + kEnvironmentFile, words_file(variables)));
  return runtime::write_file_durably(paths.directory + "/" + kPlanFile, words_file(plan));
}

}  // namespace

ProcessRuntime::ProcessRuntime(runtime::Loop& loop, StatePaths paths, RestartRule restarts)
    : loop_(loop),
      paths_(std::move(paths)),
      restart_rule_(restarts),
      pool_(std::make_unique<runtime::BlockingPool>(kProcessThreads)) {}

ProcessRuntime::~ProcessRuntime() { pool_.reset(); }

Result<void> ProcessRuntime::begin(std::string program) {
  program_ = std::move(program);
  SLIPWAY_ASSIGN(watch_, ProcessWatch::begin(loop_));
  return {};
}

SupervisedProcess ProcessRuntime::process_of(const AllocationId& allocation) const {
  return {allocation, paths_.process(allocation)};
}

template <typename T, typename Work>
void ProcessRuntime::offload(const std::string& id, Done<T> done, Work work) {
  auto allocation = process_allocation(id);
  if (!allocation) {
    return loop_.post([done = std::move(done), error = allocation.error()] { done(fail(Error(error))); });
  }
  pool_->offload(
      loop_, [process = process_of(*allocation), work = std::move(work)]() -> Result<T> { return work(process); },
      [done = std::move(done)](Result<T> result) { done(std::move(result)); });
}

void ProcessRuntime::create(const wire::StartAllocation& order, HostSide host, Done<std::string> done) {
  const std::string id = process_id(order.allocation);
  offload<std::string>(id, std::move(done),
                       [id, order, host = std::move(host), paths = process_paths(paths_, order),
                        rule = restart_rule_](const SupervisedProcess& process) -> Result<std::string> {
                         auto made = make_process(process, order, paths, host, rule);
                         if (made) return id;
                         std::ignore = process.remove();
                         return fail(std::move(made.error()));
                       });
}

void ProcessRuntime::start(const std::string& id, Done<void> done) {
  offload<void>(id, std::move(done),
                [program = program_](const SupervisedProcess& process) { return process.start(program); });
}

void ProcessRuntime::signal(const std::string& id, const std::string& signal, Done<void> done) {
  offload<void>(id, std::move(done), [signal](const SupervisedProcess& process) -> Result<void> {
    SLIPWAY_ASSIGN(const int number, signal_number(signal));
    return process.signal(number);
  });
}

void ProcessRuntime::inspect(const std::string& id, Done<ContainerState> done) {
  offload<ContainerState>(id, std::move(done), [](const SupervisedProcess& process) { return process.look(); });
}

void ProcessRuntime::wait(const std::string& id, Done<ContainerEnd> done) {
  const auto finish = [this, id, done] {
    offload<ContainerState>(
        id,
        [done](Result<ContainerState> state) {
          if (state) return done(ContainerEnd{.exit_code = state->exit_code, .state = std::move(*state)});
          if (state.error().code == Code::NotFound) return done(ContainerEnd{});
          done(fail(std::move(state.error())));
        },
        [](const SupervisedProcess& process) { return process.finish(); });
  };
  const auto allocation = process_allocation(id);
  if (!allocation) return finish();
  runtime::Fd pidfd = process_of(*allocation).supervisor();
  if (!pidfd.valid()) return finish();
  watch_->add(std::move(pidfd), finish);
}

void ProcessRuntime::remove(const std::string& id, Done<void> done) {
  offload<void>(id, std::move(done), [](const SupervisedProcess& process) { return process.remove(); });
}

EngineAnswers ProcessRuntime::list() const {
  EngineAnswers answers{.containers = {}, .runtime = Runtime::Processes};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(paths_.allocations(), error)) {
    const auto allocation = AllocationId::parse(entry.path().filename().string());
    if (!allocation) continue;
    if (auto state = process_of(*allocation).look()) answers.containers.push_back({allocation->text(), *state});
  }
  return answers;
}

std::optional<AppRestarted> ProcessRuntime::restarted(const AllocationId& allocation) {
  const auto noted = SupervisedProcess::status_in(paths_.process(allocation));
  if (!noted) return {};
  const auto [seen, first] = restarts_seen_.try_emplace(allocation, noted->restarts);
  if (first || noted->restarts <= std::exchange(seen->second, noted->restarts)) return {};
  return AppRestarted{.allocation = allocation,
                      .exit_code = noted->exit_code,
                      .failures = noted->failures_in_row,
                      .most = restart_rule_.most};
}

}  // namespace slipway::agent
