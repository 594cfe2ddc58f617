#include "wire/api_requests.hpp"
#include "wire/fields.hpp"

namespace slipway::wire {

template <typename Visitor>
void fields(Visitor& visit, Is<model::JobSpec> auto& spec) {
  visit("container_image", spec.container_image);
  visit("command", spec.command);
  visit("env", spec.env);
  visit("resources", spec.resources);
  visit("source", spec.source);
  visit("pool", spec.pool);
  visit("rerun_harmless", spec.rerun_harmless);
  visit("stop_grace_ms", spec.stop_grace);
  visit("log_limit_bytes", spec.log_limit_bytes);
  visit.unless_empty("service", spec.service);
}

namespace {

/// Linux: one argument or "NAME=value" of execve is at most 128 KiB (MAX_ARG_STRLEN), with its NUL.
constexpr std::size_t kMaxArgumentBytes = (128 << 10) - 1;
/// All of them together: well below the 2 MiB that an 8 MiB stack allows (a quarter of it).
constexpr std::size_t kMaxArgumentsBytes = 1 << 20;
constexpr std::size_t kMaxContainerImageBytes = 255;
constexpr std::int64_t kMaxCpuMillis = 1'000'000;          // 1000 cores: no machine is larger
constexpr std::int64_t kMinMemoryBytes = 6LL << 20;        // Docker's own minimum
constexpr std::int64_t kMaxMemoryBytes = 64LL << 40;       // no machine is larger
constexpr Duration kMaxStopGrace = std::chrono::hours(1);  // a stop must come to an end
constexpr std::int64_t kMinLogLimitBytes = 4LL << 10;      // room for the marker that says how much was dropped
constexpr std::int64_t kMaxLogLimitBytes = 1LL << 40;

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

bool is_env_name(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= 256 && !(name[0] >= '0' && name[0] <= '9') &&
         std::ranges::all_of(name, is_word);
}

/// A container image may bring its own command for a service; a job says what it runs.
bool says_what_runs(const model::JobSpec& spec) {
  if (spec.command.empty()) return spec.service && !spec.service->process;
  return !spec.command.front().empty();
}

Result<void> check_command(const model::JobSpec& spec, const std::string& where) {
  if (!says_what_runs(spec)) {
    return fail(Code::InvalidInput, "{}.command is missing or empty: what should run?", where);
  }
  std::size_t total = 0;
  for (const std::string& argument : spec.command) {
    if (has_nul(argument)) return fail(Code::InvalidInput, "{}.command may not hold a NUL byte", where);
    if (argument.size() > kMaxArgumentBytes) {
      return fail(Code::InvalidInput, "{}.command: an argument is over {} bytes", where, kMaxArgumentBytes);
    }
    total += argument.size() + 1;
  }
  for (const auto& [name, value] : spec.env) {
    if (!is_env_name(name)) {
      return fail(Code::InvalidInput, "{}.env: '{}' is no name of an environment variable", where, name.substr(0, 100));
    }
    if (name.starts_with("SLIPWAY_")) {
      return fail(Code::InvalidInput, "{}.env: {} is Slipway's to set; choose another name", where, name);
    }
    if (has_nul(value) || name.size() + 1 + value.size() > kMaxArgumentBytes) {
      return fail(Code::InvalidInput, "{}.env.{} has a NUL byte or is over {} bytes", where, name, kMaxArgumentBytes);
    }
    total += name.size() + value.size() + 2;
  }
  if (total > kMaxArgumentsBytes) {
    return fail(Code::InvalidInput, "{}: command and env are over {} bytes together", where, kMaxArgumentsBytes);
  }
  return {};
}

Result<void> check_container_image(const model::JobSpec& spec, const std::string& where) {
  const auto& name = spec.container_image;
  if (spec.service && spec.service->process && name.empty()) return {};
  const bool printable = std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
  if (name.empty() || name.front() == '-' || name.size() > kMaxContainerImageBytes || !printable) {
    return fail(Code::InvalidInput, "{}.container_image '{}' is no name of a container image: write name:tag", where,
                name.substr(0, 100));
  }
  return {};
}

Result<void> check_range(const std::string& path, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return {};
  return fail(Code::InvalidInput, "{} must be {} to {}, not {}", path, low, high, value);
}

Result<void> check_service(const model::ServiceSpec& service, const std::string& where) {
  if (service.ports.empty()) return fail(Code::InvalidInput, "{}.service.ports may not be empty", where);
  for (const auto& port : service.ports)
    SLIPWAY_TRY(check_range(fmt::format("{}.service.ports.{}", where, port.name), port.port, 1, 65535));
  return {};
}

}  // namespace

std::string with_tag(std::string name) {
  const std::size_t slash = name.rfind('/');
  const std::size_t tag = name.find_first_of(":@", slash == std::string::npos ? 0 : slash);
  return tag == std::string::npos ? name + ":latest" : name;
}

Json job_spec_json(const model::JobSpec& spec) { return write_fields(spec); }

Result<void> check_limits(const model::JobSpec& spec, const std::string& where) {
  SLIPWAY_TRY(check_container_image(spec, where));
  SLIPWAY_TRY(check_command(spec, where));
  SLIPWAY_TRY(check_range(where + ".resources.cpu_millis", spec.resources.cpu_millis, 1, kMaxCpuMillis));
  SLIPWAY_TRY(
      check_range(where + ".resources.memory_bytes", spec.resources.memory_bytes, kMinMemoryBytes, kMaxMemoryBytes));
  SLIPWAY_TRY(check_range(where + ".stop_grace_ms", spec.stop_grace.count(), 0, kMaxStopGrace / Duration(1)));
  SLIPWAY_TRY(check_range(where + ".log_limit_bytes", spec.log_limit_bytes, kMinLogLimitBytes, kMaxLogLimitBytes));
  if (!spec.pool.empty()) SLIPWAY_TRY(check_name(spec.pool, where + ".pool"));
  if (spec.service) SLIPWAY_TRY(check_service(*spec.service, where));
  return {};
}

Result<void> take(const Json& json, const std::string& where, model::JobSpec& out) {
  SLIPWAY_ASSIGN(out, read_fields<model::JobSpec>(json, where));
  return {};
}

Result<model::JobSpec> job_spec_from_json(const Json& json, const std::string& where) {
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, where));
  SLIPWAY_TRY(object.only({"container_image", "command", "env", "resources", "source", "pool", "rerun_harmless",
                           "stop_grace_ms", "log_limit_bytes"}));
  if (const Json* resources = object.find("resources")) {
    SLIPWAY_ASSIGN(const JsonReader inner, JsonReader::open(*resources, where + ".resources"));
    SLIPWAY_TRY(inner.only({"cpu_millis", "memory_bytes"}));
  }
  SLIPWAY_ASSIGN(auto spec, read_fields<model::JobSpec>(json, where));
  if (!spec.container_image.empty()) spec.container_image = with_tag(std::move(spec.container_image));
  SLIPWAY_TRY(check_limits(spec, where));
  return spec;
}

}  // namespace slipway::wire
