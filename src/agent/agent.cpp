#include "agent/agent.hpp"

#include <sys/stat.h>

#include <filesystem>

#include "agent/init/embedded.hpp"
#include "agent/process/embedded_supervisor.hpp"
#include "agent/process/process_plan.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

constexpr int kFileThreads = 4;  ///< copies of two jobs at a time, and downloads beside them
constexpr int kHomeThreads = 4;  ///< as many as the controller gives us home tasks at a time

/// Puts a program where it can be mounted or started; named after its content, since what runs keeps its own.
Result<std::string> install_program(const std::string& directory, const char* name, std::string_view program) {
  const std::string path = fmt::format("{}/{}-{}", directory, name, sha256_hex(program).substr(0, 16));
  struct stat info{};
  if (stat(path.c_str(), &info) == 0 && info.st_size == static_cast<off_t>(program.size())) return path;
  SLIPWAY_TRY(runtime::write_file_durably(path, program, 0755));
  return path;
}

SlotInventory find_inventory(const std::string& device_directory) {
  SlotInventory inventory = find_devices(device_directory);
  const auto accounts = account_numbers(runtime::read_file("/etc/passwd", 16 << 20).value_or(""));
  inventory.taken_users.insert(accounts.begin(), accounts.end());
  return inventory;
}

}  // namespace

Agent::Agent(runtime::Loop& loop, const Clock& clock, RandomSource& random, AgentConfig config, StateDirectory state,
             Machine machine, std::function<void(const Error&)> fatal)
    : loop_(loop),
      clock_(clock),
      random_(random),
      config_(std::move(config)),
      state_(std::move(state)),
      machine_(std::move(machine)),
      fatal_(std::move(fatal)),
      metadata_backoff_(std::chrono::milliseconds(100)),
      core_(machine_.boot_id, find_inventory(config_.device_directory)),
      pool_(kFileThreads),
      journal_pool_(1),
      home_pool_(kHomeThreads),
      blobs_(loop, pool_),
      docker_(loop, config_.docker_socket),
      processes_(loop, state_.paths()),
      services_(loop, clock, runtimes_,
                {.on_event = [this](const Event& event) { handle(event); },
                 .send =
                     [this](const wire::AgentMessage& message) {
                       if (session_) session_->send(message);
                     }}),
      homes_(loop, {.directory = state_.paths().homes()}) {}

Agent::~Agent() = default;

Result<void> Agent::begin() {
  if (auto room = make_room_for_tunnels(); !room) log::warn("{}", room.error().text());
  SLIPWAY_ASSIGN(identity_, load_identity(state_.paths().identity()));
  SLIPWAY_ASSIGN(init_path_, install_program(state_.paths().programs(), "slipway-init", embedded_init()));
  SLIPWAY_ASSIGN(std::string supervisor,
                 install_program(state_.paths().programs(), "slipway-process", embedded_supervisor()));
  SLIPWAY_TRY(processes_.begin(std::move(supervisor)));
  SLIPWAY_ASSIGN(spool_watch_,
                 SpoolWatch::start(loop_, [this](const std::set<AllocationId>& changed) { spools_changed(changed); }));
  if (!config_.join) {
    ask_metadata();  // before anything of the state is believed: it may be another machine's
    return {};
  }
  join_ = *config_.join;
  SLIPWAY_TRY(recover());
  start_session();
  return {};
}

