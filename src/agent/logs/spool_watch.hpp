// SpoolWatch: says at once when a log file grew. One thread of its own (inotify), callbacks on the loop's thread.
// Owned by Agent.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "runtime/fd.hpp"
#include "runtime/loop.hpp"

namespace slipway::agent {

class SpoolWatch {
 public:
  /// `grew` gets the allocations whose spools changed since the last call, each once.
  static Result<std::unique_ptr<SpoolWatch>> start(runtime::Loop& loop,
                                                   std::function<void(const std::set<AllocationId>&)> grew);
  /// Stops the thread; `grew` is not called any more.
  ~SpoolWatch();
  SpoolWatch(const SpoolWatch&) = delete;
  SpoolWatch& operator=(const SpoolWatch&) = delete;

  Result<void> add(const AllocationId& allocation, const std::string& directory);
  void remove(const AllocationId& allocation);

 private:
  SpoolWatch(runtime::Loop& loop, std::function<void(const std::set<AllocationId>&)> grew);
  void serve();
  void take_events();

  runtime::Loop& loop_;
  std::shared_ptr<std::function<void(const std::set<AllocationId>&)>>
      grew_;  ///< empty once this is gone; loop's thread
  runtime::Fd inotify_;
  runtime::Fd stop_;
  std::mutex mutex_;
  std::map<int, AllocationId> watches_;  ///< guarded by mutex_
  std::set<AllocationId> changed_;       ///< guarded by mutex_; a post is on its way while it is not empty
  std::thread thread_;
};

}  // namespace slipway::agent
