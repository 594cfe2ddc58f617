// LogFollow: sends the output of a job as frames, in the order of its bytes, and goes on to the next attempt when one
// begins. It reads from the files as the peer takes it, so a slow peer costs one piece of memory and nothing else.
// Edge thread; keeps itself alive until the answer is complete or the peer is gone.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "api/call.hpp"

namespace slipway::api {

struct LogFollowRequest {
  JobId job;
  std::optional<AllocationId> allocation;  ///< only this attempt; else the newest, and with follow those after it
  bool follow = false;
  std::array<std::int64_t, 2> offsets{0, 0};  ///< in the first attempt sent
};

void follow_logs(std::shared_ptr<Call> call, LogFollowRequest request);

/// Sends a file as it grows, from `offset`; `ended` is asked on the control thread and says whether it is complete.
void follow_file(std::shared_ptr<Call> call, std::string path, std::int64_t offset, std::string signal_id,
                 std::function<bool(const controller::Core&)> ended);

}  // namespace slipway::api
