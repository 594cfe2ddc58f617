// BakeThread: runs one bake after the other on a thread of its own and keeps each one's log file. start() and cancel()
// from the control thread; the callbacks come on the bake's thread.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "controller/bake_executor.hpp"

namespace slipway::controller {

class BakeThread {
 public:
  struct Callbacks {
    std::function<void(BakeProgressed)> progressed;  ///< at each step, and at most twice a second within one
    std::function<void(const BakeId&)> log_grown;
    std::function<void(BakeEnded)> ended;
  };
  BakeThread(BakeExecutor& executor, const Clock& clock, Callbacks callbacks);
  /// Cancels what runs and waits for it.
  ~BakeThread();
  /// The one before must have ended.
  void start(BakeWork work, std::string log_path);
  void cancel(const BakeId& bake);

 private:
  void run(const BakeWork& work, const std::string& log_path);
  Result<BakeResult> execute(const BakeWork& work, const std::string& log_path);

  BakeExecutor& executor_;
  const Clock& clock_;
  const Callbacks callbacks_;
  std::thread thread_;
  BakeId running_;  // control thread
  std::atomic<bool> cancelled_ = false;
};

}  // namespace slipway::controller
