// Runner: gives the core its threads. Control thread: the core and every decision. Store thread: commits, grouped; an
// effect happens only after the commit that covers it, and a commit that fails ends the process. Blocking pool: calls
// of the cloud. A running bake has a thread of its own. post(), call() and read() may be used from any thread.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "controller/bake_executor.hpp"
#include "controller/blob_store.hpp"
#include "controller/core.hpp"
#include "controller/log_store.hpp"
#include "runtime/loop.hpp"

namespace slipway::controller {

/// The agents' connections, as the runner sees them. Any thread.
class AgentLinks {
 public:
  virtual ~AgentLinks() = default;
  virtual void send(ConnectionId connection, wire::ControllerMessage message) = 0;
  /// After what was sent before.
  virtual void close(ConnectionId connection, const std::string& why) = 0;
};

/// Who follows jobs, bakes and sessions. Called after the commit; any thread.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void job_changed(const JobId& job) = 0;
  virtual void log_grown(const AllocationId& allocation) = 0;
  virtual void bake_changed(const BakeId& bake) = 0;
  virtual void session_changed(const SessionId& session) = 0;
  virtual void home_task_changed(const HomeTaskId&) {}
  // For whoever opens tunnels to sessions.
  virtual void tunnel_failed(ConnectionId, const std::string& /*tunnel*/, const std::string& /*reason*/) {}
  virtual void agent_lost(ConnectionId) {}
};

struct RunnerOptions {
  std::string data_directory;  ///< logs/, blobs/ and bakes/ lie here
  Duration tick = std::chrono::milliseconds(250);
  /// Listings of the cloud while something changes there, in rest, and when nothing of ours should be there at all.
  Duration poll_fast = std::chrono::milliseconds(250);
  Duration poll_slow = std::chrono::seconds(5);
  Duration poll_idle = std::chrono::seconds(60);
  int cloud_calls = 8;  ///< at a time: below EC2's request rate limits
};

struct RunnerPorts {
  std::unique_ptr<store::Store> store;
  cloud::Cloud* cloud = nullptr;  ///< may be null: then pools are refused
  BakeExecutor* bakes = nullptr;  ///< may be null: then bakes are refused
  const Clock* clock = nullptr;
  RandomSource* random = nullptr;           ///< of the control thread only
  std::function<void(const Error&)> fatal;  ///< must end the process
};

class Runner {
 public:
  /// Loads the state and opens the files; nothing runs yet.
  static Result<std::unique_ptr<Runner>> open(CoreOptions core, RunnerOptions options, RunnerPorts ports);
  virtual ~Runner() = default;
  /// Both must outlive the runner. Starts every thread.
  virtual void start(AgentLinks& links, Observer& observer) = 0;
  /// Stops them; what was committed stays, what was not is dropped as by a crash.
  virtual void stop() = 0;

  virtual void post(Event event) = 0;
  /// Bytes of an agent's log, straight to the log store: they need no commit.
  virtual void append_log(ConnectionId connection, wire::LogChunk chunk) = 0;
  /// Runs `command` on the control thread; what it returns is called there after everything it saw and did is durable.
  virtual void run(std::function<std::function<void()>(Core&, Now, Outcome&)> command) = 0;

  /// A command of a person; `done` gets its result, on the control thread, after the commit.
  template <typename T>
  void call(std::function<Result<T>(Step&)> command, std::function<void(Result<T>)> done) {
    run([command = std::move(command), done = std::move(done)](Core& core, Now now, Outcome& outcome) {
      auto answered = core.command(now, command);
      outcome = std::move(answered.second);
      return std::function<void()>([done, result = std::move(answered.first)] { done(result); });
    });
  }
  /// Looks at the state; `reader` returns what is to be done once what it saw is durable.
  void read(std::function<std::function<void()>(const Core&)> reader) {
    run([reader = std::move(reader)](Core& core, Now, Outcome&) { return reader(core); });
  }
  /// History straight from the store, after everything before it; `done` on the control thread.
  virtual void history(std::int64_t after, std::size_t limit,
                       std::function<void(Result<std::vector<store::HistoryEntry>>)> done) = 0;

  virtual LogStore& logs() = 0;
  virtual BlobStore& blobs() = 0;
  [[nodiscard]] virtual std::string bake_log_path(const BakeId& bake) const = 0;
  [[nodiscard]] virtual bool has_cloud() const = 0;
  /// Whether the cloud would launch such an instance; `done` on the control thread. Needs a cloud.
  virtual void check_launch(const std::string& image_id, const std::string& instance_type,
                            std::function<void(Result<void>)> done) = 0;
  /// Asks the cloud something on a thread that may block; `done` on the control thread. Needs a cloud.
  virtual void ask_cloud(std::function<Result<boost::json::value>(cloud::Cloud&)> ask,
                         std::function<void(Result<boost::json::value>)> done) = 0;
  [[nodiscard]] virtual BakeExecutor* bakes() = 0;
};

}  // namespace slipway::controller
