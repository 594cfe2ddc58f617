// HomeTask: something done to a person's home on a host, on somebody's behalf: files placed, or all of it exported.
// Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/job.hpp"

namespace slipway::model {

enum class HomeTaskKind { PlaceFiles, ExportHome };
std::string_view home_task_kind_name(HomeTaskKind kind);  ///< "place_files", "export_home"
Result<HomeTaskKind> home_task_kind_from_name(std::string_view name);

enum class HomeTaskState {
  Queued,  ///< waits for a host that can do it; `reason` says why
  Running,
  Succeeded,
  Failed,  ///< `reason` says what; not tried again
};
std::string_view home_task_state_name(HomeTaskState state);  ///< "QUEUED", …
Result<HomeTaskState> home_task_state_from_name(std::string_view name);
bool is_terminal(HomeTaskState state);

/// Both kinds may be done twice without harm: another host takes over from one that was lost.
struct HomeTask {
  HomeTaskId id;
  RecordMeta meta;   ///< owner: who asked
  PrincipalId home;  ///< whose files
  HomeTaskKind kind = HomeTaskKind::PlaceFiles;
  HomeTaskState state = HomeTaskState::Queued;
  std::string reason;
  HostId host;              ///< that does it, or did
  AllocationId allocation;  ///< whose directory it is, where homes go with their sessions; else empty
  WallTime finished_at;

  // PlaceFiles.
  Manifest files;                 ///< each one's bytes are a blob of the controller
  std::string directory;          ///< of the home, relative; empty: the home itself
  bool replace = false;           ///< also what the person has changed
  std::vector<std::string> kept;  ///< result: files left as the person made them, sorted; at most kMaxKeptShown

  // ExportHome.
  std::int64_t limit_bytes = 0;  ///< of the archive
  std::string archive_sha256;    ///< result: the blob, a tar.gz of everything in the home
  std::int64_t archive_bytes = 0;
};
inline constexpr std::size_t kMaxKeptShown = 100;

}  // namespace slipway::model
