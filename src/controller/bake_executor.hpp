// BakeExecutor: what carries a bake out. The assembly adapts the baker to it, so that the controller knows neither
// recipes nor SSH.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "controller/events.hpp"
#include "wire/api_requests.hpp"

namespace slipway::controller {

struct BakeWork {
  model::Bake bake;
  std::string controller_id;  ///< tag of everything that is made
  std::function<std::string(const std::string& sha256)> blob_path;
};

struct BakeCallbacks {
  std::function<void(const BakeProgressed&)> progress;
  std::function<void(std::string_view)> log;  ///< everything that was printed
  std::function<bool()> cancelled;
};

class BakeExecutor {
 public:
  virtual ~BakeExecutor() = default;
  /// Checks a request before it is accepted: the image's name, or InvalidInput with file and line. Blocking, short; any
  /// thread.
  virtual Result<std::string> check(const wire::StartBakeRequest& request) = 0;
  /// Blocks until the image is there or not; one at a time, on a thread of its own. Cancelled once `cancelled` said so.
  virtual Result<BakeResult> run(const BakeWork& work, const BakeCallbacks& callbacks) = 0;
};

}  // namespace slipway::controller
