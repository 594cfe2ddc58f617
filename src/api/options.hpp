// ServerOptions: everything that can be chosen about `slipway server`. server_settings() is the one table of their
// keys, units and meaning: flags, help and the reference page read it.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "controller/options.hpp"
#include "controller/runner.hpp"

namespace slipway::api {

struct ServerOptions {
  std::string directory;  ///< D/server: store, blobs, logs, keys, endpoint.json
  std::string listen = "127.0.0.1:7070";
  std::string agent_listen = "127.0.0.1:7071";
  std::string agent_advertise;                       ///< empty: agent_listen, with the real port
  std::string base_domain = "localhost";             ///< sessions are at <session>.<base_domain>
  std::string novnc_directory = "/usr/share/novnc";  ///< where Debian's package novnc puts it
  controller::CoreOptions core;                      ///< what start() fills in itself (ids, keys, addresses) is ignored
  controller::RunnerOptions runner;
};

struct Setting {
  const char* key;  ///< flag without "--"
  const char* help;
  std::function<std::string(const ServerOptions&)> shown;
  std::function<Result<void>(ServerOptions&, const std::string&)> set;  ///< InvalidInput names the key
};
/// One entry a setting; `directory` is the program's own business.
const std::vector<Setting>& server_settings();

}  // namespace slipway::api
