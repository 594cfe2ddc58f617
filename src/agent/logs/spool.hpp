// Spool: an allocation's two output streams on disk. slipway-init, inside the container, writes them; the agent reads.
// The directory is root's and the files are the job's user's: whatever runs in the container can spoil its own log, but
// not make, replace or link names here. What lies beyond the log limit is never read. One thread.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "agent/init/status.hpp"
#include "base/result.hpp"
#include "model/job.hpp"
#include "runtime/fd.hpp"

namespace slipway::agent {

class Spool {
 public:
  /// Makes the directory and its empty files, owned by `uid`; keeps what is there.
  static Result<void> make(const std::string& directory, unsigned uid);
  /// NotFound if it was never made. `limit_bytes`: of a stream.
  static Result<Spool> open(const std::string& directory, std::int64_t limit_bytes);

  /// Bytes that can be read now.
  [[nodiscard]] std::int64_t size(model::LogStream stream) const;
  /// At most `most` bytes from `offset`; fewer at the end.
  [[nodiscard]] Result<std::string> read(model::LogStream stream, std::int64_t offset, std::size_t most) const;
  /// What slipway-init noted; a default one if it noted nothing sensible.
  [[nodiscard]] InitStatus status() const;
  /// The container is gone: fixes the streams' lengths, once and for all, with a line at the end of each that had to be
  /// cut. May be repeated, also after a crash in the middle. Syncs, so not for the loop's thread. NotFound as open().
  static Result<void> close(const std::string& directory, std::int64_t limit_bytes);
  /// Takes over the lengths that close() fixed, if it has.
  Result<void> reload();

 private:
  Spool(std::string directory, std::int64_t limit) : directory_(std::move(directory)), limit_bytes_(limit) {}
  Result<void> write_closed();
  [[nodiscard]] std::int64_t capped_size(int index) const;

  std::string directory_;
  std::int64_t limit_bytes_ = 0;
  std::array<runtime::Fd, 2> files_;
  runtime::Fd status_;
  std::array<std::int64_t, 2> final_bytes_{-1, -1};  ///< once closed
};

}  // namespace slipway::agent
