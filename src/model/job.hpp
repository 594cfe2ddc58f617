// Job: a workload that runs to an end. Allocation: one attempt to run it on one host.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/app.hpp"
#include "model/record.hpp"
#include "model/resources.hpp"

namespace slipway::model {

enum class JobState {
  Queued,  ///< waits for a host; `reason` says why
  Placed,  ///< an allocation exists and is on its way or being prepared
  Running,
  Stopping,     ///< asked to stop, container not gone yet
  Succeeded,    ///< exit code 0
  Failed,       ///< another exit code, or could not be started; `reason` says what
  OutOfMemory,  ///< killed for taking more than its memory limit
  Stopped,      ///< on request
  Lost,         ///< its host is lost and it may not run again yet
};
std::string_view job_state_name(JobState state);  ///< "QUEUED", "OUT_OF_MEMORY", …
Result<JobState> job_state_from_name(std::string_view name);
bool is_terminal(JobState state);
bool may_follow(JobState from, JobState to);

/// A source file of a job: its bytes are the blob `sha256`.
struct ManifestEntry {
  std::string path;  ///< relative, checked by check_relative_path's rules
  std::string sha256;
  std::int64_t size_bytes = 0;
  unsigned mode = 0644;  ///< only the executable bits matter
  bool operator==(const ManifestEntry&) const = default;
};
/// Sorted by path, no path twice.
using Manifest = std::vector<ManifestEntry>;

inline constexpr std::size_t kMaxManifestEntries = 20'000;  ///< a manifest stays below 4 MiB of JSON
inline constexpr std::int64_t kDefaultLogLimitBytes = 256LL << 20;

struct JobSpec {
  std::string container_image;       ///< name:tag as the hosts report it
  std::vector<std::string> command;  ///< argv
  std::map<std::string, std::string> env;
  Resources resources{.cpu_millis = 1000, .memory_bytes = 512LL << 20};
  Manifest source;
  std::string pool;  ///< name; empty: any host
  bool rerun_harmless =
      false;  ///< running twice at once would do no harm: may start elsewhere before its old host is fenced
  Duration stop_grace = std::chrono::seconds(10);        ///< between the signal and the kill
  std::int64_t log_limit_bytes = kDefaultLogLimitBytes;  ///< a stream
  std::optional<ServiceSpec> service;                    ///< set: this job carries a session and is not listed as a job
};

struct Job {
  JobId id;
  RecordMeta meta;
  std::string name;  ///< not unique
  JobSpec spec;
  JobState state = JobState::Queued;
  std::string reason;  ///< for people: why it waits, or how it ended
  std::optional<int> exit_code;
  bool stop_requested = false;
  std::vector<AllocationId> allocations;  ///< attempts, oldest first; the last is the current one
  AppId app;                              ///< of a service that was started before there was a person for it
  WallTime finished_at;
};

enum class AllocationState { Placed, Preparing, Running, Stopping, Succeeded, Failed, OutOfMemory, Stopped, Lost };
std::string_view allocation_state_name(AllocationState state);
Result<AllocationState> allocation_state_from_name(std::string_view name);
bool is_terminal(AllocationState state);
/// States only move forward; a terminal one never changes, but for Lost, which the host's own report may replace when
/// it returns.
bool may_follow(AllocationState from, AllocationState to);
JobState job_state_of(AllocationState state);

enum class LogStream { Stdout, Stderr };
std::string_view log_stream_name(LogStream stream);  ///< "stdout", "stderr"
Result<LogStream> log_stream_from_name(std::string_view name);

struct Allocation {
  AllocationId id;
  RecordMeta meta;
  JobId job;
  HostId host;
  std::int64_t epoch =
      1;  ///< one more with each attempt of the job; an agent refuses what is older than the last it accepted
  Resources resources;
  AllocationState state = AllocationState::Placed;
  std::string reason;
  std::optional<int> exit_code;
  WallTime started_at;
  WallTime finished_at;
  std::int64_t stdout_bytes = -1;  ///< final length of the stream as the agent reported it; -1: not known yet
  std::int64_t stderr_bytes = -1;
  std::optional<Manifest> artifacts;  ///< once reported
  std::string artifacts_note;         ///< why there are none or not all ("not recovered: the host was lost")
  bool warm = false;                  ///< was started without a person, who is told to the host by a claim
};

}  // namespace slipway::model
