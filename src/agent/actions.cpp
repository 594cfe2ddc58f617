// What the core wants done, done. Each action ends in at most one event.
#include "agent/agent.hpp"
#include "agent/files/artifact_job.hpp"
#include "agent/files/work_tree.hpp"
#include "base/log.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

constexpr Duration kWatchAgain = std::chrono::milliseconds(500);

const char* signal_name(Signal signal) {
  switch (signal) {
    case Signal::Terminate:
      return "SIGTERM";
    case Signal::KillInside:
      return "SIGUSR1";  // slipway-init's word for it
    case Signal::Kill:
      return "SIGKILL";
  }
  return "SIGKILL";
}

bool has_mount(const std::string& path) {
  const auto mounts = read_mounts();
  return std::ranges::find(mounts, path, &Mount::point) != mounts.end();
}

}  // namespace

void Agent::perform(const PrepareSource& action) {
  const Record* record = core_.find(action.allocation);
  if (record == nullptr) return;
  const AllocationId id = action.allocation;
  const StatePaths& paths = state_.paths();
  SourceJob::Places places{
      .cache = paths.cache(), .work = paths.work(id), .artifacts = paths.artifacts(id), .log = paths.log(id)};
  if (const auto& service = record->order.spec.service) {
    places.startup = paths.startup(id);
    places.startup_data = service->startup;
    places.startup_later = service->warm;
    if (!service->home.empty() && !has_mount(paths.home(id))) places.home = paths.home(id);
  }
  if (is_process(record->order.spec)) {
    places.user = record->progress.slots.user;
    places.log_user = 0;  // its supervisor's
  }
  auto job = std::make_shared<SourceJob>(loop_, pool_, blobs_, record->order.spec.source, std::move(places), id.text(),
                                         [this, id](Result<void> result) {
                                           sources_.erase(id);
                                           source_prepared(id, std::move(result));
                                         });
  sources_[id] = job;
  job->begin();
}

void Agent::perform(const CancelSource& action) {
  const auto found = sources_.find(action.allocation);
  if (found != sources_.end()) return found->second->cancel();
  release_home(action.allocation);  // it may be what is waited for
}

void Agent::perform(const CreateContainer& action) {
  const Record* record = core_.find(action.allocation);
  if (record == nullptr) return;
  const auto& spec = record->order.spec;
  if (is_process(spec)) return create_process(*record);
  if (!spec.service || !spec.command.empty()) return create_container(*record, {});
  docker_.image_command(spec.container_image, [this, id = action.allocation](Result<std::vector<std::string>> command) {
    if (!command) return handle(ContainerCreated{id, fail(std::move(command.error()))});
    if (const Record* still = core_.find(id)) create_container(*still, std::move(*command));
  });
}

void Agent::create_container(const Record& record, std::vector<std::string> image_command) {
  if (record.progress.phase != Phase::Creating) return;  // it ended meanwhile, and its devices may be another's
  const AllocationId id = record.order.allocation;
  const StatePaths& paths = state_.paths();
  const ContainerPaths container{.work = paths.work(id),
                                 .artifacts = paths.artifacts(id),
                                 .log = paths.log(id),
                                 .init = init_path_,
                                 .startup = paths.startup(id),
                                 .home = paths.home(id)};
  auto host = host_side(record);
  if (!host) return handle(ContainerCreated{id, fail(std::move(host.error()))});
  host->image_command = std::move(image_command);
  docker_.create(container_name(record.order), container_json(record.order, container, agent_id_, *host),
                 [this, id](Result<std::string> made) { handle(ContainerCreated{id, std::move(made)}); });
}

void Agent::create_process(const Record& record) {
  const AllocationId id = record.order.allocation;
  auto host = host_side(record);
  if (!host) return handle(ContainerCreated{id, fail(std::move(host.error()))});
  processes_.create(record.order, std::move(*host),
                    [this, id](Result<std::string> made) { handle(ContainerCreated{id, std::move(made)}); });
}

