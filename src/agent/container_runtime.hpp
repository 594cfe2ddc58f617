// ContainerRuntime: what an allocation runs in on this host: a container of Docker, or a process of the host itself.
// Both keep what is promised here, and one contract suite holds them to it (container_runtime_test.cpp). Making one
// differs and is each one's own. Loop's thread; every callback comes on it, never inside the call.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "agent/core/types.hpp"
#include "base/result.hpp"

namespace slipway::agent {

template <typename T>
using Done = std::function<void(Result<T>)>;

/// How a wait for a container ended.
struct ContainerEnd {
  std::optional<int> exit_code;         ///< nothing if the runtime did not know the container
  std::optional<ContainerState> state;  ///< nothing if the container has been removed
};

class ContainerRuntime {
 public:
  virtual ~ContainerRuntime() = default;
  /// Started already is success.
  virtual void start(const std::string& id, Done<void> done) = 0;
  /// `signal`: SIGTERM goes to the command, SIGUSR1 has everything inside killed, SIGKILL ends it from outside. A
  /// container that is not running is success.
  virtual void signal(const std::string& id, const std::string& signal, Done<void> done) = 0;
  /// NotFound if there is no such container.
  virtual void inspect(const std::string& id, Done<ContainerState> done) = 0;
  /// Waits, for ever, until the container is not running; then nothing of it runs any more. Unreachable when the
  /// runtime goes away meanwhile.
  virtual void wait(const std::string& id, Done<ContainerEnd> done) = 0;
  /// Kills and removes; gone already is success.
  virtual void remove(const std::string& id, Done<void> done) = 0;
};

/// Id of the process of an allocation among container ids. Docker's have no '-'.
inline std::string process_id(const AllocationId& allocation) { return "process-" + allocation.text(); }
inline bool is_process_id(const std::string& id) { return id.starts_with("process-"); }
/// NotFound for the id of a container.
inline Result<AllocationId> process_allocation(const std::string& id) {
  if (!is_process_id(id)) return fail(Code::NotFound, "{} is no process", id);
  return AllocationId::parse(id.substr(std::string_view("process-").size()));
}

/// Passes each call on to the runtime that the id belongs to.
class Runtimes : public ContainerRuntime {
 public:
  Runtimes(ContainerRuntime& containers, ContainerRuntime& processes)
      : containers_(containers), processes_(processes) {}
  void start(const std::string& id, Done<void> done) override { of(id).start(id, std::move(done)); }
  void signal(const std::string& id, const std::string& signal, Done<void> done) override {
    of(id).signal(id, signal, std::move(done));
  }
  void inspect(const std::string& id, Done<ContainerState> done) override { of(id).inspect(id, std::move(done)); }
  void wait(const std::string& id, Done<ContainerEnd> done) override { of(id).wait(id, std::move(done)); }
  void remove(const std::string& id, Done<void> done) override { of(id).remove(id, std::move(done)); }

 private:
  ContainerRuntime& of(const std::string& id) { return is_process_id(id) ? processes_ : containers_; }
  ContainerRuntime& containers_;
  ContainerRuntime& processes_;
};

}  // namespace slipway::agent
