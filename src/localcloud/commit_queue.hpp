// CommitQueue: makes change sets durable in groups. What arrives while a commit runs goes into the next one, so many
// requests share one fsync. A commit that fails ends the process: memory is ahead of the store then.
//
// Thread: the cloud's loop. Owner: CloudService.
#pragma once
#include <functional>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

namespace slipway::localcloud {

/// Runs `work` on another thread and then `done` on the loop. Passed in, so that tests run it when they want.
using Offload = std::function<void(std::function<void()> work, std::function<void()> done)>;

class CommitQueue {
 public:
  /// `offload` must use one thread only, that of the store. `failed` is called once and must end the process.
  CommitQueue(store::Store& store, Offload offload, std::function<void(const Error&)> failed)
      : store_(store), offload_(std::move(offload)), failed_(std::move(failed)) {}

  /// Calls `durable` once the set is committed; in order of submission, never inside this call. An empty set waits for
  /// the ones before it.
  void submit(store::ChangeSet set, std::function<void()> durable);

 private:
  struct Entry {
    store::ChangeSet set;
    std::function<void()> durable;
  };
  void start();
  store::Store& store_;
  Offload offload_;
  std::function<void(const Error&)> failed_;
  std::vector<Entry> waiting_;
  bool running_ = false;
};

}  // namespace slipway::localcloud
