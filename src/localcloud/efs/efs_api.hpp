// EfsApi: one request of the EFS API (REST, JSON, version 2015-02-01), from bytes to bytes: signature, path, action,
// commit, answer.
//
// Thread: the cloud's loop. Owner: CloudCore.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "localcloud/commit_queue.hpp"
#include "localcloud/ec2/api.hpp"
#include "localcloud/efs/actions/efs_action.hpp"

namespace slipway::localcloud {

/// What a path of the EFS API starts with; the EC2 API on the same port has none.
inline constexpr std::string_view kEfsPathPrefix = "/2015-02-01/";

struct EfsResponse {
  int status = 200;
  std::string request_id;
  std::string error_type;  ///< header x-amzn-ErrorType; empty for a success
  std::string body;        ///< application/json; may be empty
};

class EfsApi {
 public:
  struct Parts {
    const Inventory& inventory;  ///< has settings
    Site site;
    const MachineDriver& machines;
    const Clock& clock;
    RandomSource& random;
    Offload offload;  ///< for an action's blocking part
    /// Applies the changes at once and calls `durable` once they are committed.
    std::function<void(Changes, std::function<void()> durable)> commit;
  };
  explicit EfsApi(Parts parts) : parts_(std::move(parts)) {}

  /// Always answers: with the action's document, or with EFS's error document and its status. An action that changes
  /// something answers once that is durable.
  void handle(const ApiRequest& request, std::function<void(EfsResponse)> done);

 private:
  struct Call;
  EfsResult<void> start(const std::shared_ptr<Call>& call, const ApiRequest& request);
  EfsResult<void> proceed(const std::shared_ptr<Call>& call, EfsResult<EfsReply> outcome);
  static void answer(const Call& call, const EfsResult<void>& outcome);

  Parts parts_;
};

}  // namespace slipway::localcloud
