#include "api/options.hpp"

#include <algorithm>

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

/// A DNS name in lower case; an address cannot have names below it.
Result<void> check_base_domain(const std::string& value) {
  constexpr std::size_t kLongest = 253 - 26;  // RFC 1035, 2.3.4, with room for a session's label
  const bool letters = std::ranges::all_of(
      value, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
  const bool shape = !value.empty() && value.size() <= kLongest && value.front() != '.' && value.back() != '.' &&
                     value.find("..") == std::string::npos;
  const bool address = value.find_first_not_of("0123456789.") == std::string::npos;
  if (letters && shape && !address) return {};
  return fail(Code::InvalidInput, "--base-domain '{}' is not a name in lower case, such as sessions.example.org",
              value);
}

Setting base_domain() {
  auto setting = text("base-domain", "name below which each session has its own, as <session>.<base-domain>",
                      &ServerOptions::base_domain);
  setting.set = [](ServerOptions& options, const std::string& value) -> Result<void> {
    SLIPWAY_TRY(check_base_domain(value));
    options.base_domain = value;
    return {};
  };
  return setting;
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

Setting homes() {
  return {.key = "homes",
          .help =
              "where people's files last: efs:fs-…, nfs:server:/export[:options] or directory:/path of every host; "
              "default: they go with each session",
          .shown = [](const ServerOptions&) { return std::string(); },
          .set = [](ServerOptions& options, const std::string& value) -> Result<void> {
            SLIPWAY_ASSIGN(options.core.homes, model::parse_homes(value));
            return {};
          }};
}

Setting home_quota() {
  return {.key = "home-quota",
          .help = "size of each home, such as 10GiB, where the file system can limit it; 0: without",
          .shown = [](const ServerOptions& options) { return format_bytes(options.core.home_quota_bytes); },
          .set = [](ServerOptions& options, const std::string& value) -> Result<void> {
            SLIPWAY_ASSIGN(options.core.home_quota_bytes, value == "0" ? Result<std::int64_t>(0) : parse_bytes(value));
            constexpr std::int64_t kLeast = 1 << 20;  // what a file system of homes can count
            if (options.core.home_quota_bytes == 0 || options.core.home_quota_bytes >= kLeast) return {};
            return fail(Code::InvalidInput, "--home-quota {} is too small: at least 1MiB", value);
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
      base_domain(),
      homes(),
      home_quota(),
      text("novnc", "directory of noVNC, which shows desktops; Debian's package novnc",
           &ServerOptions::novnc_directory),
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
