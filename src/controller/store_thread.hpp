// StoreThread: owns the store while the controller runs and commits in groups: what arrives during one commit goes
// together into the next. submit() and ask() from the control thread.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "store/store.hpp"

namespace slipway::controller {

class StoreThread {
 public:
  /// `failed` is called on the store thread when a commit failed; it must end the process.
  StoreThread(std::unique_ptr<store::Store> store, std::function<void(const Error&)> failed);
  /// What is under way is finished; what waits is dropped.
  ~StoreThread();
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  /// Makes the sets durable, then calls `committed` on the store thread. In order of the calls.
  void submit(std::vector<store::ChangeSet> sets, std::function<void()> committed);
  /// Runs `question` on the store thread after everything submitted before.
  void ask(std::function<void(store::Store&)> question);

 private:
  struct Item {
    std::vector<store::ChangeSet> sets;
    std::function<void()> committed;
    std::function<void(store::Store&)> question;
  };
  void run();
  bool commit(std::deque<Item>& items);
  void push(Item item);

  std::unique_ptr<store::Store> store_;
  const std::function<void(const Error&)> failed_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;  // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  std::thread thread_;
};

}  // namespace slipway::controller
