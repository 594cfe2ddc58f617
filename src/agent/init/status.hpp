// What slipway-init leaves behind for the agent, in the file `status` of the allocation's log directory. Fixed layout,
// native byte order: writer and reader are one build on one machine. Whatever runs in the container could write it too,
// so the reader trusts it no further than the job's own log.
#pragma once
#include <cstdint>

namespace slipway::agent {

inline constexpr std::uint32_t kInitStatusMagic = 0x53574931;  // "SWI1"

/// Where things are inside of a container.
inline constexpr const char* kInitLogDirectory = "/slipway/log";
inline constexpr const char* kInitPath = "/slipway/bin/init";

struct InitStatus {
  std::uint32_t magic = kInitStatusMagic;
  std::int32_t start_errno = 0;             ///< errno of the exec that failed; 0: the command ran
  std::uint64_t dropped_bytes[2] = {0, 0};  ///< output over the limit (or with a full disk), by stream
  std::uint64_t oom_kills = 0;              ///< processes of this container the kernel killed for memory
};

}  // namespace slipway::agent
