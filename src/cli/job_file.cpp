#include "cli/job_file.hpp"

#include "base/units.hpp"
#include "cli/yaml_values.hpp"

namespace slipway::cli {
namespace {

using image::YamlNode;

void read_keys(YamlValues& values, const YamlNode& root, JobFile& file) {
  values.keys(
      root, "",
      {{"name", [&](const YamlNode& value) { file.name = values.text(value, "name"); }},
       {"container_image",
        [&](const YamlNode& value) { file.container_image = values.text(value, "container_image"); }},
       {"cpus",
        [&](const YamlNode& value) { file.cpu_millis = values.parsed<std::int64_t>(value, "cpus", parse_cpu_millis); }},
       {"memory",
        [&](const YamlNode& value) { file.memory_bytes = values.parsed<std::int64_t>(value, "memory", parse_bytes); }},
       {"command",
        [&](const YamlNode& value) { file.command = values.words(value, "command", "[python3, train.py]"); }},
       {"env", [&](const YamlNode& value) { file.env = values.texts(value, "env"); }},
       {"pool", [&](const YamlNode& value) { file.pool = values.text(value, "pool"); }},
       {"rerun_harmless",
        [&](const YamlNode& value) {
          file.rerun_harmless = values.parsed<bool>(value, "rerun_harmless", parse_truth);
        }},
       {"stop_grace",
        [&](const YamlNode& value) { file.stop_grace = values.parsed<Duration>(value, "stop_grace", parse_duration); }},
       {"log_limit", [&](const YamlNode& value) {
          file.log_limit_bytes = values.parsed<std::int64_t>(value, "log_limit", parse_bytes);
        }}});
}

}  // namespace

Result<JobFile> parse_job_file(std::string_view text, const std::string& file_name) {
  SLIPWAY_ASSIGN(const YamlNode root, image::parse_yaml(text, file_name));
  JobFile file;
  YamlValues values(file_name);
  if (root.kind == YamlNode::Kind::Map)
    read_keys(values, root, file);
  else if (root.kind != YamlNode::Kind::Null)
    values.mistake(root.place, "a job file is made of keys; write 'container_image: NAME:TAG' and so on");
  SLIPWAY_TRY(values.outcome("correct the file; 'slipway job submit --help' shows one"));
  return file;
}

}  // namespace slipway::cli
