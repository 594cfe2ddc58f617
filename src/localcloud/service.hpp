// The local cloud as a program: `slipway cloud serve`. It owns one data directory, serves the EC2 API, the metadata
// service and an admin socket, and ends on SIGTERM or SIGINT with its guests running on.
//
// In the data directory: cloud/endpoint.json (0600), cloud/admin.sock (0600), cloud/store.db, and what machines/ keeps.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace slipway::localcloud {

struct CloudOptions {
  std::string data_dir;
  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 0;  ///< 0: a free one
  std::string region = "local-1";
  std::vector<std::string> supervisor;  ///< argv that leads to supervise(): {"/usr/bin/slipway", "internal-supervisor"}
};

/// Serves until SIGTERM or SIGINT. Guests run on, and the next run adopts them; where none runs, network and mounts are
/// taken away. Conflict if another cloud uses the directory or the port; Unsupported with what this machine lacks.
/// Blocking; call it once a process, from the main thread.
Result<void> run_cloud(const CloudOptions& options);

}  // namespace slipway::localcloud
