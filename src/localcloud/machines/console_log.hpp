// What a guest writes to its console, kept in two files so that its size has a bound: when the newer one is full it
// becomes the older one. One thread writes; any process reads.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::localcloud {

class ConsoleLog {
 public:
  /// Each of the two files holds at most this much.
  static constexpr std::size_t kFileBytes = 1 << 20;

  /// Empties what an earlier start left.
  static Result<ConsoleLog> open(const std::string& directory);
  /// Errors (a full disk) lose output and are not reported: the guest must run on.
  void append(std::string_view bytes);

 private:
  ConsoleLog(std::string directory, runtime::Fd file) : directory_(std::move(directory)), file_(std::move(file)) {}
  std::string directory_;
  runtime::Fd file_;
  std::size_t size_ = 0;
};

/// The last `limit_bytes` of the console's output; empty if there is none.
std::string read_console_tail(const std::string& directory, std::size_t limit_bytes);

}  // namespace slipway::localcloud