/// On this thread: some system calls on the device directory, in order with EndService of whoever held them before.
Result<HostSide> Agent::host_side(const Record& record) const {
  HostSide host{.slots = record.progress.slots};
  if (!record.order.spec.service) return host;
  SLIPWAY_TRY(
      give_terminals(config_.device_directory, host.slots.ttys, host.slots.user != 0 ? host.slots.user : kJobUid));
  host.devices = device_nodes(config_.device_directory, host.slots);
  host.groups = device_groups(host.devices);
  const auto mounts = read_mounts();
  const Mount* mount = mount_of(mounts, state_.paths().home(record.order.allocation));
  host.home_is_shared = mount != nullptr && mount->shared;
  return host;
}

void Agent::perform(const BeginService& action) {
  const Record* record = core_.find(action.allocation);
  if (record == nullptr || !record->order.spec.service) return;
  const auto& service = *record->order.spec.service;
  if (!service.process) return services_.begin(action.allocation, action.container_id, service);
  PortRule ports{.uid = record->progress.slots.user, .exposed = {}};
  for (const model::AppPort& port : service.ports) {
    if (port.expose == model::PortExposure::Host) ports.exposed.insert(port.port);
  }
  services_.begin(action.allocation, action.container_id, service, ports);
}

void Agent::perform(const EndService& action) {
  services_.end(action.allocation);
  release_home(action.allocation);
  const Record* record = core_.find(action.allocation);
  if (record == nullptr) return;
  auto taken = take_terminals_back(config_.device_directory, record->progress.slots.ttys);
  if (!taken) log::warn("{}: {}", action.allocation, taken.error().text());
}

void Agent::perform(const StartContainer& action) {
  open_spool(action.allocation);
  runtimes_.start(action.container_id, [this, id = action.allocation](Result<void> started) {
    handle(ContainerStarted{id, std::move(started)});
  });
}

void Agent::perform(const WatchContainer& action) {
  open_spool(action.allocation);
  if (is_process_id(action.container_id)) std::ignore = processes_.restarted(action.allocation);  // counts from here
  const std::uint64_t generation = ++watches_[action.allocation];
  runtimes_.wait(action.container_id, [this, action, generation](Result<ContainerEnd> end) {
    watch_ended(action, generation, std::move(end));
  });
}

void Agent::watch_ended(const WatchContainer& watch, std::uint64_t generation, Result<ContainerEnd> end) {
  const auto current = watches_.find(watch.allocation);
  if (current == watches_.end() || current->second != generation) return;
  if (end && !end->state) return handle(ContainerGone{watch.allocation, end->exit_code});
  if (end && end->state->status == ContainerStatus::Exited) {
    return handle(ContainerSeen{watch.allocation, with_init_status(watch.allocation, *end->state)});
  }
  if (!end) log::warn("waiting for the container of {} again: {}", watch.allocation, end.error().text());
  watch_retries_[watch.allocation] = loop_.after(kWatchAgain, [this, watch, generation] {
    const auto again = watches_.find(watch.allocation);
    if (again != watches_.end() && again->second == generation) perform(watch);
  });
}

void Agent::perform(const SignalContainer& action) {
  runtimes_.signal(action.container_id, signal_name(action.signal), [action](Result<void> sent) {
    if (!sent && sent.error().code != Code::NotFound) {
      log::warn("{}: {} could not be sent: {}", action.allocation, signal_name(action.signal), sent.error().text());
    }
  });
}

void Agent::open_spool(const AllocationId& allocation) {
  const Record* record = core_.find(allocation);
  if (record == nullptr || sender_.spool(allocation) != nullptr) return;
  const std::string directory = state_.paths().log(allocation);
  auto spool = Spool::open(directory, record->order.spec.log_limit_bytes);
  if (!spool) {
    if (spool.error().code != Code::NotFound) log::error("{}", spool.error().text());
    return;
  }
  sender_.add(allocation, std::move(*spool));
  if (auto watched = spool_watch_->add(allocation, directory); !watched) log::error("{}", watched.error().text());
  if (!is_process(record->order.spec)) return;
  const std::string process = state_.paths().process(allocation);
  if (auto watched = spool_watch_->add(allocation, process); !watched) log::error("{}", watched.error().text());
}