Result<void> Agent::recover() {
  SLIPWAY_ASSIGN(agent_id_, state_.agent_id(random_));
  SLIPWAY_TRY(state_.drop_stale_cache(machine_.boot_id));
  SLIPWAY_ASSIGN(Journal::Opened opened, Journal::open(state_.paths().journal()));
  if (opened.torn_bytes > 0) log::warn("{} bytes of an unfinished write were cut off the journal", opened.torn_bytes);
  journal_.emplace(std::move(opened.journal));
  auto output = core_.restore(opened.entries, clock_.now());

  EngineAnswers processes = processes_.list();
  std::erase_if(processes.containers, [this](const auto& one) {
    const auto id = AllocationId::parse(one.allocation);
    return !id || core_.find(*id) == nullptr;
  });

  // What a crash left of allocations that were forgotten.
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_.paths().allocations(), error)) {
    auto id = AllocationId::parse(entry.path().filename().string());
    if (id && core_.find(*id) == nullptr && access(state_.paths().process(*id).c_str(), F_OK) == 0) {
      perform(RemoveContainer{process_id(*id)});
      continue;
    }
    if (!id || core_.find(*id) == nullptr) {
      if (auto gone = remove_allocation_tree(entry.path().string()); !gone) log::warn("{}", gone.error().text());
    }
  }
  for (const auto& [id, record] : core_.records()) open_spool(id);
  keep_homes();
  apply(std::move(output));
  handle(processes);

  engine_ = std::make_unique<EngineLink>(
      loop_, docker_, agent_id_,
      EngineLink::Callbacks{.on_up = [this](EngineLink::Up up) { engine_up(std::move(up)); },
                            .on_down =
                                [this](const std::string& problem) {
                                  engine_problem_ = problem;
                                  send_status();
                                },
                            .on_images =
                                [this](std::vector<std::string> images) {
                                  status_.container_images = std::move(images);
                                  send_status();
                                }});
  engine_->begin();
  return {};
}

void Agent::handle(const Event& event) {
  apply(core_.handle(event, clock_.now()));
  arm_tick();
}

void Agent::apply(Core::Output output) {
  if (output.writes.empty() && commits_under_way_ == 0) {
    for (const Action& action : output.actions) {
      std::visit([this](const auto& one) { perform(one); }, action);
    }
    return;
  }
  ++commits_under_way_;  // and what follows queues behind, so effects keep their order
  journal_pool_.offload(
      loop_,
      [this, writes = std::move(output.writes)]() -> Result<bool> {
        SLIPWAY_TRY(journal_->append(writes));
        return journal_->wants_compaction();
      },
      [this, actions = std::move(output.actions)](Result<bool> result) { committed(result, actions); });
}

void Agent::committed(const Result<bool>& wants_compaction, const std::vector<Action>& actions) {
  --commits_under_way_;
  if (!wants_compaction) return fatal_(wants_compaction.error());
  for (const Action& action : actions) {
    std::visit([this](const auto& one) { perform(one); }, action);
  }
  if (!*wants_compaction || commits_under_way_ > 0) return;
  ++commits_under_way_;
  journal_pool_.offload(
      loop_, [this, entries = core_.snapshot()] { return journal_->compact(entries); },
      [this](Result<void> result) {
        --commits_under_way_;
        if (!result) fatal_(result.error());
      });
}

void Agent::arm_tick() {
  const auto deadline = core_.next_deadline();
  if (!deadline) return tick_.cancel();
  const Duration wait = std::max<Duration>(*deadline - clock_.now().steady, Duration(0));
  tick_ = loop_.after(wait + Duration(1), [this] { handle(Tick{}); });
}

void Agent::take(const wire::ControllerMessage& message) {
  if (const auto* ack = std::get_if<wire::LogAck>(&message)) return sender_.acknowledged(*ack);
  if (const auto* start = std::get_if<wire::StartAllocation>(&message)) return handle(*start);
  if (const auto* stop = std::get_if<wire::StopAllocation>(&message)) return handle(*stop);
  if (const auto* forget = std::get_if<wire::ForgetAllocation>(&message)) return handle(*forget);
  if (const auto* claim = std::get_if<wire::ClaimAllocation>(&message)) return handle(*claim);
  if (const auto* task = std::get_if<wire::HomeTaskOrder>(&message)) return handle(*task);
  if (const auto* dropped = std::get_if<wire::ForgetHomeTask>(&message)) return handle(*dropped);
  if (const auto* tunnel = std::get_if<wire::OpenTunnel>(&message)) return services_.open(*tunnel);
}

}  // namespace slipway::agent
