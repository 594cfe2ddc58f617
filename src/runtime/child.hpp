// Child: a long-running program that we supervise. It gets a session of its own, so a terminal's Ctrl-C reaches only
// us, and it is told to end (SIGTERM) should we die. One thread.
#pragma once
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::runtime {

class Child {
 public:
  /// Standard output and error are appended to `log_path`.
  static Result<Child> start(std::vector<std::string> argv, const std::string& log_path,
                             const std::map<std::string, std::string>& env = {});
  Child(Child&&) noexcept;
  Child& operator=(Child&&) = delete;
  /// Kills it if it still runs.
  ~Child();
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// The exit code (128 + signal where a signal ended it) once it has ended; does not block.
  std::optional<int> poll();
  void signal(int number) const;
  /// Blocks until it has ended; Timeout if it still runs after `patience`.
  Result<int> wait(Duration patience);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace slipway::runtime
