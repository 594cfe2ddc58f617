#include "cli/app_file.hpp"

#include <charconv>

#include "base/units.hpp"
#include "cli/yaml_values.hpp"
#include "wire/records.hpp"

namespace slipway::cli {
namespace {

using image::YamlNode;

Result<int> parse_whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  return fail(Code::InvalidInput, "'{}' is no whole number", text);
}

/// "0" is the natural way to write no CPU at all.
Result<std::int64_t> parse_cpu_threshold(std::string_view text) {
  return text == "0" ? Result<std::int64_t>(0) : parse_cpu_millis(text);
}

/// "0" and "never" switch a time off.
Result<Duration> parse_duration_or_none(std::string_view text) {
  return text == "0" || text == "never" ? Result<Duration>(Duration::zero()) : parse_duration(text);
}

class AppFileReader {
 public:
  explicit AppFileReader(const std::string& file_name) : values_(file_name) {}

  Result<wire::RegisterAppRequest> read(const YamlNode& root) {
    if (root.kind == YamlNode::Kind::Map)
      read_app(root);
    else
      values_.mistake(root.place,
                      "an app file is made of keys; write 'name: NAME', 'container_image: NAME:TAG' and so on");
    SLIPWAY_TRY(values_.outcome(kFix));
    check();
    SLIPWAY_TRY(values_.outcome(kFix));
    return request_;
  }

 private:
  static constexpr const char* kFix = "correct the file; 'slipway app register --help' shows one";
  using Values = YamlValues::Read;

  /// What reads a value by `parse` into `member`.
  template <typename T, typename Parse>
  Values into(T& member, std::string key, Parse parse) {
    return [this, &member, key = std::move(key), parse](const YamlNode& value) {
      if (const auto read = values_.parsed<T>(value, key, parse)) member = *read;
    };
  }
  Values into_text(std::string& member, std::string key) {
    return [this, &member, key = std::move(key)](const YamlNode& value) {
      if (auto read = values_.text(value, key)) member = std::move(*read);
    };
  }

  void read_app(const YamlNode& root) {
    auto& spec = request_.spec;
    values_.keys(
        root, "",
        {{"name", into_text(request_.name, "name")},
         {"container_image", into_text(spec.container_image, "container_image")},
         {"command", [&](const YamlNode& value) { spec.command = values_.words(value, "command", "[jupyter, lab]"); }},
         {"process", into(spec.process, "process", parse_truth)},
         {"env", [&](const YamlNode& value) { spec.env = values_.texts(value, "env"); }},
         {"cpus", into(spec.resources.cpu_millis, "cpus", parse_cpu_millis)},
         {"memory", into(spec.resources.memory_bytes, "memory", parse_bytes)},
         {"ports", [&](const YamlNode& value) { read_ports(value); }},
         {"probe", [&](const YamlNode& value) { read_probe(value); }},
         {"slots", [&](const YamlNode& value) { read_slots(value); }},
         {"auth", [&](const YamlNode& value) { read_auth(value); }},
         {"idle", [&](const YamlNode& value) { read_idle(value); }},
         {"home", into_text(spec.home, "home")},
         {"startup", [&](const YamlNode& value) { spec.startup = values_.texts(value, "startup"); }},
         {"longest", into(spec.longest, "longest", parse_duration_or_none)},
         {"sessions_a_person", into(spec.sessions_a_person, "sessions_a_person", parse_whole_number)}});
  }

  void read_ports(const YamlNode& list) {
    if (list.kind != YamlNode::Kind::List) {
      values_.mistake(list.place, "ports must be a list: write [{name: web, port: 8888, kind: http}]");
      return;
    }
    for (const YamlNode& item : list.items) {
      model::AppPort port;
      values_.keys(item, "ports",
                   {{"name", into_text(port.name, "ports.name")},
                    {"port", into(port.port, "ports.port", parse_whole_number)},
                    {"kind", into(port.kind, "ports.kind", model::port_kind_from_name)},
                    {"expose", into(port.expose, "ports.expose", model::port_exposure_from_name)}});
      values_.remember("ports." + port.name, item.place);
      request_.spec.ports.push_back(std::move(port));
    }
  }

  void read_probe(const YamlNode& value) {
    auto& probe = request_.spec.probe;
    values_.keys(value, "probe",
                 {{"port", into_text(probe.port, "probe.port")},
                  {"path", into_text(probe.path, "probe.path")},
                  {"timeout", into(probe.timeout, "probe.timeout", parse_duration)}});
  }

  void read_slots(const YamlNode& value) {
    auto& slots = request_.spec.slots;
    values_.keys(value, "slots",
                 {{"ttys", into(slots.ttys, "slots.ttys", parse_whole_number)},
                  {"uinputs", into(slots.uinputs, "slots.uinputs", parse_whole_number)},
                  {"gpus", into(slots.gpus, "slots.gpus", parse_whole_number)}});
  }

  void read_auth(const YamlNode& value) {
    auto& auth = request_.spec.auth;
    values_.keys(value, "auth",
                 {{"header", into_text(auth.header, "auth.header")}, {"value", into_text(auth.value, "auth.value")}});
  }

  void read_idle(const YamlNode& value) {
    auto& idle = request_.spec.idle;
    values_.keys(value, "idle",
                 {{"after", into(idle.after, "idle.after", parse_duration_or_none)},
                  {"cpu_below", into(idle.cpu_millis_below, "idle.cpu_below", parse_cpu_threshold)},
                  {"warning", into(idle.warning, "idle.warning", parse_duration_or_none)}});
    // A short rule without its own warning: the default would be longer than the rule.
    if (value.kind == YamlNode::Kind::Map && value.find("warning") == nullptr && idle.after > Duration::zero())
      idle.warning = std::min(idle.warning, idle.after);
  }

  /// What the server would say, at the place of the key that it names.
  void check() {
    if (const auto name = wire::check_name(request_.name, "name"); !name)
      values_.mistake(values_.place_of("name"),
                      request_.name.empty() ? "name is missing: what is the app called?" : name.error().message);
    if (const auto checked = model::check_app_spec(request_.spec); !checked) {
      add_lines(checked.error().message);
      return;
    }
    if (const auto read = wire::app_spec_from_json(wire::app_spec_json(request_.spec), "spec"); !read)
      add_lines(read.error().message);
  }

  void add_lines(const std::string& message) {
    for (std::size_t begin = 0; begin < message.size();) {
      const auto end = std::min(message.find('\n', begin), message.size());
      add_line(message.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  void add_line(std::string line) {
    static const std::map<std::string, std::string> kWritten{{"spec.resources.cpu_millis", "cpus"},
                                                             {"spec.resources.memory_bytes", "memory"}};
    for (const auto& [key, written] : kWritten)
      if (line.starts_with(key)) line = written + line.substr(key.size());
    if (line.starts_with("spec.")) line = line.substr(std::string_view("spec.").size());
    const auto key = line.substr(0, line.find_first_of(" :"));
    values_.mistake(values_.place_of(key), line);
  }

  YamlValues values_;
  wire::RegisterAppRequest request_;
};

}  // namespace

Result<wire::RegisterAppRequest> parse_app_file(std::string_view text, const std::string& file_name) {
  SLIPWAY_ASSIGN(const YamlNode root, image::parse_yaml(text, file_name));
  return AppFileReader(file_name).read(root);
}

}  // namespace slipway::cli
