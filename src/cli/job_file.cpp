#include "cli/job_file.hpp"

#include <algorithm>

#include "base/nearest.hpp"
#include "base/units.hpp"
#include "image/yaml_tree.hpp"

namespace slipway::cli {
namespace {

using image::YamlNode;

/// Reads the values and collects every mistake with its place.
class JobFileReader {
 public:
  explicit JobFileReader(const std::string& file_name) : file_name_(file_name) {}

  void read(const YamlNode& root) {
    if (root.kind == YamlNode::Kind::Null) return;
    if (root.kind != YamlNode::Kind::Map) {
      mistake(root.place, "a job file is made of keys; write 'container_image: NAME:TAG' and so on");
      return;
    }
    for (const YamlNode::Entry& entry : root.entries) read_key(entry);
  }

  JobFile file;
  std::vector<std::string> mistakes;

 private:
  using ReadValue = void (JobFileReader::*)(const YamlNode&);
  struct Key {
    std::string_view name;
    ReadValue read;
  };

  static const std::vector<Key>& keys() {
    static const std::vector<Key> kKeys = {{"name", &JobFileReader::read_name},
                                           {"container_image", &JobFileReader::read_container_image},
                                           {"cpus", &JobFileReader::read_cpus},
                                           {"memory", &JobFileReader::read_memory},
                                           {"command", &JobFileReader::read_command},
                                           {"env", &JobFileReader::read_env},
                                           {"pool", &JobFileReader::read_pool},
                                           {"rerun_harmless", &JobFileReader::read_rerun_harmless},
                                           {"stop_grace", &JobFileReader::read_stop_grace},
                                           {"log_limit", &JobFileReader::read_log_limit}};
    return kKeys;
  }

  void mistake(image::TextPlace place, const std::string& what) {
    mistakes.push_back(fmt::format("{}:{}:{}: {}", file_name_, place.line, place.column, what));
  }

  void read_key(const YamlNode::Entry& entry) {
    const auto found = std::ranges::find(keys(), entry.key, &Key::name);
    if (found != keys().end()) {
      (this->*found->read)(entry.value);
      return;
    }
    std::vector<std::string_view> names;
    for (const Key& key : keys()) names.push_back(key.name);
    mistake(entry.place, fmt::format("unknown key '{}'{}", entry.key, suggestion(entry.key, names)));
  }

  std::optional<std::string> text(const YamlNode& value, std::string_view key) {
    if (value.kind == YamlNode::Kind::Text) return value.text;
    mistake(value.place, fmt::format("{} must be text, not {}", key, image::yaml_kind_name(value.kind)));
    return std::nullopt;
  }

  /// Text that `parse` understands.
  template <typename T, typename Parse>
  std::optional<T> parsed(const YamlNode& value, std::string_view key, Parse parse) {
    const auto read = text(value, key);
    if (!read) return std::nullopt;
    Result<T> result = parse(*read);
    if (result) return *result;
    mistake(value.place, fmt::format("{}: {}", key, result.error().message));
    return std::nullopt;
  }

  void read_name(const YamlNode& value) { file.name = text(value, "name"); }
  void read_container_image(const YamlNode& value) { file.container_image = text(value, "container_image"); }
  void read_cpus(const YamlNode& value) { file.cpu_millis = parsed<std::int64_t>(value, "cpus", parse_cpu_millis); }
  void read_memory(const YamlNode& value) { file.memory_bytes = parsed<std::int64_t>(value, "memory", parse_bytes); }
  void read_pool(const YamlNode& value) { file.pool = text(value, "pool"); }
  void read_stop_grace(const YamlNode& value) {
    file.stop_grace = parsed<Duration>(value, "stop_grace", parse_duration);
  }
  void read_log_limit(const YamlNode& value) {
    file.log_limit_bytes = parsed<std::int64_t>(value, "log_limit", parse_bytes);
  }
  void read_rerun_harmless(const YamlNode& value) {
    file.rerun_harmless = parsed<bool>(value, "rerun_harmless", [](std::string_view word) -> Result<bool> {
      if (word == "true" || word == "false") return word == "true";
      return fail(Code::InvalidInput, "'{}' is neither true nor false", word);
    });
  }

  void read_command(const YamlNode& value) {
    if (value.kind != YamlNode::Kind::List) {
      mistake(value.place, "command must be a list of words: write [python3, train.py]");
      return;
    }
    for (const YamlNode& word : value.items) {
      if (const auto read = text(word, "a word of command")) file.command.push_back(*read);
    }
  }

  void read_env(const YamlNode& value) {
    if (value.kind != YamlNode::Kind::Map) {
      mistake(value.place, "env must be keys with values: write NAME: value");
      return;
    }
    for (const YamlNode::Entry& entry : value.entries) {
      if (const auto read = text(entry.value, "env." + entry.key)) file.env[entry.key] = *read;
    }
  }

  const std::string& file_name_;
};

}  // namespace

Result<JobFile> parse_job_file(std::string_view text, const std::string& file_name) {
  SLIPWAY_ASSIGN(const YamlNode root, image::parse_yaml(text, file_name));
  JobFileReader reader(file_name);
  reader.read(root);
  if (reader.mistakes.empty()) return std::move(reader.file);
  return fail(Error{.code = Code::InvalidInput,
                    .message = fmt::format("{}", fmt::join(reader.mistakes, "\n")),
                    .fix = "correct the file; 'slipway job submit --help' shows one",
                    .context = {}});
}

}  // namespace slipway::cli
