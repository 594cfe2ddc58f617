// The HTTP side of the EC2 and EFS APIs and of the metadata service: bytes in, CloudCore's functions, bytes out. Loop's
// thread.
#pragma once
#include <memory>

#include "localcloud/cloud_core.hpp"
#include "net/http_server.hpp"

namespace slipway::localcloud {

/// EC2 and EFS, which their paths tell apart.
void serve_api(CloudCore& core, const std::shared_ptr<net::Exchange>& exchange);
/// Also what the mount helper asks for.
void serve_metadata(CloudCore& core, const std::shared_ptr<net::Exchange>& exchange);

}  // namespace slipway::localcloud
