// Reading what the engine says. Pure.
#include <fmt/format.h>

#include <charconv>

#include "agent/docker/docker_client.hpp"
#include "wire/json.hpp"

namespace slipway::agent {
namespace {

using wire::JsonReader;

constexpr int kOldestMinor = 41;  ///< Docker 20.10, the oldest that a supported distribution ships
constexpr int kNewestMinor = 47;  ///< what this code was written against; engines keep speaking older ones

/// "2026-01-31T09:30:00.123456789Z" → milliseconds; the engine's zero time is the year 1.
WallTime engine_time(std::string text) {
  if (text.starts_with("0001-")) return {};
  const std::size_t dot = text.find('.');
  if (dot != std::string::npos) {
    std::string fraction = text.substr(dot + 1, text.find_first_not_of("0123456789", dot + 1) - dot - 1);
    fraction.resize(3, '0');
    text = text.substr(0, dot) + "." + fraction + "Z";
  }
  return parse_time(text).value_or(WallTime{});
}

Result<int> minor_of(std::string_view version) {
  int minor = 0;
  const std::size_t dot = version.find('.');
  if (!version.starts_with("1.") ||
      std::from_chars(version.data() + dot + 1, version.data() + version.size(), minor).ec != std::errc{}) {
    return fail(Code::Incompatible, "Docker names its API version '{}', which is no 1.x", version);
  }
  return minor;
}

ContainerStatus status_of(const std::string& name) {
  if (name == "created") return ContainerStatus::Created;
  if (name == "exited" || name == "dead" || name == "removing") return ContainerStatus::Exited;
  return ContainerStatus::Running;  // running, paused, restarting
}

}  // namespace

Result<std::string> choose_api_version(std::string_view oldest, std::string_view newest) {
  SLIPWAY_ASSIGN(const int first, minor_of(oldest));
  SLIPWAY_ASSIGN(const int last, minor_of(newest));
  if (last < kOldestMinor) {
    return fail(Error{.code = Code::Incompatible,
                      .message = fmt::format("Docker speaks API {} at most, 1.{} is needed", newest, kOldestMinor),
                      .fix = "install Docker 20.10 or newer on the host",
                      .context = {}});
  }
  if (first > kNewestMinor) return fmt::format("1.{}", first);
  return fmt::format("1.{}", std::max(first, kOldestMinor));
}

Result<ContainerState> parse_inspection(std::string_view body) {
  SLIPWAY_ASSIGN(const boost::json::value value, wire::parse_json(body));
  SLIPWAY_ASSIGN(const JsonReader container, JsonReader::open(value, "container"));
  const boost::json::value* part = container.find("State");
  if (part == nullptr) return fail(Code::Internal, "Docker's answer about a container has no State");
  SLIPWAY_ASSIGN(const JsonReader reader, JsonReader::open(*part, "State"));
  ContainerState state;
  SLIPWAY_ASSIGN(state.id, container.text("Id"));
  SLIPWAY_ASSIGN(const std::string status, reader.text("Status"));
  state.status = status_of(status);
  SLIPWAY_ASSIGN(const std::int64_t exit_code, reader.integer_or("ExitCode", 0));
  state.exit_code = static_cast<int>(exit_code);
  SLIPWAY_ASSIGN(state.out_of_memory, reader.boolean_or("OOMKilled", false));
  SLIPWAY_ASSIGN(const std::int64_t pid, reader.integer_or("Pid", 0));
  state.pid = static_cast<int>(pid);
  SLIPWAY_ASSIGN(const std::string started, reader.text_or("StartedAt", ""));
  SLIPWAY_ASSIGN(const std::string finished, reader.text_or("FinishedAt", ""));
  state.started_at = engine_time(started);
  state.finished_at = engine_time(finished);
  return state;
}

Result<std::vector<std::string>> parse_image_command(std::string_view body) {
  SLIPWAY_ASSIGN(const boost::json::value value, wire::parse_json(body));
  SLIPWAY_ASSIGN(const JsonReader image, JsonReader::open(value, "image"));
  std::vector<std::string> command;
  const boost::json::value* part = image.find("Config");
  if (part == nullptr || part->is_null()) return command;
  SLIPWAY_ASSIGN(const JsonReader config, JsonReader::open(*part, "Config"));
  for (const char* key : {"Entrypoint", "Cmd"}) {
    const boost::json::value* words = config.find(key);
    if (words == nullptr || words->is_null()) continue;
    SLIPWAY_ASSIGN(const std::vector<std::string> some, config.texts_or_empty(key));
    command.insert(command.end(), some.begin(), some.end());
  }
  return command;
}

}  // namespace slipway::agent
