// One try of a service's readiness probe. Blocking; any thread.
#pragma once
#include <string>

#include "agent/services/network_namespace.hpp"
#include "model/app.hpp"

namespace slipway::agent {

/// What to ask, worked out once from a ServiceSpec.
struct ProbeTarget {
  int port = 0;
  bool http = false;  ///< else an accepted connection is answer enough
  std::string path;   ///< of an HTTP probe
};
/// NotFound if the service has no such port, InvalidInput for a path that is none of an HTTP request.
Result<ProbeTarget> probe_target(const model::ServiceSpec& service);

/// Success if the probe is answered: HTTP with any status below 500. The error's text says what did happen, for people
/// ("nothing listens on port 8888").
Result<void> try_probe(const NetworkNamespace& network, const ProbeTarget& target, Duration timeout,
                       const Cancelled& cancelled);

/// The status in "HTTP/1.1 200 OK…". Corrupt for anything else. Pure.
Result<int> parse_status_line(std::string_view line);

}  // namespace slipway::agent
