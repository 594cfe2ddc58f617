#include "wire/agent_protocol.hpp"

#include <boost/endian/conversion.hpp>

#include "base/relative_path.hpp"
#include "wire/fields.hpp"

namespace slipway::wire {

// ---- the keys of each message ----

template <typename Visitor>
void fields(Visitor& visit, Is<Hello> auto& hello) {
  visit("agent_version", hello.agent_version);
  visit.required("protocol_min", hello.protocol_min);
  visit.required("protocol_max", hello.protocol_max);
  visit("features", hello.features);
  visit.unless_empty("join_token", hello.join_token);
  visit.unless_empty("credential", hello.credential);
  visit("instance_id", hello.instance_id);
  visit("hostname", hello.hostname);
  visit("boot_id", hello.boot_id);
}

template <typename Visitor>
void fields(Visitor& visit, Is<HostStatus> auto& status) {
  visit.required("ready", status.ready);
  visit("problem", status.problem);
  visit("capacity", status.capacity);
  visit("container_images", status.container_images);
  visit("engine_version", status.engine_version);
}

template <typename Visitor>
void fields(Visitor& visit, Is<Heartbeat> auto& heartbeat) {
  visit("sequence", heartbeat.sequence);
}

template <typename Visitor>
void fields(Visitor& visit, Is<AllocationReport> auto& report) {
  visit.required("allocation", report.allocation);
  visit.required("epoch", report.epoch);
  visit.required("state", report.state);
  visit("reason", report.reason);
  visit("exit_code", report.exit_code);
  visit("started_at", report.started_at);
  visit("finished_at", report.finished_at);
  visit("stdout_bytes", report.stdout_bytes);
  visit("stderr_bytes", report.stderr_bytes);
  visit("artifacts", report.artifacts);
  visit("artifacts_note", report.artifacts_note);
  visit.unless_empty("ready", report.ready);
  visit.unless_empty("waiting_for", report.waiting_for);
  visit.unless_empty("claimed", report.claimed);
}

inline Json put(const AllocationReport& report) { return write_fields(report); }
inline Result<void> take(const Json& json, const std::string& where, AllocationReport& out) {
  SLIPWAY_ASSIGN(out, read_fields<AllocationReport>(json, where));
  return {};
}

template <typename Visitor>
void fields(Visitor& visit, Is<HomeTaskReport> auto& report) {
  visit.required("task", report.task);
  visit.required("state", report.state);
  visit("reason", report.reason);
  visit.unless_empty("kept", report.kept);
  visit.unless_empty("archive_sha256", report.archive_sha256);
  visit("archive_bytes", report.archive_bytes);
}

inline Json put(const HomeTaskReport& report) { return write_fields(report); }
inline Result<void> take(const Json& json, const std::string& where, HomeTaskReport& out) {
  SLIPWAY_ASSIGN(out, read_fields<HomeTaskReport>(json, where));
  return {};
}

template <typename Visitor>
void fields(Visitor& visit, Is<ClaimAllocation> auto& order) {
  visit.required("allocation", order.allocation);
  visit.required("epoch", order.epoch);
  visit("startup", order.startup);
  visit.unless_empty("home", order.home);
}

template <typename Visitor>
void fields(Visitor& visit, Is<HomeTaskOrder> auto& order) {
  visit.required("task", order.task);
  visit.required("kind", order.kind);
  visit.unless_empty("home", order.home);
  visit("allocation", order.allocation);
  visit("files", order.files);
  visit("directory", order.directory);
  visit("replace", order.replace);
  visit("limit_bytes", order.limit_bytes);
}

template <typename Visitor>
void fields(Visitor& visit, Is<ForgetHomeTask> auto& order) {
  visit.required("task", order.task);
}

template <typename Visitor>
void fields(Visitor& visit, Is<Inventory> auto& inventory) {
  visit("allocations", inventory.allocations);
  visit.unless_empty("home_tasks", inventory.home_tasks);
}

template <typename Visitor>
void fields(Visitor& visit, Is<OrderRefused> auto& refused) {
  visit.required("allocation", refused.allocation);
  visit.required("epoch", refused.epoch);
  visit("reason", refused.reason);
}

template <typename Visitor>
void fields(Visitor& visit, Is<ServiceActivity> auto& activity) {
  visit.required("allocation", activity.allocation);
  visit.required("cpu_millis", activity.cpu_millis);
}

template <typename Visitor>
void fields(Visitor& visit, Is<TunnelRefused> auto& refused) {
  visit.required("tunnel", refused.tunnel);
  visit("reason", refused.reason);
}

template <typename Visitor>
void fields(Visitor& visit, Is<OpenTunnel> auto& order) {
  visit.required("tunnel", order.tunnel);
  visit.required("allocation", order.allocation);
  visit.required("port", order.port);
}

template <typename Visitor>
void fields(Visitor& visit, Is<Welcome> auto& welcome) {
  visit("controller_version", welcome.controller_version);
  visit.required("protocol", welcome.protocol);
  visit.required("host", welcome.host);
  visit.unless_empty("credential", welcome.credential);
  visit("heartbeat_ms", welcome.heartbeat);
}

template <typename Visitor>
void fields(Visitor& visit, Is<Refused> auto& refused) {
  visit.required("code", refused.code);
  visit("reason", refused.reason);
  visit("retry_after_ms", refused.retry_after);
}

template <typename Visitor>
void fields(Visitor& visit, Is<StartAllocation> auto& order) {
  visit.required("allocation", order.allocation);
  visit.required("epoch", order.epoch);
  visit.required("job", order.job);
  visit("job_name", order.job_name);
  visit.required("spec", order.spec);
}

template <typename Visitor>
void fields(Visitor& visit, Is<StopAllocation> auto& order) {
  visit.required("allocation", order.allocation);
  visit.required("epoch", order.epoch);
  visit("grace_ms", order.grace);
  visit("reason", order.reason);
}

template <typename Visitor>
void fields(Visitor& visit, Is<ForgetAllocation> auto& order) {
  visit.required("allocation", order.allocation);
  visit.required("epoch", order.epoch);
}

template <typename Visitor>
void fields(Visitor& visit, Is<LogAck> auto& ack) {
  visit.required("allocation", ack.allocation);
  visit.required("stream", ack.stream);
  visit.required("offset", ack.offset);
}

template <typename Visitor>
void fields(Visitor& visit, Is<LogChunk> auto& chunk) {
  visit.required("allocation", chunk.allocation);
  visit.required("stream", chunk.stream);
  visit.required("offset", chunk.offset);
}

template <typename Visitor>
void fields(Visitor& visit, Is<JoinData> auto& data) {
  visit.required("controller", data.controller);
  visit.required("fingerprint", data.fingerprint);
  visit.required("join_token", data.join_token);
}

namespace {

template <typename Message>
constexpr std::string_view kType = "";
template <>
constexpr std::string_view kType<Hello> = "hello";
template <>
constexpr std::string_view kType<HostStatus> = "host_status";
template <>
constexpr std::string_view kType<Heartbeat> = "heartbeat";
template <>
constexpr std::string_view kType<AllocationReport> = "allocation_report";
template <>
constexpr std::string_view kType<Inventory> = "inventory";
template <>
constexpr std::string_view kType<OrderRefused> = "order_refused";
template <>
constexpr std::string_view kType<ServiceActivity> = "service_activity";
template <>
constexpr std::string_view kType<TunnelRefused> = "tunnel_refused";
template <>
constexpr std::string_view kType<OpenTunnel> = "open_tunnel";
template <>
constexpr std::string_view kType<Welcome> = "welcome";
template <>
constexpr std::string_view kType<Refused> = "refused";
template <>
constexpr std::string_view kType<StartAllocation> = "start_allocation";
template <>
constexpr std::string_view kType<StopAllocation> = "stop_allocation";
template <>
constexpr std::string_view kType<ForgetAllocation> = "forget_allocation";
template <>
constexpr std::string_view kType<LogAck> = "log_ack";
template <>
constexpr std::string_view kType<HomeTaskReport> = "home_task_report";
template <>
constexpr std::string_view kType<ClaimAllocation> = "claim_allocation";
template <>
constexpr std::string_view kType<HomeTaskOrder> = "home_task_order";
template <>
constexpr std::string_view kType<ForgetHomeTask> = "forget_home_task";

// What a struct alone cannot say.
template <typename Message>
Result<void> check(const Message&) {
  return {};
}
Result<void> check(const Hello& hello) {
  if (hello.join_token.empty() == hello.credential.empty()) {
    return fail(Code::InvalidInput, "hello must carry either join_token or credential");
  }
  if (hello.protocol_min > hello.protocol_max)
    return fail(Code::InvalidInput, "hello.protocol_min is over protocol_max");
  return {};
}
/// The name stands in a path of the agent listener.
Result<void> check_tunnel(const std::string& tunnel, std::string_view where) {
  const bool good =
      tunnel.size() == kTunnelNameLength && std::ranges::all_of(tunnel, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      });
  if (good) return {};
  return fail(Code::InvalidInput, "{}.tunnel is no name of a tunnel", where);
}
Result<void> check(const TunnelRefused& refused) { return check_tunnel(refused.tunnel, "tunnel_refused"); }
Result<void> check(const OpenTunnel& order) {
  SLIPWAY_TRY(check_tunnel(order.tunnel, "open_tunnel"));
  if (order.port < 1 || order.port > 65535) return fail(Code::InvalidInput, "open_tunnel.port must be 1 to 65535");
  return {};
}
/// It stands in a path on the host: whatever the name is, it is one directory.
Result<void> check_home(const model::HomeMount& home, std::string_view where) {
  const bool plain = !home.name.empty() && home.name.find('/') == std::string::npos && home.name.front() != '.';
  if (!plain) return fail(Code::InvalidInput, "{}.home.name is no name of a directory", where);
  if (home.quota_bytes < 0) return fail(Code::InvalidInput, "{}.home.quota_bytes may not be negative", where);
  return {};
}
Result<void> check(const ClaimAllocation& order) {
  return order.home ? check_home(*order.home, "claim_allocation") : Result<void>();
}
Result<void> check(const HomeTaskOrder& order) {
  if (!order.directory.empty()) SLIPWAY_TRY(check_relative_path(order.directory));
  if (!order.home && order.allocation.empty())
    return fail(Code::InvalidInput, "home_task_order names neither a home nor an allocation");
  return order.home ? check_home(*order.home, "home_task_order") : Result<void>();
}
Result<void> check(const ServiceActivity& activity) {
  if (activity.cpu_millis < 0) return fail(Code::InvalidInput, "service_activity.cpu_millis may not be negative");
  return {};
}
Result<void> check(const LogAck& ack) {
  if (ack.offset < 0) return fail(Code::InvalidInput, "log_ack.offset may not be negative");
  return {};
}
Result<void> check(const LogChunk& chunk) {
  if (chunk.offset < 0) return fail(Code::InvalidInput, "log_chunk.offset may not be negative");
  return {};
}

Result<void> check(const StartAllocation& order) {
  const auto& service = order.spec.service;
  if (service && service->home_mount) SLIPWAY_TRY(check_home(*service->home_mount, "start_allocation"));
  return check_limits(order.spec, "start_allocation.spec");
}

template <typename Message>
std::string encode_one(const Message& message) {
  Writer writer;
  writer.object["type"] = kType<Message>;
  fields(writer, message);
  return boost::json::serialize(writer.object);
}

template <typename Message>
Result<Message> decode_one(const Json& json, std::string_view type) {
  SLIPWAY_ASSIGN(auto message, read_fields<Message>(json, std::string(type)));
  SLIPWAY_TRY(check(message));
  return message;
}

template <typename Any, typename... Messages>
Result<std::optional<Any>> decode_any(std::string_view text, std::variant<Messages...>*) {
  SLIPWAY_ASSIGN(const Json json, parse_json(text, kMaxMessageBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "message"));
  SLIPWAY_ASSIGN(const std::string type, object.text("type"));
  Result<std::optional<Any>> out = std::optional<Any>();
  const auto try_one = [&]<typename Message>(Message*) {
    if (type != kType<Message>) return;
    auto message = decode_one<Message>(json, type);
    if (message) {
      out->emplace(std::move(*message));
    } else {
      out = fail(std::move(message).error());
    }
  };
  (try_one(static_cast<Messages*>(nullptr)), ...);
  return out;
}

}  // namespace

