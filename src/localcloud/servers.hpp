// The HTTP side of the EC2 API and of the metadata service: bytes in, CloudCore's functions, bytes out. Loop's thread.
#pragma once
#include <memory>

#include "localcloud/cloud_core.hpp"
#include "net/http_server.hpp"

namespace slipway::localcloud {

void serve_ec2(CloudCore& core, const std::shared_ptr<net::Exchange>& exchange);
void serve_metadata(const CloudCore& core, const std::shared_ptr<net::Exchange>& exchange);

}  // namespace slipway::localcloud
