#include "localcloud/inventory/rows.hpp"

#include <boost/json.hpp>

#include "base/digest.hpp"

namespace slipway::localcloud {
namespace json = boost::json;
namespace {

// One description of the fields of each resource serves both directions: a Writer and a Reader visit the same list.

struct Writer {
  json::object row;

  void field(const char* name, const std::string& value) { row[name] = value; }
  void field(const char* name, bool value) { row[name] = value; }
  void field(const char* name, int value) { row[name] = value; }
  void field(const char* name, std::int64_t value) { row[name] = value; }
  void field(const char* name, WallTime value) { row[name] = value.time_since_epoch().count(); }
  void field(const char* name, InstanceState value) { row[name] = state_name(value); }
  void field(const char* name, const std::vector<std::string>& value) { row[name] = json::value_from(value); }
  void field(const char* name, const Tags& value) { row[name] = json::value_from(value); }
  void bytes(const char* name, const std::string& value) { row[name] = base64_encode(value); }
  void field(const char* name, const std::vector<GroupRule>& rules);
};

struct Reader {
  const json::object& row;
  std::string wrong{};  ///< the first field of a wrong type

  template <typename T>
  void convert(const char* name, T& value) {
    const auto* found = row.if_contains(name);
    if (found == nullptr) return;
    auto converted = json::try_value_to<T>(*found);
    if (converted.has_value()) value = std::move(*converted);
    if (converted.has_error() && wrong.empty()) wrong = name;
  }
  void field(const char* name, std::string& value) { convert(name, value); }
  void field(const char* name, bool& value) { convert(name, value); }
  void field(const char* name, int& value) { convert(name, value); }
  void field(const char* name, std::int64_t& value) { convert(name, value); }
  void field(const char* name, std::vector<std::string>& value) { convert(name, value); }
  void field(const char* name, Tags& value) { convert(name, value); }
  void field(const char* name, WallTime& value) {
    auto count = value.time_since_epoch().count();
    convert(name, count);
    value = WallTime(std::chrono::milliseconds(count));
  }
  void field(const char* name, InstanceState& value) {
    std::string text(state_name(value));
    convert(name, text);
    const auto state = state_from_name(text);
    if (state) value = *state;
    if (!state && wrong.empty()) wrong = name;
  }
  void bytes(const char* name, std::string& value) {
    std::string text;
    convert(name, text);
    auto decoded = base64_decode(text);
    if (decoded) value = *std::move(decoded);
    if (!decoded && wrong.empty()) wrong = name;
  }
  void field(const char* name, std::vector<GroupRule>& rules);
};

template <typename Visitor, typename Value>
void visit_rule(Visitor& visitor, Value& rule) {
  visitor.field("id", rule.id);
  visitor.field("protocol", rule.protocol);
  visitor.field("from_port", rule.from_port);
  visitor.field("to_port", rule.to_port);
  visitor.field("cidr", rule.cidr);
  visitor.field("source_group_id", rule.source_group_id);
  visitor.field("description", rule.description);
}

void Writer::field(const char* name, const std::vector<GroupRule>& rules) {
  json::array list;
  for (const auto& rule : rules) {
    Writer writer;
    visit_rule(writer, rule);
    list.emplace_back(std::move(writer.row));
  }
  row[name] = std::move(list);
}

void Reader::field(const char* name, std::vector<GroupRule>& rules) {
  const auto* found = row.if_contains(name);
  if (found == nullptr) return;
  if (!found->is_array()) {
    wrong = name;
    return;
  }
  for (const auto& element : found->get_array()) {
    if (!element.is_object()) {
      wrong = name;
      return;
    }
    Reader reader{element.get_object()};
    visit_rule(reader, rules.emplace_back());
    if (!reader.wrong.empty()) wrong = reader.wrong;
  }
}

template <typename V, typename T>
  requires std::same_as<std::remove_const_t<T>, Instance>
void visit(V& v, T& i) {
  v.field("id", i.id);
  v.field("reservation_id", i.reservation_id);
  v.field("launch_index", i.launch_index);
  v.field("client_token", i.client_token);
  v.field("image_id", i.image_id);
  v.field("instance_type", i.instance_type);
  v.field("state", i.state);
  v.field("reason_code", i.reason_code);
  v.field("reason_message", i.reason_message);
  v.field("transition_reason", i.transition_reason);
  v.field("key_name", i.key_name);
  v.field("public_key", i.public_key);
  v.field("group_ids", i.group_ids);
  v.bytes("user_data", i.user_data);
  v.field("private_ip", i.private_ip);
  v.field("mac", i.mac);
  v.field("interface_id", i.interface_id);
  v.field("attachment_id", i.attachment_id);
  v.field("volume_id", i.volume_id);
  v.field("delete_volume", i.delete_volume);
  v.field("imds_enabled", i.imds_enabled);
  v.field("imds_v1", i.imds_v1);
  v.field("imds_tags", i.imds_tags);
  v.field("terminate_on_shutdown", i.terminate_on_shutdown);
  v.field("protect_from_termination", i.protect_from_termination);
  v.field("start_with_cloud", i.start_with_cloud);
  v.field("boots", i.boots);
  v.field("launched_at", i.launched_at);
  v.field("changed_at", i.changed_at);
  v.field("tags", i.tags);
}

template <typename V, typename T>
  requires std::same_as<std::remove_const_t<T>, Image>
void visit(V& v, T& i) {
  v.field("id", i.id);
  v.field("name", i.name);
  v.field("description", i.description);
  v.field("state", i.state);
  v.field("reason_message", i.reason_message);
  v.field("snapshot_id", i.snapshot_id);
  v.field("source_instance_id", i.source_instance_id);
  v.field("no_reboot", i.no_reboot);
  v.field("size_gib", i.size_gib);
  v.field("created_at", i.created_at);
  v.field("tags", i.tags);
  v.field("snapshot_tags", i.snapshot_tags);
}

template <typename V, typename T>
  requires std::same_as<std::remove_const_t<T>, Volume>
void visit(V& v, T& i) {
  v.field("id", i.id);
  v.field("snapshot_id", i.snapshot_id);
  v.field("instance_id", i.instance_id);
  v.field("size_gib", i.size_gib);
  v.field("volume_type", i.volume_type);
  v.field("created_at", i.created_at);
  v.field("tags", i.tags);
}

template <typename V, typename T>
  requires std::same_as<std::remove_const_t<T>, KeyPair>
void visit(V& v, T& i) {
  v.field("id", i.id);
  v.field("name", i.name);
  v.field("type", i.type);
  v.field("public_key", i.public_key);
  v.field("fingerprint", i.fingerprint);
  v.field("created_at", i.created_at);
  v.field("tags", i.tags);
}

template <typename V, typename T>
  requires std::same_as<std::remove_const_t<T>, Group>
void visit(V& v, T& i) {
  v.field("id", i.id);
  v.field("name", i.name);
  v.field("description", i.description);
  v.field("ingress", i.ingress);
  v.field("tags", i.tags);
}

template <typename V, typename T>
  requires std::same_as<std::remove_const_t<T>, FileSystem>
void visit(V& v, T& i) {
  v.field("id", i.id);
  v.field("creation_token", i.creation_token);
  v.field("state", i.state);
  v.field("performance_mode", i.performance_mode);
  v.field("throughput_mode", i.throughput_mode);
  v.field("zone", i.zone);
  v.field("created_at", i.created_at);
  v.field("tags", i.tags);
}

template <typename V, typename T>
  requires std::same_as<std::remove_const_t<T>, MountTarget>
void visit(V& v, T& i) {
  v.field("id", i.id);
  v.field("file_system_id", i.file_system_id);
  v.field("state", i.state);
  v.field("ip_address", i.ip_address);
  v.field("interface_id", i.interface_id);
  v.field("group_ids", i.group_ids);
  v.field("created_at", i.created_at);
}

template <typename V, typename T>
  requires std::same_as<std::remove_const_t<T>, LaunchToken>
void visit(V& v, T& i) {
  v.field("id", i.id);
  v.field("request_digest", i.request_digest);
  v.field("instance_ids", i.instance_ids);
  v.field("used_at", i.used_at);
}

template <typename V, typename T>
  requires std::same_as<std::remove_const_t<T>, Settings>
void visit(V& v, T& i) {
  v.field("id", i.id);
  v.field("account_id", i.account_id);
  v.field("vpc_id", i.vpc_id);
  v.field("subnet_id", i.subnet_id);
  v.field("access_key_id", i.access_key_id);
  v.field("secret_access_key", i.secret_access_key);
  v.field("metadata_key", i.metadata_key);
}

template <typename T>
json::value write(const T& value) {
  Writer writer;
  visit(writer, value);
  return std::move(writer.row);
}

template <typename T>
Result<void> read(const json::value& row, T& value) {
  if (!row.is_object()) return fail(Code::Corrupt, "a row of table {} is no object", T::kTable);
  Reader reader{row.get_object()};
  visit(reader, value);
  if (reader.wrong.empty()) return {};
  return fail(Code::Corrupt, "field {} of row {} in table {} has a wrong type", reader.wrong, value.id, T::kTable);
}

}  // namespace

json::value to_row(const Instance& value) { return write(value); }
json::value to_row(const Image& value) { return write(value); }
json::value to_row(const Volume& value) { return write(value); }
json::value to_row(const KeyPair& value) { return write(value); }
json::value to_row(const Group& value) { return write(value); }
json::value to_row(const FileSystem& value) { return write(value); }
json::value to_row(const MountTarget& value) { return write(value); }
json::value to_row(const LaunchToken& value) { return write(value); }
json::value to_row(const Settings& value) { return write(value); }
Result<void> from_row(const json::value& row, Instance& value) { return read(row, value); }
Result<void> from_row(const json::value& row, Image& value) { return read(row, value); }
Result<void> from_row(const json::value& row, Volume& value) { return read(row, value); }
Result<void> from_row(const json::value& row, KeyPair& value) { return read(row, value); }
Result<void> from_row(const json::value& row, Group& value) { return read(row, value); }
Result<void> from_row(const json::value& row, FileSystem& value) { return read(row, value); }
Result<void> from_row(const json::value& row, MountTarget& value) { return read(row, value); }
Result<void> from_row(const json::value& row, LaunchToken& value) { return read(row, value); }
Result<void> from_row(const json::value& row, Settings& value) { return read(row, value); }

}  // namespace slipway::localcloud
