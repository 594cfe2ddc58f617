#include "controller/runner.hpp"

#include <cstdlib>
#include <deque>
#include <thread>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "controller/bake_thread.hpp"
#include "controller/store_thread.hpp"

namespace slipway::controller {
namespace {

class ThreadedRunner final : public Runner {
 public:
  ThreadedRunner(Core core, RunnerOptions options, RunnerPorts ports)
      : options_(std::move(options)), ports_(std::move(ports)), core_(std::move(core)) {}
  ~ThreadedRunner() override { stop(); }

  Result<void> open_files() {
    LogStoreCallbacks callbacks{.durable = [this](const LogsDurable& logs) { post(logs); },
                                .grown =
                                    [this](const AllocationId& id) {
                                      if (observer_ != nullptr) observer_->log_grown(id);
                                    },
                                .fatal = [this](const Error& error) { ports_.fatal(error); }};
    SLIPWAY_ASSIGN(
        logs_, LogStore::make({.directory = options_.data_directory + "/logs"}, std::move(callbacks), *ports_.clock));
    SLIPWAY_ASSIGN(blobs_, BlobStore::open({.directory = options_.data_directory + "/blobs"}, system_random_));
    return {};
  }

  void start(AgentLinks& links, Observer& observer) override {
    links_ = &links;
    observer_ = &observer;
    store_ = std::make_unique<StoreThread>(std::move(ports_.store), ports_.fatal);
    pool_ = std::make_unique<runtime::BlockingPool>(options_.cloud_calls);
    // Apart, so that a cloud that does not answer holds up no job's end.
    file_pool_ = std::make_unique<runtime::BlockingPool>(2);
    if (ports_.bakes != nullptr)
      bake_thread_ = std::make_unique<BakeThread>(
          *ports_.bakes, *ports_.clock,
          BakeThread::Callbacks{.progressed = [this](BakeProgressed progress) { post(std::move(progress)); },
                                .log_grown = [this](const BakeId& id) { observer_->bake_changed(id); },
                                .ended = [this](BakeEnded ended) { post(std::move(ended)); }});
    timer_ = loop_.every(options_.tick, [this] { on_tick(); });
    loop_.post([this] { commit(core_.start(ports_.clock->now()), {}); });
    thread_ = std::thread([this] { loop_.run(); });
  }

  void stop() override {
    if (!thread_.joinable()) return;
    loop_.stop();
    thread_.join();
    bake_thread_.reset();
    pool_.reset();
    file_pool_.reset();
    store_.reset();
    logs_.reset();
    timer_.cancel();
  }

  void post(Event event) override {
    loop_.post([this, event = std::move(event)] { commit(core_.handle(event, ports_.clock->now()), {}); });
  }

  void append_log(ConnectionId connection, wire::LogChunk chunk) override {
    // Shared, so that the posted function can be copied without copying the bytes.
    auto shared = std::make_shared<wire::LogChunk>(std::move(chunk));
    loop_.post([this, connection, shared] {
      const auto limit = core_.log_limit(connection, shared->allocation);
      if (limit > 0) logs_->append(std::move(*shared), limit);
    });
  }

  void run(std::function<std::function<void()>(Core&, Now, Outcome&)> command) override {
    loop_.post([this, command = std::move(command)] {
      Outcome outcome;
      auto effect = command(core_, ports_.clock->now(), outcome);
      commit(std::move(outcome), std::move(effect));
    });
  }

  void history(std::int64_t after, std::size_t limit,
               std::function<void(Result<std::vector<store::HistoryEntry>>)> done) override {
    loop_.post([this, after, limit, done = std::move(done)] {
      store_->ask([this, after, limit, done](store::Store& store) {
        auto entries = std::make_shared<Result<std::vector<store::HistoryEntry>>>(store.history(after, limit));
        loop_.post([done, entries] { done(std::move(*entries)); });
      });
    });
  }

  LogStore& logs() override { return *logs_; }
  BlobStore& blobs() override { return *blobs_; }
  [[nodiscard]] std::string bake_log_path(const BakeId& bake) const override {
    return options_.data_directory + "/bakes/" + bake.text() + "/log";
  }
  [[nodiscard]] bool has_cloud() const override { return ports_.cloud != nullptr; }
  void check_launch(const std::string& image_id, const std::string& instance_type,
                    std::function<void(Result<void>)> done) override {
    pool_->offload(
        loop_,
        [cloud = ports_.cloud, image_id, instance_type] {
          return cloud->check_launch({.image_id = image_id, .instance_type = instance_type});
        },
        std::move(done));
  }
  void ask_cloud(std::function<Result<boost::json::value>(cloud::Cloud&)> ask,
                 std::function<void(Result<boost::json::value>)> done) override {
    pool_->offload(loop_, [cloud = ports_.cloud, ask = std::move(ask)] { return ask(*cloud); }, std::move(done));
  }
  [[nodiscard]] BakeExecutor* bakes() override { return ports_.bakes; }

 private:
  /// Effects keep their order: one without changes still waits for the commits before it.
  void commit(Outcome outcome, std::function<void()> effect) {
    auto perform_all = [this, actions = std::move(outcome.actions), effect = std::move(effect)] {
      for (const auto& action : actions) std::visit([this](const auto& one) { perform(one); }, action);
      if (effect) effect();
    };
    if (outcome.sets.empty() && commits_under_way_ == 0) {
      perform_all();
      return;
    }
    ++commits_under_way_;
    store_->submit(std::move(outcome.sets), [this, perform_all = std::move(perform_all)] {
      loop_.post([this, perform_all] {
        --commits_under_way_;
        perform_all();
      });
    });
  }

