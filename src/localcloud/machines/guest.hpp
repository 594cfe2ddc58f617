// What a guest is to its supervisor: the specification it is started from and the record it leaves. Plain values with
// JSON codecs; both are files in the instance's directory.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::localcloud {

/// An outer directory or file made visible inside.
struct GuestBind {
  std::string source;
  std::string target;
  bool read_only = false;
};

struct GuestSpec {
  std::string cloud;              ///< Identity::id
  std::string instance_id;        ///< i-…
  std::string directory;          ///< Identity::instance_directory(); holds spec, console log, exit record
  std::string root;               ///< path of the root volume
  std::string network_namespace;  ///< what RouterNetwork::add_guest returned: there its eth0 waits for it
  std::string hostname;
  std::uint32_t uid_base = 0;  ///< Identity::uid_base(address)
  int cpus = 1;                ///< CPUs that it sees and may fill
  std::int64_t memory_bytes = 0;
  int pids = 16384;         ///< processes and threads, all containers inside included
  bool first_boot = false;  ///< of this instance: its machine id must not be the image's
  std::vector<GuestBind> binds;
};

/// A process, named for ever.
struct GuestProcess {
  pid_t pid = 0;
  unsigned long long start_time = 0;
};

enum class ExitReason {
  PoweredOff,  ///< the guest ended in order: on request or by itself
  Killed,      ///< by kill(), by the deadline of a stop, or by somebody from outside
  Failed,      ///< it did not start, or its launcher failed; see `detail`
};

struct ExitRecord {
  ExitReason reason = ExitReason::Killed;
  bool requested = false;  ///< by request_stop() or kill(); else the guest's own doing or a crash
  int exit_status = 0;     ///< of the launcher; 128 + signal where one ended it
  WallTime ended{};
  std::string detail;  ///< for people; may be empty
};

std::string exit_reason_name(ExitReason reason);
std::string encode(const GuestSpec& spec);
Result<GuestSpec> decode_guest_spec(const std::string& json);
std::string encode(const ExitRecord& record);
Result<ExitRecord> decode_exit_record(const std::string& json);

}  // namespace slipway::localcloud
