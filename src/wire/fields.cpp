#include "wire/fields.hpp"

namespace slipway::wire {
namespace {

std::unexpected<Error> wrong(const std::string& where, std::string_view wanted) {
  return fail(Code::InvalidInput, "{} must be {}", where, wanted);
}

template <typename State, typename FromName>
Result<void> take_name(const Json& json, const std::string& where, State& out, FromName from_name) {
  if (!json.is_string()) return wrong(where, "text");
  Result<State> state = from_name(std::string_view(json.get_string()));
  SLIPWAY_ASSIGN(out, std::move(state).context("reading " + where));
  return {};
}

template <typename T>
Result<void> take_map(const Json& json, const std::string& where, std::map<std::string, T>& out) {
  if (!json.is_object()) return wrong(where, "an object");
  out.clear();
  for (const auto& member : json.get_object()) {
    SLIPWAY_TRY(take(member.value(), fmt::format("{}.{}", where, std::string_view(member.key())), out[member.key()]));
  }
  return {};
}

}  // namespace

Result<void> take(const Json& json, const std::string& where, std::string& out) {
  if (!json.is_string()) return wrong(where, "text");
  out = std::string(json.get_string());
  return {};
}

Result<void> take(const Json& json, const std::string& where, bool& out) {
  if (!json.is_bool()) return wrong(where, "true or false");
  out = json.get_bool();
  return {};
}

Result<void> take(const Json& json, const std::string& where, std::int64_t& out) {
  if (!json.is_int64()) return wrong(where, "a whole number");
  out = json.get_int64();
  return {};
}

Result<void> take(const Json& json, const std::string& where, int& out) {
  std::int64_t wide = 0;
  SLIPWAY_TRY(take(json, where, wide));
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    return wrong(where, "a whole number of 32 bits");
  }
  out = static_cast<int>(wide);
  return {};
}

Result<void> take(const Json& json, const std::string& where, Duration& out) {
  std::int64_t milliseconds = 0;
  SLIPWAY_TRY(take(json, where, milliseconds));
  // Sums of a time and a duration must stay far from overflow: 100 years.
  if (milliseconds < 0 || milliseconds > 3'155'760'000'000) return wrong(where, "milliseconds, 0 to 100 years");
  out = Duration(milliseconds);
  return {};
}

Result<void> take(const Json& json, const std::string& where, WallTime& out) {
  std::string text;
  SLIPWAY_TRY(take(json, where, text));
  SLIPWAY_ASSIGN(out, parse_time(text).context("reading " + where));
  return {};
}

Result<void> take(const Json& json, const std::string& where, Code& out) {
  std::string text;
  SLIPWAY_TRY(take(json, where, text));
  out = code_from_name(text);
  return {};
}

Result<void> take(const Json& json, const std::string& where, model::JobState& out) {
  return take_name(json, where, out, model::job_state_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::AllocationState& out) {
  return take_name(json, where, out, model::allocation_state_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::HostState& out) {
  return take_name(json, where, out, model::host_state_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::BakeState& out) {
  return take_name(json, where, out, model::bake_state_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::SessionState& out) {
  return take_name(json, where, out, model::session_state_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::PortKind& out) {
  return take_name(json, where, out, model::port_kind_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::PortExposure& out) {
  return take_name(json, where, out, model::port_exposure_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::HomeKind& out) {
  return take_name(json, where, out, model::home_kind_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::HomeTaskKind& out) {
  return take_name(json, where, out, model::home_task_kind_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::HomeTaskState& out) {
  return take_name(json, where, out, model::home_task_state_from_name);
}
Result<void> take(const Json& json, const std::string& where, model::LogStream& out) {
  return take_name(json, where, out, model::log_stream_from_name);
}

Result<void> take(const Json& json, const std::string& where, model::Resources& out) {
  if (!json.is_object()) return wrong(where, "an object");
  Reader reader(json.get_object(), where);
  reader("cpu_millis", out.cpu_millis);
  reader("memory_bytes", out.memory_bytes);
  return std::move(reader.outcome);
}

Result<void> take(const Json& json, const std::string& where, model::Manifest& out) {
  SLIPWAY_ASSIGN(out, manifest_from_json(json, where));
  return {};
}

Result<void> take(const Json& json, const std::string& where, std::map<std::string, std::string>& out) {
  return take_map(json, where, out);
}
Result<void> take(const Json& json, const std::string& where, std::map<std::string, int>& out) {
  return take_map(json, where, out);
}

Result<void> take_array(const Json& json, const std::string& where) {
  if (!json.is_array()) return wrong(where, "a list");
  return {};
}

}  // namespace slipway::wire
