// Server: everything of `slipway server` but its main: two listeners, the runner and their threads, put together. The
// program chooses the store, the cloud and the baker and passes them in.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "api/options.hpp"
#include "controller/runner.hpp"

namespace slipway::api {

struct ServerPorts {
  std::unique_ptr<store::Store> store;
  cloud::Cloud* cloud = nullptr;              ///< null: no pools; must outlive the server
  controller::BakeExecutor* bakes = nullptr;  ///< null: no bakes; must outlive the server
  const Clock* clock = nullptr;
  RandomSource* random = nullptr;  ///< the operating system's; any thread
  /// A commit or a sync failed: must end the process, which then starts from the store. Any thread.
  std::function<void(const Error&)> fatal;
};

class Server {
 public:
  /// Starts everything and writes <directory>/endpoint.json {api, agent_advertise, fingerprint, pid}; when it returns
  /// the API answers. Conflict if an address is taken; InvalidInput for bad options. Blocking.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, ServerPorts ports);
  virtual ~Server() = default;  ///< as stop()
  /// Closes the listeners and ends every thread. Jobs go on without us. May be repeated.
  virtual void stop() = 0;

  [[nodiscard]] virtual std::string api_url() const = 0;          ///< "http://127.0.0.1:7070"
  [[nodiscard]] virtual std::string agent_advertise() const = 0;  ///< "address:port"
  [[nodiscard]] virtual std::string fingerprint() const = 0;
  [[nodiscard]] virtual std::string token_path() const = 0;  ///< of the file with the admin token
};

}  // namespace slipway::api
