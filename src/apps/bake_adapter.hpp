// BakeAdapter: the baker as the controller's BakeExecutor. check() on any thread; run() on the bake's own.
#pragma once
#include <string>

#include "cloud/cloud.hpp"
#include "controller/bake_executor.hpp"

namespace slipway::apps {

struct BakeAdapterOptions {
  std::string agent_executable;  ///< copied into each image
};

class BakeAdapter final : public controller::BakeExecutor {
 public:
  /// Both must outlive it. Removes the keys that killed controllers of this machine left.
  BakeAdapter(cloud::Cloud& cloud, const Clock& clock, BakeAdapterOptions options);
  Result<std::string> check(const wire::StartBakeRequest& request) override;
  Result<controller::BakeResult> run(const controller::BakeWork& work,
                                     const controller::BakeCallbacks& callbacks) override;

 private:
  cloud::Cloud& cloud_;
  const Clock& clock_;
  BakeAdapterOptions options_;
};

}  // namespace slipway::apps
