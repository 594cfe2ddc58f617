// Ec2Api: one request of the EC2 Query API, from bytes to bytes: signature, parameters, action, commit, answer.
//
// Thread: the cloud's loop. Owner: CloudService.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "localcloud/actions/action.hpp"
#include "localcloud/commit_queue.hpp"

namespace slipway::localcloud {

struct ApiRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
struct ApiResponse {
  int status = 200;
  std::string request_id;
  std::string body;  ///< text/xml;charset=UTF-8
};

/// A random one in AWS's form.
std::string make_request_id(RandomSource& random);

class Ec2Api {
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
    std::function<void(const std::string& instance_id)> reboot;
  };
  explicit Ec2Api(Parts parts) : parts_(std::move(parts)) {}

  /// Always answers: with the action's document, or with EC2's error document and a 4xx (5xx only where a machine or
  /// disk failed). An action that changes something answers once that is durable.
  void handle(ApiRequest request, std::function<void(ApiResponse)> done);
  /// From now on what would start a machine is refused (503 Unavailable): the cloud is being stopped.
  void refuse_launches() { refuse_launches_ = true; }

 private:
  struct Call;
  Ec2Result<void> start(const std::shared_ptr<Call>& call, const ApiRequest& request);
  Ec2Result<void> proceed(const std::shared_ptr<Call>& call, Ec2Result<Reply> outcome);
  void answer(const Call& call, const Ec2Result<void>& outcome) const;
  void finish(const std::shared_ptr<Call>& call, Reply reply);

  Parts parts_;
  bool refuse_launches_ = false;
};

}  // namespace slipway::localcloud
