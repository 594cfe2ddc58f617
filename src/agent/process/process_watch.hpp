// ProcessWatch: says when processes have ended, whoever their parent is. One thread of its own (poll on pidfds),
// callbacks on the loop's thread. Owned by ProcessRuntime.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "runtime/fd.hpp"
#include "runtime/loop.hpp"

namespace slipway::agent {

class ProcessWatch {
 public:
  static Result<std::unique_ptr<ProcessWatch>> begin(runtime::Loop& loop);
  /// Stops the thread; nothing is called any more.
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  /// Calls `ended` once when the process behind the pidfd has ended.
  void add(runtime::Fd pidfd, std::function<void()> ended);

 private:
  explicit ProcessWatch(runtime::Loop& loop) : loop_(loop) {}
  void serve();
  void wake() const;

  struct Watched {
    runtime::Fd pidfd;
    std::function<void()> ended;
  };
  runtime::Loop& loop_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< loop's thread
  runtime::Fd event_;
  std::mutex mutex_;
  std::vector<Watched> added_;    ///< guarded by mutex_
  bool stopping_ = false;         ///< guarded by mutex_
  std::vector<Watched> watched_;  ///< the thread's own
  std::thread thread_;
};

}  // namespace slipway::agent
