// What slipway-process and the agent tell each other through files of one directory that is root's alone. Fixed
// layouts, native byte order, in the manner of init/status.hpp.
#pragma once
#include <cstdint>

namespace slipway::agent {

inline constexpr std::uint32_t kSupervisorMagic = 0x53575031;  // "SWP1"

/// Names in the directory.
inline constexpr const char* kPlanFile = "plan";                ///< process_plan.hpp; made last: the process exists
inline constexpr const char* kEnvironmentFile = "environment";  ///< NAME=value, each ended by NUL
inline constexpr const char* kLockFile = "lock";                ///< held as long as the supervisor lives
inline constexpr const char* kPidFile = "pid";                  ///< "<pid> <start time>\n" of the supervisor
inline constexpr const char* kStatusFile = "status";            ///< SupervisorStatus

struct SupervisorStatus {
  std::uint32_t magic = kSupervisorMagic;
  std::uint32_t ended = 0;           ///< 1: it is over, and exit_code stands
  std::int32_t exit_code = 0;        ///< of the last start that ended; 128 + signal where one ended it
  std::int32_t restarts = 0;         ///< how often the app was started again
  std::int32_t failures_in_row = 0;  ///< starts that failed without a steady run between them
  std::int32_t start_errno = 0;      ///< errno of the exec that failed; 0: the command ran
  std::uint64_t oom_kills = 0;
  std::int64_t started_at_ms = 0;   ///< first start, Unix time
  std::int64_t finished_at_ms = 0;  ///< once ended
};

/// Exit code of a supervisor that finds another one at work.
inline constexpr int kSupervisorBusy = 75;
/// What it writes to its standard output when the app has been started.
inline constexpr const char* kSupervisorStarted = "started\n";

}  // namespace slipway::agent
