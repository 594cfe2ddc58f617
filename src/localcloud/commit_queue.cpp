#include "localcloud/commit_queue.hpp"

namespace slipway::localcloud {

void CommitQueue::submit(store::ChangeSet set, std::function<void()> durable) {
  waiting_.push_back({std::move(set), std::move(durable)});
  if (!running_) start();
}

void CommitQueue::start() {
  running_ = true;
  const auto batch = std::make_shared<std::vector<Entry>>(std::exchange(waiting_, {}));
  const auto outcome = std::make_shared<Result<void>>();
  const auto work = [this, batch, outcome] {
    std::vector<store::ChangeSet> sets;
    for (auto& entry : *batch) {
      if (!entry.set.changes.empty()) sets.push_back(std::move(entry.set));
    }
    if (!sets.empty()) *outcome = store_.commit(sets);
  };
  offload_(work, [this, batch, outcome] {
    if (!*outcome) return failed_(outcome->error());
    for (auto& entry : *batch) entry.durable();
    running_ = false;
    if (!waiting_.empty()) start();
  });
}

}  // namespace slipway::localcloud
