#include "cli/workshop_file.hpp"

#include <charconv>

#include "base/units.hpp"
#include "cli/yaml_values.hpp"
#include "model/roster.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {
namespace {

using image::YamlNode;

Result<int> parse_count(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  return fail(Code::InvalidInput, "'{}' is no whole number", text);
}

/// "10%" or "10".
Result<int> parse_per_cent(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  return parse_count(text);
}

/// Reads values by their keys, and every mistake with its place.
class FileReader {
 public:
  explicit FileReader(const std::string& file_name) : values_(file_name) {}

 protected:
  using Read = YamlValues::Read;
  template <typename T, typename Parse>
  Read into(T& member, std::string key, Parse parse) {
    return [this, &member, key = std::move(key), parse](const YamlNode& value) {
      if (const auto read = values_.parsed<T>(value, key, parse)) member = *read;
    };
  }
  Read into_text(std::string& member, std::string key) {
    return [this, &member, key = std::move(key)](const YamlNode& value) {
      if (auto read = values_.text(value, key)) member = std::move(*read);
    };
  }

  YamlValues values_;
};

class WorkshopReader : FileReader {
 public:
  WorkshopReader(const std::string& file_name, WallTime now) : FileReader(file_name), now_(now) {}

  Result<WorkshopFile> read(const YamlNode& root) {
    if (root.kind == YamlNode::Kind::Map)
      read_keys(root);
    else
      values_.mistake(root.place, "a workshop file is made of keys; write 'name: NAME', 'app: APP', 'end: in 3h'");
    SLIPWAY_TRY(values_.outcome(kFix));
    check();
    SLIPWAY_TRY(values_.outcome(kFix));
    return std::move(file_);
  }

 private:
  static constexpr const char* kFix = "correct the file; 'slipway workshop init' writes one with explanations";

  void read_keys(const YamlNode& root) {
    auto& spec = file_.request.spec;
    const auto moment = [this](std::string_view text) { return model::parse_moment(text, now_); };
    values_.keys(root, "",
                 {{"name", into_text(file_.request.name, "name")},
                  {"title", into_text(spec.title, "title")},
                  {"app", into_text(spec.app, "app")},
                  {"image", into_text(spec.image, "image")},
                  {"type", into_text(spec.instance_type, "type")},
                  {"pool", into_text(spec.pool, "pool")},
                  {"seats", into(spec.seats, "seats", parse_count)},
                  {"roster", into_text(file_.roster, "roster")},
                  {"spares", into(spec.spare_percent, "spares", parse_per_cent)},
                  {"seats_per_host", into(spec.seats_per_host, "seats_per_host", parse_count)},
                  {"start", into(spec.start, "start", moment)},
                  {"end", into(spec.end, "end", moment)},
                  {"warn_before", into(spec.warn_before, "warn_before", parse_duration)},
                  {"files", into_text(file_.files, "files")},
                  {"cpus", into(cpus_, "cpus", parse_cpu_millis)},
                  {"memory", into(memory_, "memory", parse_bytes)}});
  }

  /// What the server would say, at the place of the key that it names. With a roster its people are the seats.
  void check() {
    auto& spec = file_.request.spec;
    if (cpus_ > 0 || memory_ > 0) {
      if (cpus_ == 0 || memory_ == 0)
        values_.mistake(values_.place_of(cpus_ == 0 ? "memory" : "cpus"), "cpus and memory of a seat belong together");
      spec.resources = model::Resources{cpus_, memory_};
    }
    if (const auto name = wire::check_name(file_.request.name, "name"); !name)
      values_.mistake(values_.place_of("name"),
                      file_.request.name.empty() ? "name is missing: what is it called here?" : name.error().message);
    auto checked = spec;
    if (!file_.roster.empty()) checked.seats = std::max(checked.seats, 1);
    if (const auto good = model::check_workshop_spec(checked, now_); !good) add_lines(good.error().message);
  }

  void add_lines(const std::string& message) {
    for (std::size_t begin = 0; begin < message.size();) {
      const auto end = std::min(message.find('\n', begin), message.size());
      const auto line = message.substr(begin, end - begin);
      values_.mistake(values_.place_of(line.substr(0, line.find(':'))), line);
      begin = end + 1;
    }
  }

  WallTime now_;
  WorkshopFile file_;
  std::int64_t cpus_ = 0;
  std::int64_t memory_ = 0;
};

class PriceReader : FileReader {
 public:
  explicit PriceReader(const std::string& file_name) : FileReader(file_name) {}

  Result<model::PriceTable> read(const YamlNode& root) {
    values_.keys(root, "",
                 {{"currency", into_text(table_.currency, "currency")},
                  {"source", into_text(table_.source, "source")},
                  {"types", [this](const YamlNode& types) { read_types(types); }}});
    SLIPWAY_TRY(values_.outcome("write a line a type: 't3.medium: {per_hour: 0.0416, cpus: 2, memory: 4GiB}'"));
    return std::move(table_);
  }

 private:
  void read_types(const YamlNode& types) {
    if (types.kind != YamlNode::Kind::Map) return values_.mistake(types.place, "types must be made of keys");
    for (const auto& entry : types.entries) {
      auto& price = table_.types[entry.key];
      values_.keys(entry.value, "types." + entry.key,
                   {{"per_hour", into(price.micros_per_hour, "per_hour", model::parse_money)},
                    {"cpus", into(price.size.cpu_millis, "cpus", parse_cpu_millis)},
                    {"memory", into(price.size.memory_bytes, "memory", parse_bytes)}});
    }
  }

  model::PriceTable table_;
};

}  // namespace

Result<WorkshopFile> parse_workshop_file(std::string_view text, const std::string& file_name, WallTime now) {
  SLIPWAY_ASSIGN(const YamlNode root, image::parse_yaml(text, file_name));
  return WorkshopReader(file_name, now).read(root);
}

Result<model::PriceTable> parse_prices(std::string_view text, const std::string& file_name) {
  SLIPWAY_ASSIGN(const YamlNode root, image::parse_yaml(text, file_name));
  return PriceReader(file_name).read(root);
}

std::string workshop_example() {
  return R"(# A workshop: a seat for each person, from a time to a time. `slipway workshop plan workshop.yaml` says what it takes
# and costs, `slipway workshop up workshop.yaml` makes it.
name: class                # how commands call it
title: Data analysis with notebooks   # what people read on their sheet and pages
app: jupyter               # slipway app list shows what there is

# Hosts of its own, which go with it. Or 'pool: NAME' for a pool that is there; or neither, for any host that is there.
image: jupyter             # slipway image list
type: t3.medium
seats_per_host: 1          # 1: a machine each

seats: 20                  # or from a spreadsheet with the columns name and email:
# roster: roster.csv
spares: 10%                # machines in reserve, and seats for those who come unannounced

# start: 2026-03-01T09:00+01:00   # hosts are launched ten minutes before; left out: at once
end: in 4h                 # or a time with its zone. Then homes are archived and the hosts go
warn_before: 10m           # people are told that long before the end

# cpus: 1                  # of a seat, if the app's own are not right
# memory: 2GiB
# files: files             # a directory: what is in it is put into every home
)";
}

}  // namespace slipway::cli
