#include "agent/config.hpp"

#include <charconv>

#include "base/digest.hpp"
#include "runtime/files.hpp"
#include "wire/json.hpp"

namespace slipway::agent {
namespace {

namespace json = boost::json;
using wire::JsonReader;

Result<wire::JoinData> parse_join(const json::value& value) {
  SLIPWAY_ASSIGN(const JsonReader reader, JsonReader::open(value, "join"));
  SLIPWAY_TRY(reader.only({"controller", "fingerprint", "join_token"}));
  wire::JoinData join;
  SLIPWAY_ASSIGN(join.controller, reader.text("controller"));
  SLIPWAY_ASSIGN(join.fingerprint, reader.text("fingerprint"));
  SLIPWAY_ASSIGN(join.join_token, reader.text_or("join_token", ""));
  SLIPWAY_TRY(parse_host_and_port(join.controller));
  if (!is_sha256_hex(join.fingerprint)) {
    return fail(Code::InvalidInput, "join.fingerprint is not 64 characters of lower-case hex");
  }
  return join;
}

}  // namespace

Result<AgentConfig> parse_config(std::string_view text) {
  SLIPWAY_ASSIGN(const json::value value, wire::parse_json(text));
  SLIPWAY_ASSIGN(const JsonReader reader, JsonReader::open(value, "agent config"));
  SLIPWAY_TRY(
      reader.only({"gated_units", "docker_socket", "state_dir", "device_directory", "join", "metadata_address"}));
  AgentConfig config;
  SLIPWAY_ASSIGN(config.gated_units, reader.texts_or_empty("gated_units"));
  SLIPWAY_ASSIGN(config.docker_socket, reader.text_or("docker_socket", config.docker_socket));
  SLIPWAY_ASSIGN(config.state_dir, reader.text_or("state_dir", config.state_dir));
  SLIPWAY_ASSIGN(config.device_directory, reader.text_or("device_directory", config.device_directory));
  SLIPWAY_ASSIGN(config.metadata_address, reader.text_or("metadata_address", config.metadata_address));
  if (!config.state_dir.starts_with('/')) {
    return fail(Code::InvalidInput, "state_dir '{}' is not an absolute path", config.state_dir);
  }
  if (!config.device_directory.starts_with('/')) {
    return fail(Code::InvalidInput, "device_directory '{}' is not an absolute path", config.device_directory);
  }
  if (const json::value* join = reader.find("join"); join != nullptr && !join->is_null()) {
    SLIPWAY_ASSIGN(config.join, parse_join(*join));
  } else if (config.metadata_address.empty()) {
    return fail(Code::InvalidInput, "neither join nor metadata_address says which controller to join");
  }
  if (!config.metadata_address.empty()) SLIPWAY_TRY(parse_host_and_port(config.metadata_address));
  return config;
}

std::string encode_config(const AgentConfig& config) {
  json::array units;
  for (const std::string& unit : config.gated_units) units.emplace_back(unit);
  json::object object{{"gated_units", std::move(units)},
                      {"docker_socket", config.docker_socket},
                      {"state_dir", config.state_dir},
                      {"device_directory", config.device_directory},
                      {"metadata_address", config.metadata_address}};
  if (config.join) {
    object["join"] = json::object{{"controller", config.join->controller},
                                  {"fingerprint", config.join->fingerprint},
                                  {"join_token", config.join->join_token}};
  }
  return json::serialize(object) + "\n";
}

Result<AgentConfig> load_config(const std::string& path) {
  auto text = runtime::read_file(path, 1 << 20);
  if (!text) {
    Error error = std::move(text.error());
    return fail(std::move(error).with_fix("give --config, or let this machine join: `slipway host join` prints how"));
  }
  return parse_config(*text).context("reading " + path);
}

Result<HostAndPort> parse_host_and_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  HostAndPort parsed;
  if (colon != std::string_view::npos && colon > 0) {
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    parsed.host = std::string(host);
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, parsed.port);
    if (error == std::errc{} && rest == end && parsed.port != 0 && !parsed.host.empty()) return parsed;
  }
  return fail(Code::InvalidInput, "'{}' is not of the form address:port", text);
}

}  // namespace slipway::agent
