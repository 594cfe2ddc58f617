// job.yaml: what a directory says about the job that runs in it. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/job.hpp"

namespace slipway::cli {

/// Keys that the file has; the rest is for flags and defaults.
struct JobFile {
  std::optional<std::string> name;
  std::optional<std::string> container_image;
  std::optional<std::int64_t> cpu_millis;
  std::optional<std::int64_t> memory_bytes;
  std::vector<std::string> command;
  std::map<std::string, std::string> env;
  std::optional<std::string> pool;
  std::optional<bool> rerun_harmless;
  std::optional<Duration> stop_grace;
  std::optional<std::int64_t> log_limit_bytes;
};

/// InvalidInput with a line "file:line:column: what; what to do" for every mistake.
Result<JobFile> parse_job_file(std::string_view text, const std::string& file_name);

}  // namespace slipway::cli
