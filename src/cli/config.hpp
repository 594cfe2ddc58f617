// Where the commands find a server: flags, then the environment, then the current context of the user's configuration
// file. Each setting remembers where it came from. Blocking file reads; any thread.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace slipway::cli {

/// What a configuration file says about one server. An empty text is "not said".
struct ClientContext {
  std::string server;      ///< "http://127.0.0.1:7070"
  std::string token_file;  ///< path of the file that holds the token; the token itself is never configured
  std::string data_dir;    ///< of a local cloud and controller
};

/// $SLIPWAY_CONFIG, or slipway/config.yaml below the user's configuration directory.
std::string user_config_path();
/// Writes D/client.yaml, by which `--data-dir D` finds server and token.
Result<void> write_client_file(const std::string& path, const ClientContext& context);
/// Adds or replaces a context in the user's configuration; makes it the current one if none is or the current one is
/// gone. InvalidInput if the file is there but cannot be read as configuration: then it is left as it is.
Result<void> write_context(const std::string& config_path, const std::string& name, const ClientContext& context);

struct Setting {
  std::string value;
  std::string origin;  ///< "--server", "SLIPWAY_SERVER", "context dev of /root/.config/…"; empty without a value
};

struct Connection {
  Setting server;
  Setting token_file;
  Setting data_dir;
};

using Environment = std::function<std::optional<std::string>(const char* name)>;

/// `flags` wins over the environment, that over the file. A data directory stands for the server and the token in it;
/// if it knows of none, there is no server: those that come after are not asked. A token is taken from the file
/// only together with the file's server, so that it is never sent elsewhere. `context` names one of the file's (empty:
/// the current). InvalidInput for a malformed file, NotFound for an unknown context.
Result<Connection> resolve_connection(const ClientContext& flags, const std::string& context,
                                      const Environment& environment, const std::string& config_path);

}  // namespace slipway::cli