void Agent::spools_changed(const std::set<AllocationId>& changed) {
  sender_.pump();
  for (const AllocationId& id : changed) {
    const Record* record = core_.find(id);
    if (record == nullptr || !is_process(record->order.spec)) continue;
    if (auto restarted = processes_.restarted(id)) handle(*restarted);
  }
}

ContainerState Agent::with_init_status(const AllocationId& allocation, ContainerState state) {
  if (const Spool* spool = sender_.spool(allocation)) {
    const InitStatus status = spool->status();
    state.start_errno = status.start_errno;
    state.out_of_memory = state.out_of_memory || status.oom_kills > 0;
  }
  return state;
}

void Agent::perform(const CloseLogs& action) {
  const Record* record = core_.find(action.allocation);
  if (record == nullptr) return;
  open_spool(action.allocation);
  pool_.offload(
      loop_,
      [directory = state_.paths().log(action.allocation), limit = record->order.spec.log_limit_bytes] {
        return Spool::close(directory, limit);
      },
      [this, id = action.allocation](Result<void> closed) {
        Spool* spool = sender_.spool(id);
        if (!closed && closed.error().code != Code::NotFound) log::error("{}: {}", id, closed.error().text());
        if (spool == nullptr) return handle(LogsClosed{id, 0, 0});
        if (auto loaded = spool->reload(); !loaded) log::error("{}: {}", id, loaded.error().text());
        handle(LogsClosed{id, spool->size(model::LogStream::Stdout), spool->size(model::LogStream::Stderr)});
        sender_.pump();
      });
}

void Agent::perform(const StoreArtifacts& action) {
  auto job = std::make_shared<ArtifactJob>(loop_, pool_, blobs_, state_.paths().artifacts(action.allocation),
                                           [this, id = action.allocation](CollectedArtifacts collected) {
                                             handle(ArtifactsStored{id, std::move(collected.manifest), collected.note});
                                           });
  job->begin();
}

void Agent::perform(const SendReport& action) {
  const auto& report = action.report;
  const std::string& why = report.reason.empty() ? report.waiting_for : report.reason;
  log::info("{} epoch {}: {}{}{}{}", report.allocation, report.epoch, model::allocation_state_name(report.state),
            report.ready ? ", ready" : "", why.empty() ? "" : ": ", why);
  if (session_) session_->send(report);
}

void Agent::perform(const RefuseOrder& action) {
  log::warn("order for {} refused: {}", action.refusal.allocation, action.refusal.reason);
  if (session_) session_->send(action.refusal);
}

void Agent::perform(const DiscardAllocation& action) {
  const AllocationId id = action.allocation;
  release_home(id);
  sender_.remove(id);
  spool_watch_->remove(id);
  watches_.erase(id);
  watch_retries_.erase(id);
  processes_.forget(id);
  const auto remove_files = [this, id] {
    pool_.run([directory = state_.paths().allocation(id), cache = state_.paths().cache()] {
      if (auto removed = remove_allocation_tree(directory); !removed) log::warn("{}", removed.error().text());
      if (auto trimmed = trim_cache(cache, kCacheLimitBytes); !trimmed) log::warn("{}", trimmed.error().text());
    });
  };
  if (action.container_id.empty()) return remove_files();
  runtimes_.remove(action.container_id, [remove_files, id](Result<void> removed) {
    // One that could not be removed now is found by its label when Docker answers next.
    if (!removed) log::warn("container of {}: {}", id, removed.error().text());
    remove_files();
  });
}

void Agent::perform(const RemoveContainer& action) {
  log::warn("removing {}: nothing that this agent accepted belongs to it", action.container_id);
  runtimes_.remove(action.container_id, [this, id = action.container_id](Result<void> removed) {
    if (!removed) return log::warn("{}", removed.error().text());
    auto allocation = process_allocation(id);
    if (!allocation) return;
    pool_.run([directory = state_.paths().allocation(*allocation)] {
      if (auto gone = remove_allocation_tree(directory); !gone) log::warn("{}", gone.error().text());
    });
  });
}

}  // namespace slipway::agent