std::string encode(const AgentMessage& message) {
  return std::visit([](const auto& one) { return encode_one(one); }, message);
}

std::string encode(const ControllerMessage& message) {
  return std::visit([](const auto& one) { return encode_one(one); }, message);
}

Result<std::optional<AgentMessage>> decode_agent_message(std::string_view text) {
  return decode_any<AgentMessage>(text, static_cast<AgentMessage*>(nullptr));
}

Result<std::optional<ControllerMessage>> decode_controller_message(std::string_view text) {
  return decode_any<ControllerMessage>(text, static_cast<ControllerMessage*>(nullptr));
}

std::string encode(const LogChunk& chunk) {
  const std::string header = boost::json::serialize(write_fields(chunk));
  std::array<unsigned char, 4> length{};
  boost::endian::store_big_u32(length.data(), static_cast<std::uint32_t>(header.size()));
  std::string out(length.begin(), length.end());
  out.reserve(length.size() + header.size() + chunk.bytes.size());
  out += header;
  out += chunk.bytes;
  return out;
}

Result<LogChunk> decode_log_chunk(std::string_view binary) {
  constexpr std::size_t kMaxHeaderBytes = 4096;
  if (binary.size() < 4) return fail(Code::InvalidInput, "a log chunk is cut short");
  const std::size_t length = boost::endian::load_big_u32(reinterpret_cast<const unsigned char*>(binary.data()));
  if (length > kMaxHeaderBytes || length > binary.size() - 4) {
    return fail(Code::InvalidInput, "a log chunk's header of {} bytes is too long", length);
  }
  if (binary.size() - 4 - length > kMaxLogChunkBytes) {
    return fail(Code::TooLarge, "a log chunk is over {} bytes", kMaxLogChunkBytes);
  }
  SLIPWAY_ASSIGN(const Json json, parse_json(binary.substr(4, length), kMaxHeaderBytes));
  SLIPWAY_ASSIGN(auto chunk, read_fields<LogChunk>(json, "log_chunk"));
  SLIPWAY_TRY(check(chunk));
  chunk.bytes = binary.substr(4 + length);
  return chunk;
}

std::string encode_user_data(const JoinData& data) {
  return "#cloud-config\n" + boost::json::serialize(boost::json::object{{"slipway", write_fields(data)}}) + "\n";
}

Result<JoinData> decode_user_data(std::string_view user_data) {
  constexpr std::size_t kMaxUserDataBytes = 16 << 10;  // EC2's own limit
  while (user_data.starts_with('#')) {
    const std::size_t newline = user_data.find('\n');
    if (newline == std::string_view::npos) break;
    user_data.remove_prefix(newline + 1);
  }
  if (!user_data.starts_with('{')) return fail(Code::NotFound, "user-data has no key \"slipway\"");
  SLIPWAY_ASSIGN(const Json json, parse_json(user_data, kMaxUserDataBytes).context("reading user-data"));
  const Json* found = json.get_object().if_contains("slipway");
  if (found == nullptr) return fail(Code::NotFound, "user-data has no key \"slipway\"");
  SLIPWAY_ASSIGN(auto data, read_fields<JoinData>(*found, "slipway"));
  if (data.controller.empty() || data.fingerprint.empty() || data.join_token.empty()) {
    return fail(Code::InvalidInput, "user-data: controller, fingerprint and join_token may not be empty");
  }
  return data;
}

}  // namespace slipway::wire