  void on_tick() {
    commit(core_.handle(Tick{}, ports_.clock->now()), {});
    list_instances();
  }

  [[nodiscard]] Duration poll_interval() const {
    if (core_.in_transition()) return options_.poll_fast;
    const auto& hosts = core_.tables().hosts.rows();
    const bool any = std::ranges::any_of(
        hosts, [](const auto& row) { return !model::joined_by_hand(row.second) && !model::is_gone(row.second.state); });
    return any ? options_.poll_slow : options_.poll_idle;
  }

  void list_instances() {
    const auto now = ports_.clock->now().steady;
    if (ports_.cloud == nullptr || listing_ || (listed_once_ && now - listed_at_ < poll_interval())) return;
    listing_ = true;
    listed_at_ = now;
    pool_->offload(
        loop_,
        [this] {
          return ports_.cloud->describe_instances({.tags = {{cloud::kTagController, core_.options().controller_id}}});
        },
        [this, now](Result<std::vector<cloud::Instance>> instances) {
          listing_ = false;
          if (!instances) {
            if (listing_works_) log::warn("the cloud cannot be asked: {}", instances.error().text());
            listing_works_ = false;
            return;
          }
          listing_works_ = true;
          listed_once_ = true;
          commit(core_.handle(InstancesListed{std::move(*instances), now}, ports_.clock->now()), {});
        });
  }

  void perform(const SendToAgent& action) { links_->send(action.connection, action.message); }
  void perform(const CloseAgent& action) { links_->close(action.connection, action.why); }

  void perform(const LaunchInstance& action) {
    if (ports_.cloud == nullptr) {
      post(LaunchAnswered{action.host, fail(Code::Unavailable, "this controller has no cloud")});
      return;
    }
    pool_->offload(
        loop_,
        [this, request = action.request] {
          SLIPWAY_FAILPOINT_HERE("cloud.launch.before");
          auto answer = ports_.cloud->run_instance(request);
          SLIPWAY_FAILPOINT_HERE("cloud.launch.after");
          return answer;
        },
        [this, host = action.host](Result<cloud::Instance> answer) {
          commit(core_.handle(LaunchAnswered{host, std::move(answer)}, ports_.clock->now()), {});
        });
  }

  void perform(const TerminateInstance& action) {
    if (ports_.cloud == nullptr) return;
    pool_->offload(
        loop_, [this, id = action.instance_id] { return ports_.cloud->terminate_instance(id); },
        [this, host = action.host](Result<void> answer) {
          if (!host.empty()) commit(core_.handle(TerminateAnswered{host, std::move(answer)}, ports_.clock->now()), {});
        });
  }

  void perform(const ReadLogs& action) { logs_->flush(action.allocation); }

  void perform(const CheckArtifacts& action) {
    file_pool_->offload(
        loop_, [this, digests = action.sha256] { return blobs_->missing(digests); },
        [this, id = action.allocation](std::vector<std::string> missing) {
          commit(core_.handle(ArtifactsChecked{id, std::move(missing)}, ports_.clock->now()), {});
        });
  }

  void perform(const RunBake& action) {
    if (bake_thread_ == nullptr) {
      post(BakeEnded{action.bake.id, fail(Code::Unsupported, "this controller cannot bake: it has no cloud")});
      return;
    }
    bake_thread_->start({.bake = action.bake,
                         .controller_id = core_.options().controller_id,
                         .blob_path = [this](const std::string& sha256) { return blobs_->path(sha256); }},
                        bake_log_path(action.bake.id));
  }
  void perform(const CancelBake& action) {
    if (bake_thread_ != nullptr) bake_thread_->cancel(action.bake);
  }
  void perform(const JobChanged& action) { observer_->job_changed(action.job); }
  void perform(const BakeChanged& action) { observer_->bake_changed(action.bake); }
  void perform(const SessionChanged& action) { observer_->session_changed(action.session); }
  void perform(const HomeTaskChanged& action) { observer_->home_task_changed(action.task); }
  void perform(const TunnelFailed& action) {
    observer_->tunnel_failed(action.connection, action.tunnel, action.reason);
  }
  void perform(const AgentLost& action) { observer_->agent_lost(action.connection); }

  const RunnerOptions options_;
  RunnerPorts ports_;
  SystemRandom system_random_;  // of blob names; any thread
  AgentLinks* links_ = nullptr;
  Observer* observer_ = nullptr;
  runtime::Loop loop_;
  std::thread thread_;

  // Control thread.
  Core core_;
  int commits_under_way_ = 0;
  bool listing_ = false;
  bool listed_once_ = false;
  bool listing_works_ = true;
  SteadyTime listed_at_;
  runtime::Loop::Timer timer_;

  std::unique_ptr<LogStore> logs_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<StoreThread> store_;
  std::unique_ptr<runtime::BlockingPool> pool_;
  std::unique_ptr<runtime::BlockingPool> file_pool_;
  std::unique_ptr<BakeThread> bake_thread_;
};

}  // namespace

Result<std::unique_ptr<Runner>> Runner::open(CoreOptions core_options, RunnerOptions options, RunnerPorts ports) {
  SLIPWAY_ASSIGN(const auto rows, ports.store->load_all());
  SLIPWAY_ASSIGN(auto core, Core::load(std::move(core_options), *ports.random, rows, ports.clock->now()));
  auto runner = std::make_unique<ThreadedRunner>(std::move(core), std::move(options), std::move(ports));
  SLIPWAY_TRY(runner->open_files());
  return runner;
}

}  // namespace slipway::controller
