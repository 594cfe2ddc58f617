// What an app is made of, and what of it goes to a host with the job of a session.
#include "wire/api_requests.hpp"
#include "wire/fields.hpp"

namespace slipway::wire {

template <typename Visitor>
void fields(Visitor& visit, Is<model::AppPort> auto& port) {
  visit.required("name", port.name);
  visit.required("port", port.port);
  visit("kind", port.kind);
  visit.unless_empty("expose", port.expose);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Probe> auto& probe) {
  visit("port", probe.port);
  visit("path", probe.path);
  visit("timeout_ms", probe.timeout);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Slots> auto& slots) {
  visit("ttys", slots.ttys);
  visit("uinputs", slots.uinputs);
  visit("gpus", slots.gpus);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::AppAuth> auto& auth) {
  visit("header", auth.header);
  visit("value", auth.value);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::IdleRule> auto& idle) {
  visit("after_ms", idle.after);
  visit("cpu_millis_below", idle.cpu_millis_below);
  visit("warning_ms", idle.warning);
}

namespace {

template <typename T>
Result<void> take_fields(const Json& json, const std::string& where, T& out) {
  SLIPWAY_ASSIGN(out, read_fields<T>(json, where));
  return {};
}

}  // namespace

Json put(const model::AppPort& value) { return write_fields(value); }
Json put(const model::Probe& value) { return write_fields(value); }
Json put(const model::Slots& value) { return write_fields(value); }
Json put(const model::AppAuth& value) { return write_fields(value); }
Json put(const model::IdleRule& value) { return write_fields(value); }
Result<void> take(const Json& json, const std::string& where, model::AppPort& out) {
  return take_fields(json, where, out);
}
Result<void> take(const Json& json, const std::string& where, model::Probe& out) {
  return take_fields(json, where, out);
}
Result<void> take(const Json& json, const std::string& where, model::Slots& out) {
  return take_fields(json, where, out);
}
Result<void> take(const Json& json, const std::string& where, model::AppAuth& out) {
  return take_fields(json, where, out);
}
Result<void> take(const Json& json, const std::string& where, model::IdleRule& out) {
  return take_fields(json, where, out);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::HomeMount> auto& home) {
  visit.required("kind", home.kind);
  visit.required("source", home.source);
  visit.unless_empty("options", home.options);
  visit.required("name", home.name);
  visit("quota_bytes", home.quota_bytes);
}

Json put(const model::HomeMount& value) { return write_fields(value); }
Result<void> take(const Json& json, const std::string& where, model::HomeMount& out) {
  SLIPWAY_ASSIGN(out, read_fields<model::HomeMount>(json, where));
  return {};
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::ServiceSpec> auto& service) {
  visit.required("ports", service.ports);
  visit("probe", service.probe);
  visit("slots", service.slots);
  visit("home", service.home);
  visit("startup", service.startup);
  visit("process", service.process);
  visit.unless_empty("app_token", service.app_token);
  visit.unless_empty("home_mount", service.home_mount);
  visit.unless_empty("warm", service.warm);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::AppSpec> auto& spec) {
  visit("container_image", spec.container_image);
  visit("command", spec.command);
  visit("env", spec.env);
  visit("resources", spec.resources);
  visit("ports", spec.ports);
  visit("probe", spec.probe);
  visit("slots", spec.slots);
  visit("auth", spec.auth);
  visit("idle", spec.idle);
  visit("home", spec.home);
  visit("startup", spec.startup);
  visit("process", spec.process);
  visit("longest_ms", spec.longest);
  visit("sessions_a_person", spec.sessions_a_person);
}

Json put(const model::ServiceSpec& value) { return write_fields(value); }
Result<void> take(const Json& json, const std::string& where, model::ServiceSpec& out) {
  return take_fields(json, where, out);
}
Json put(const model::AppSpec& value) { return write_fields(value); }
Result<void> take(const Json& json, const std::string& where, model::AppSpec& out) {
  return take_fields(json, where, out);
}

namespace {

/// The keys that T writes are those that it knows.
template <typename T>
Result<void> only_fields_of(const Json& json, const std::string& where, const T& full) {
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, where));
  const auto written = write_fields(full);
  std::set<std::string_view> known;
  for (const auto& member : written) known.insert(std::string_view(member.key()));
  return object.only(known);
}

template <typename T>
Result<void> only_in(const Json& json, const std::string& where, const char* key) {
  const Json* found = json.get_object().if_contains(key);
  return found == nullptr ? Result<void>() : only_fields_of(*found, fmt::format("{}.{}", where, key), T{});
}

Result<void> only_known_keys(const Json& json, const std::string& where) {
  SLIPWAY_TRY(only_fields_of(json, where, model::AppSpec{}));
  SLIPWAY_TRY(only_in<model::Probe>(json, where, "probe"));
  SLIPWAY_TRY(only_in<model::Slots>(json, where, "slots"));
  SLIPWAY_TRY(only_in<model::AppAuth>(json, where, "auth"));
  SLIPWAY_TRY(only_in<model::IdleRule>(json, where, "idle"));
  if (const Json* resources = json.get_object().if_contains("resources")) {
    SLIPWAY_ASSIGN(const JsonReader inner, JsonReader::open(*resources, where + ".resources"));
    SLIPWAY_TRY(inner.only({"cpu_millis", "memory_bytes"}));
  }
  const Json* ports = json.get_object().if_contains("ports");
  if (ports == nullptr) return {};
  SLIPWAY_TRY(take_array(*ports, where + ".ports"));
  const model::AppPort full{.expose = model::PortExposure::Host};
  for (std::size_t i = 0; i < ports->get_array().size(); ++i)
    SLIPWAY_TRY(only_fields_of(ports->get_array()[i], fmt::format("{}.ports[{}]", where, i), full));
  return {};
}

}  // namespace

Json app_spec_json(const model::AppSpec& spec) { return put(spec); }

Result<model::AppSpec> app_spec_from_json(const Json& json, const std::string& where) {
  SLIPWAY_TRY(only_known_keys(json, where));
  SLIPWAY_ASSIGN(auto spec, read_fields<model::AppSpec>(json, where));
  if (!spec.container_image.empty()) spec.container_image = with_tag(std::move(spec.container_image));
  SLIPWAY_TRY(model::check_app_spec(spec).context("reading " + where));
  SLIPWAY_TRY(check_limits(model::carrying_job(spec), where));
  return spec;
}

}  // namespace slipway::wire
