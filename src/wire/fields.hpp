// One description of a struct's JSON form serves writing and reading: `fields(visitor, value)` names each key once, and
// a Writer or a Reader visits it. For the .cpp files of this room.
#pragma once
#include <boost/json.hpp>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "model/workshop.hpp"
#include "wire/json.hpp"
#include "wire/records.hpp"

namespace slipway::wire {

/// For `fields`: the struct, to be read or to be written.
template <typename T, typename U>
concept Is = std::is_same_v<std::remove_const_t<T>, U>;

/// What every stored thing carries; visited last.
template <typename Visitor>
void meta_fields(Visitor& visit, Is<model::RecordMeta> auto& meta) {
  visit("version", meta.version);
  visit("owner", meta.owner);
  visit("project", meta.project);
  visit("created_at", meta.created_at);
  visit("changed_at", meta.changed_at);
}

// ---- one value ----

inline Json put(const std::string& value) { return Json(clean_utf8(value)); }
inline Json put(bool value) { return Json(value); }
inline Json put(int value) { return Json(value); }
inline Json put(std::int64_t value) { return Json(value); }
inline Json put(Duration value) { return Json(value.count()); }
inline Json put(WallTime value) { return Json(format_time(value)); }
inline Json put(Code value) { return Json(code_name(value)); }
inline Json put(model::JobState value) { return Json(model::job_state_name(value)); }
inline Json put(model::AllocationState value) { return Json(model::allocation_state_name(value)); }
inline Json put(model::HostState value) { return Json(model::host_state_name(value)); }
inline Json put(model::BakeState value) { return Json(model::bake_state_name(value)); }
inline Json put(model::SessionState value) { return Json(model::session_state_name(value)); }
inline Json put(model::HomeKind value) { return Json(model::home_kind_name(value)); }
inline Json put(model::HomeTaskKind value) { return Json(model::home_task_kind_name(value)); }
inline Json put(model::HomeTaskState value) { return Json(model::home_task_state_name(value)); }
inline Json put(model::LogStream value) { return Json(model::log_stream_name(value)); }
inline Json put(const model::Manifest& value) { return manifest_json(value); }
inline Json put(const model::JobSpec& value) { return job_spec_json(value); }
inline Json put(model::PortKind value) { return Json(model::port_kind_name(value)); }
inline Json put(model::PortExposure value) { return Json(model::port_exposure_name(value)); }
Json put(const model::AppPort& value);
Json put(const model::Probe& value);
Json put(const model::Slots& value);
Json put(const model::AppAuth& value);
Json put(const model::IdleRule& value);
Json put(const model::HomeMount& value);
Json put(const model::ServiceSpec& value);
Json put(const model::AppSpec& value);
inline Json put(model::WorkshopState value) { return Json(model::workshop_state_name(value)); }
Json put(const model::Participant& value);
Json put(const model::WorkshopSpec& value);
inline Json put(const model::Resources& value) {
  return boost::json::object{{"cpu_millis", value.cpu_millis}, {"memory_bytes", value.memory_bytes}};
}
template <typename Tag>
Json put(const Id<Tag>& value) {
  return Json(value.text());
}
template <typename T>
Json put(const std::optional<T>& value) {
  return value ? put(*value) : Json(nullptr);
}
template <typename T>
Json put(const std::vector<T>& values) {
  boost::json::array out;
  for (const T& value : values) out.push_back(put(value));
  return out;
}
template <typename T>
Json put(const std::map<std::string, T>& values) {
  boost::json::object out;
  for (const auto& [key, value] : values) out[clean_utf8(key)] = put(value);
  return out;
}

Result<void> take(const Json& json, const std::string& where, std::string& out);
Result<void> take(const Json& json, const std::string& where, bool& out);
Result<void> take(const Json& json, const std::string& where, int& out);
Result<void> take(const Json& json, const std::string& where, std::int64_t& out);
Result<void> take(const Json& json, const std::string& where, Duration& out);
Result<void> take(const Json& json, const std::string& where, WallTime& out);
Result<void> take(const Json& json, const std::string& where, Code& out);
Result<void> take(const Json& json, const std::string& where, model::JobState& out);
Result<void> take(const Json& json, const std::string& where, model::AllocationState& out);
Result<void> take(const Json& json, const std::string& where, model::HostState& out);
Result<void> take(const Json& json, const std::string& where, model::BakeState& out);
Result<void> take(const Json& json, const std::string& where, model::SessionState& out);
Result<void> take(const Json& json, const std::string& where, model::HomeKind& out);
Result<void> take(const Json& json, const std::string& where, model::HomeTaskKind& out);
Result<void> take(const Json& json, const std::string& where, model::HomeTaskState& out);
Result<void> take(const Json& json, const std::string& where, model::LogStream& out);
Result<void> take(const Json& json, const std::string& where, model::Resources& out);
Result<void> take(const Json& json, const std::string& where, model::Manifest& out);
/// Neither strict nor checked against limits: for what was checked when it came in.
Result<void> take(const Json& json, const std::string& where, model::JobSpec& out);
Result<void> take(const Json& json, const std::string& where, model::PortKind& out);
Result<void> take(const Json& json, const std::string& where, model::PortExposure& out);
Result<void> take(const Json& json, const std::string& where, model::AppPort& out);
Result<void> take(const Json& json, const std::string& where, model::Probe& out);
Result<void> take(const Json& json, const std::string& where, model::Slots& out);
Result<void> take(const Json& json, const std::string& where, model::AppAuth& out);
Result<void> take(const Json& json, const std::string& where, model::IdleRule& out);
Result<void> take(const Json& json, const std::string& where, model::HomeMount& out);
Result<void> take(const Json& json, const std::string& where, model::ServiceSpec& out);
Result<void> take(const Json& json, const std::string& where, model::AppSpec& out);
Result<void> take(const Json& json, const std::string& where, model::WorkshopState& out);
Result<void> take(const Json& json, const std::string& where, model::Participant& out);
Result<void> take(const Json& json, const std::string& where, model::WorkshopSpec& out);
Result<void> take(const Json& json, const std::string& where, std::map<std::string, std::string>& out);
Result<void> take(const Json& json, const std::string& where, std::map<std::string, int>& out);
Result<void> take_array(const Json& json, const std::string& where);
template <typename Tag>
Result<void> take(const Json& json, const std::string& where, Id<Tag>& out) {
  std::string text;
  SLIPWAY_TRY(take(json, where, text));
  if (text.empty()) {
    out = {};
    return {};
  }
  SLIPWAY_ASSIGN(out, Id<Tag>::parse(text).context("reading " + where));
  return {};
}
template <typename T>
Result<void> take(const Json& json, const std::string& where, std::optional<T>& out) {
  if (json.is_null()) {
    out.reset();
    return {};
  }
  return take(json, where, out.emplace());
}
template <typename T>
Result<void> take(const Json& json, const std::string& where, std::vector<T>& out) {
  SLIPWAY_TRY(take_array(json, where));
  out.clear();
  for (const Json& element : json.get_array()) {
    SLIPWAY_TRY(take(element, fmt::format("{}[{}]", where, out.size()), out.emplace_back()));
  }
  return {};
}

// ---- a struct ----

/// Keys in the order of the visits.
class Writer {
 public:
  template <typename T>
  void operator()(std::string_view key, const T& value) {
    object[key] = put(value);
  }
  template <typename T>
  void required(std::string_view key, const T& value) {
    object[key] = put(value);
  }
  /// Left out while empty, false, nothing or the first of an enum: a key that most do not need, or that came later.
  template <typename T>
  void unless_empty(std::string_view key, const T& value) {
    if constexpr (requires { value.empty(); }) {
      if (!value.empty()) object[key] = put(value);
    } else if constexpr (std::is_enum_v<T>) {
      if (value != T{}) object[key] = put(value);
    } else {
      if (value) object[key] = put(value);
    }
  }
  boost::json::object object;
};

/// Keeps the first error and does nothing more after it. A key that is not there leaves the value alone, unless it is
/// required.
class Reader {
 public:
  Reader(const boost::json::object& from, std::string where) : from_(from), where_(std::move(where)) {}
  template <typename T>
  void operator()(std::string_view key, T& value) {
    if (!outcome) return;
    if (const Json* found = from_.if_contains(key)) outcome = take(*found, path(key), value);
  }
  template <typename T>
  void required(std::string_view key, T& value) {
    if (!outcome) return;
    const Json* found = from_.if_contains(key);
    outcome = found != nullptr ? take(*found, path(key), value)
                               : Result<void>(fail(Code::InvalidInput, "{} is missing", path(key)));
    if (outcome && is_blank(value)) outcome = fail(Code::InvalidInput, "{} may not be empty", path(key));
  }
  template <typename T>
  void unless_empty(std::string_view key, T& value) {
    (*this)(key, value);
  }
  Result<void> outcome;

 private:
  template <typename T>
  static bool is_blank(const T& value) {
    if constexpr (requires { value.empty(); }) {
      return !std::is_same_v<T, std::string> && value.empty();
    } else {
      return false;
    }
  }
  [[nodiscard]] std::string path(std::string_view key) const { return fmt::format("{}.{}", where_, key); }

  const boost::json::object& from_;
  std::string where_;
};

/// The object that `fields` describes.
template <typename T>
boost::json::object write_fields(const T& value) {
  Writer writer;
  fields(writer, value);
  return std::move(writer.object);
}

template <typename T>
Result<T> read_fields(const Json& json, const std::string& where) {
  if (!json.is_object()) return fail(Code::InvalidInput, "{} must be an object", where);
  T value;
  Reader reader(json.get_object(), where);
  fields(reader, value);
  SLIPWAY_TRY(std::move(reader.outcome));
  return value;
}

/// What job_spec_from_json checks beside the keys.
Result<void> check_limits(const model::JobSpec& spec, const std::string& where);
/// Docker's rule: a name without a tag means the tag "latest"; hosts report names with tags.
std::string with_tag(std::string container_image);

}  // namespace slipway::wire
