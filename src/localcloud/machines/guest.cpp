#include "localcloud/machines/guest.hpp"

#include <boost/json.hpp>

namespace slipway::localcloud {
namespace {

namespace json = boost::json;

constexpr std::array<std::pair<ExitReason, std::string_view>, 3> kReasons{
    {{ExitReason::PoweredOff, "powered_off"}, {ExitReason::Killed, "killed"}, {ExitReason::Failed, "failed"}}};

/// Reads members of one object; the first that is missing or of another type makes the whole reading fail.
class Reader {
 public:
  Reader(const std::string& text, std::string what) : what_(std::move(what)) {
    boost::system::error_code error;
    value_ = json::parse(text, error);
    if (error || !value_.is_object()) broken_ = "JSON object";
  }
  [[nodiscard]] std::string text(const char* key) {
    const json::value* found = find(key);
    if (found == nullptr || !found->is_string()) return broken(key), std::string();
    return std::string(found->as_string());
  }
  [[nodiscard]] std::int64_t number(const char* key) {
    const json::value* found = find(key);
    if (found == nullptr || !found->is_int64()) return broken(key), 0;
    return found->as_int64();
  }
  [[nodiscard]] bool flag(const char* key) {
    const json::value* found = find(key);
    if (found == nullptr || !found->is_bool()) return broken(key), false;
    return found->as_bool();
  }
  [[nodiscard]] const json::array* array(const char* key) {
    const json::value* found = find(key);
    if (found == nullptr || !found->is_array()) return broken(key), nullptr;
    return &found->as_array();
  }
  [[nodiscard]] Result<void> result() const {
    if (broken_.empty()) return {};
    return fail(Code::Corrupt, "{}: no good '{}'", what_, broken_);
  }
  void broken(const char* key) {
    if (broken_.empty()) broken_ = key;
  }

 private:
  [[nodiscard]] const json::value* find(const char* key) const {
    return value_.is_object() ? value_.as_object().if_contains(key) : nullptr;
  }
  std::string what_;
  json::value value_;
  std::string broken_;
};

json::array encode_binds(const std::vector<GuestBind>& binds) {
  json::array out;
  for (const GuestBind& bind : binds) {
    out.push_back(json::object{{"source", bind.source}, {"target", bind.target}, {"read_only", bind.read_only}});
  }
  return out;
}

Result<std::vector<GuestBind>> decode_binds(const json::array& binds) {
  std::vector<GuestBind> out;
  for (const json::value& value : binds) {
    Reader read(json::serialize(value), "bind of a guest");
    GuestBind bind{.source = read.text("source"), .target = read.text("target"), .read_only = read.flag("read_only")};
    SLIPWAY_TRY(read.result());
    out.push_back(std::move(bind));
  }
  return out;
}

}  // namespace

std::string exit_reason_name(ExitReason reason) {
  for (const auto& [value, name] : kReasons) {
    if (value == reason) return std::string(name);
  }
  return "killed";
}

std::string encode(const GuestSpec& spec) {
  return json::serialize(json::object{{"cloud", spec.cloud},
                                      {"instance_id", spec.instance_id},
                                      {"directory", spec.directory},
                                      {"root", spec.root},
                                      {"network_namespace", spec.network_namespace},
                                      {"hostname", spec.hostname},
                                      {"uid_base", std::int64_t{spec.uid_base}},
                                      {"cpus", spec.cpus},
                                      {"memory_bytes", spec.memory_bytes},
                                      {"pids", spec.pids},
                                      {"first_boot", spec.first_boot},
                                      {"binds", encode_binds(spec.binds)}}) +
         "\n";
}

Result<GuestSpec> decode_guest_spec(const std::string& text) {
  Reader read(text, "specification of a guest");
  GuestSpec spec{.cloud = read.text("cloud"),
                 .instance_id = read.text("instance_id"),
                 .directory = read.text("directory"),
                 .root = read.text("root"),
                 .network_namespace = read.text("network_namespace"),
                 .hostname = read.text("hostname"),
                 .uid_base = static_cast<std::uint32_t>(read.number("uid_base")),
                 .cpus = static_cast<int>(read.number("cpus")),
                 .memory_bytes = read.number("memory_bytes"),
                 .pids = static_cast<int>(read.number("pids")),
                 .first_boot = read.flag("first_boot"),
                 .binds = {}};
  const json::array* binds = read.array("binds");
  SLIPWAY_TRY(read.result());
  SLIPWAY_ASSIGN(spec.binds, decode_binds(*binds));
  return spec;
}

std::string encode(const ExitRecord& record) {
  return json::serialize(json::object{{"reason", exit_reason_name(record.reason)},
                                      {"requested", record.requested},
                                      {"exit_status", record.exit_status},
                                      {"ended", format_time(record.ended)},
                                      {"detail", record.detail}}) +
         "\n";
}

Result<ExitRecord> decode_exit_record(const std::string& text) {
  Reader read(text, "exit record of a guest");
  const std::string reason = read.text("reason");
  ExitRecord record{.reason = ExitReason::Killed,
                    .requested = read.flag("requested"),
                    .exit_status = static_cast<int>(read.number("exit_status")),
                    .ended = {},
                    .detail = read.text("detail")};
  const auto ended = parse_time(read.text("ended"));
  if (!ended) read.broken("ended");
  const auto* known = std::ranges::find(kReasons, reason, &std::pair<ExitReason, std::string_view>::second);
  if (known == kReasons.end()) read.broken("reason");
  SLIPWAY_TRY(read.result());
  record.ended = *ended;
  record.reason = known->first;
  return record;
}

}  // namespace slipway::localcloud
