#include "api/options.hpp"

#include "base/units.hpp"

namespace slipway::api {
namespace {

Setting text(const char* key, const char* help, std::string ServerOptions::* member) {
  return {.key = key,
          .help = help,
          .shown = [member](const ServerOptions& options) { return options.*member; },
          .set = [member](ServerOptions& options, const std::string& value) -> Result<void> {
            options.*member = value;
            return {};
          }};
}

Setting duration(const char* key, const char* help, Duration controller::CoreOptions::* member, Duration least) {
  return {.key = key,
          .help = help,
          .shown = [member](const ServerOptions& options) { return format_duration(options.core.*member); },
          .set = [key, member, least](ServerOptions& options, const std::string& value) -> Result<void> {
            SLIPWAY_ASSIGN(const auto parsed, parse_duration(value));
            if (parsed < least)
              return fail(Code::InvalidInput, "--{} {} is too short: at least {}", key, value, format_duration(least));
            options.core.*member = parsed;
            return {};
          }};
}

}  // namespace

const std::vector<Setting>& server_settings() {
  using controller::CoreOptions;
  using std::chrono::seconds;
  static const std::vector<Setting> kSettings{
      text("listen", "address:port of the people's API; loopback only, since it is plain HTTP", &ServerOptions::listen),
      text("agent-listen", "address:port where agents connect, by TLS", &ServerOptions::agent_listen),
      text("agent-advertise", "address:port that hosts are told to connect to; default: that of --agent-listen",
           &ServerOptions::agent_advertise),
      duration("lost-after", "silence after which a host is LOST", &CoreOptions::lost_after, seconds(3)),
      duration("startup-grace", "extra silence allowed to known hosts after the controller's start",
               &CoreOptions::startup_grace, seconds(0)),
      duration("join-timeout", "time from launch until an instance must have joined", &CoreOptions::join_timeout,
               seconds(1)),
      duration("join-token-lifetime", "validity of a token for a machine that joins by hand",
               &CoreOptions::join_token_lifetime, seconds(1)),
      duration("absent-grace", "how long an instance may be missing in the cloud's listing before it counts as gone",
               &CoreOptions::absent_grace, seconds(1)),
      duration("heartbeat", "how often agents are told to send a sign of life", &CoreOptions::heartbeat, seconds(1))};
  return kSettings;
}

}  // namespace slipway::api
