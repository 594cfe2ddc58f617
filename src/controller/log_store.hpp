// LogStore: the output of allocations, one append-only file a stream:
//   <directory>/<allocation>/<stdout|stderr>.log   the bytes, exactly as the container wrote them
//   <directory>/<allocation>/<stdout|stderr>.idx   records of 16 bytes: offset, then time in ms (both little-endian)
// The file's length is the truth, also after kill -9. Bytes are acknowledged only when they are on disk; syncs are
// gathered. append() and flush() may come from any thread; one thread of its own does the writing; read() is for any
// thread.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "controller/events.hpp"
#include "runtime/fd.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::controller {

struct LogStoreOptions {
  std::string directory;
  /// Chunks waiting to be written, in all; more are dropped and asked for again, so that a slow disk costs no memory.
  std::size_t queue_limit_bytes = 32 << 20;
  /// Between two syncs of a busy stream; an idle one is synced at once.
  Duration sync_interval = std::chrono::milliseconds(50);
  /// Before a stream whose write failed (disk full) is asked for again.
  Duration retry_after_failure = std::chrono::seconds(5);
};

/// Called on the log thread.
struct LogStoreCallbacks {
  std::function<void(const LogsDurable&)> durable;
  std::function<void(const AllocationId&)> grown;  ///< new bytes can be read (they may not be durable yet)
  std::function<void(const Error&)> fatal;         ///< a sync failed: what is on disk is unknown, the process must end
};

class LogStore {
 public:
  static Result<std::unique_ptr<LogStore>> make(LogStoreOptions options, LogStoreCallbacks callbacks,
                                                const Clock& clock);
  virtual ~LogStore() = default;
  /// Appends what of the chunk is new. What is known already is ignored, a gap is asked for again. Drops the chunk and
  /// asks again if it would end beyond `limit_bytes` of the stream or if too much is queued.
  virtual void append(wire::LogChunk chunk, std::int64_t limit_bytes) = 0;
  /// Makes everything of the allocation durable and then calls `durable` with both lengths.
  virtual void flush(const AllocationId& allocation) = 0;
  /// Up to `limit` bytes from `offset`; empty at or beyond the end, also if there is no such stream.
  [[nodiscard]] virtual Result<std::string> read(const AllocationId& allocation, model::LogStream stream,
                                                 std::int64_t offset, std::size_t limit) const = 0;
  /// Length of the stream; 0 if there is none.
  [[nodiscard]] virtual std::int64_t length(const AllocationId& allocation, model::LogStream stream) const = 0;
  /// For reading; NotFound if there is no such stream.
  [[nodiscard]] virtual Result<runtime::Fd> open(const AllocationId& allocation, model::LogStream stream) const = 0;
};

}  // namespace slipway::controller
