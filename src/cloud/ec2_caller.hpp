// Ec2Caller: sends one query and repeats it with back-off where that is safe. Any thread. Private to cloud_ec2.
#pragma once
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "cloud/ec2_query.hpp"
#include "net/http.hpp"

namespace slipway::cloud {

/// Whether a call may be sent again when nobody knows if it had its effect.
enum class Repeat {
  Safe,             ///< it reads, it carries a client token, or its effect is the same twice
  OnlyIfNotDoneYet  ///< again only after an answer that says that nothing was done
};

class Ec2Caller {
 public:
  using Send = std::function<Result<net::Response>(const std::string& body)>;
  using Sleep = std::function<void(Duration)>;

  /// `random` spreads the waits, so that many callers don't come back together; it must serve any thread.
  Ec2Caller(Send send, Sleep sleep, RandomSource& random)
      : send_(std::move(send)), sleep_(std::move(sleep)), random_(random) {}
  /// The body of a 2xx answer; EC2's error as ours otherwise.
  Result<std::string> call(const Ec2Query& query, Repeat repeat);

 private:
  Result<std::string> call_once(const Ec2Query& query);
  Duration jittered(Duration delay);

  Send send_;
  Sleep sleep_;
  RandomSource& random_;
};

}  // namespace slipway::cloud
