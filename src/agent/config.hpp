// What the agent's config file says (/etc/slipway/agent.json, written by the bake or by `slipway-agent join`). Pure but
// for load.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::agent {

inline constexpr const char* kDefaultConfigPath = "/etc/slipway/agent.json";
inline constexpr const char* kDefaultStateDir = "/var/lib/slipway-agent";

struct AgentConfig {
  std::vector<std::string> gated_units;  ///< systemd units that start only after the handshake
  std::string docker_socket = "/var/run/docker.sock";
  std::string state_dir = kDefaultStateDir;
  std::string device_directory = "/dev";  ///< where terminals, uinput and GPUs for services are looked up
  /// A machine that joined by hand; else join data comes from the metadata service.
  std::optional<wire::JoinData> join;
  std::string metadata_address = "169.254.169.254:80";  ///< "" : there is none
};

/// InvalidInput says which key is wrong.
Result<AgentConfig> parse_config(std::string_view text);
std::string encode_config(const AgentConfig& config);
/// NotFound with the way out if there is no such file.
Result<AgentConfig> load_config(const std::string& path);

struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
};
/// "name:7071", "10.0.0.1:7071", "[::1]:7071".
Result<HostAndPort> parse_host_and_port(std::string_view text);

}  // namespace slipway::agent
