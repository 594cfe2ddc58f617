// MetadataClient: what the instance metadata service (version 2: with a session token) says about this machine. Loop's
// thread; owned by Agent.
#pragma once
#include <functional>
#include <string>

#include "base/result.hpp"
#include "net/http_client.hpp"
#include "runtime/loop.hpp"

namespace slipway::agent {

struct InstanceMetadata {
  std::string instance_id;
  std::string user_data;  ///< empty if the instance has none
};

/// Asks once. Unreachable or Timeout while there is no network or no service yet; the caller tries again.
void fetch_metadata(runtime::Loop& loop, net::Endpoint service, std::function<void(Result<InstanceMetadata>)> done);

}  // namespace slipway::agent
