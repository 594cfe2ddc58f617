// BaseBuilds: makes base systems and registers them as images. One build at a time; who asks for a base that is being
// made watches that build, who asks for one that exists gets it at once.
//
// Thread: the cloud's loop. Owner: CloudCore.
#pragma once
#include <atomic>
#include <boost/json/object.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "localcloud/commit_queue.hpp"
#include "localcloud/inventory/inventory.hpp"
#include "localcloud/machine_driver.hpp"

namespace slipway::localcloud {

/// What a base is registered as carries this tag, with the base's name.
inline constexpr const char* kTagBase = "slipway:base";

class BaseBuilds {
 public:
  struct Parts {
    const Inventory& inventory;
    MachineDriver& machines;
    const Clock& clock;
    RandomSource& random;
    Offload offload;
    std::function<void(Changes, std::function<void()> durable)> commit;
  };
  /// Gets {"phase", "elapsed_ms"} again and again, and at last {"done": true, "image_id", "name", "created"} or
  /// {"error": {"code", "message", "fix"}}.
  using Line = std::function<void(const boost::json::object&)>;

  explicit BaseBuilds(Parts parts) : parts_(std::move(parts)) {}
  /// `line` is called on the loop, maybe before this returns.
  void request(const std::string& name, Line line);
  /// Ends a build that runs, soon.
  void cancel() { *cancelled_ = true; }
  /// Brings progress from the build's thread to the loop; set once by the assembly. Without it there is no progress.
  void set_post(std::function<void(std::function<void()>)> post) { post_ = std::move(post); }

 private:
  struct Build {
    std::string name;
    Image image;
    SteadyTime started;
    std::vector<Line> watchers;
  };
  void start(const std::string& name, Line line);
  void work();
  void ended(const Result<void>& outcome);
  void tell(const boost::json::object& line);
  void progress(const std::string& phase);

  Parts parts_;
  std::function<void(std::function<void()>)> post_;
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
  std::optional<Build> build_;
};

}  // namespace slipway::localcloud
