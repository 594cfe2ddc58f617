#include "controller/store_thread.hpp"

#include <iterator>

namespace slipway::controller {

StoreThread::StoreThread(std::unique_ptr<store::Store> store, std::function<void(const Error&)> failed)
    : store_(std::move(store)), failed_(std::move(failed)), thread_([this] { run(); }) {}

StoreThread::~StoreThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  wake_.notify_one();
  thread_.join();
}

void StoreThread::push(Item item) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(item));
  }
  wake_.notify_one();
}

void StoreThread::submit(std::vector<store::ChangeSet> sets, std::function<void()> committed) {
  push({.sets = std::move(sets), .committed = std::move(committed)});
}

void StoreThread::ask(std::function<void(store::Store&)> question) { push({.question = std::move(question)}); }

bool StoreThread::commit(std::deque<Item>& items) {
  std::vector<store::ChangeSet> sets;
  for (auto& item : items) std::ranges::move(item.sets, std::back_inserter(sets));
  if (!sets.empty()) {
    if (const auto done = store_->commit(sets); !done) {
      failed_(Error(done.error()).with_context("while committing to the store"));
      return false;
    }
  }
  for (auto& item : items) {
    if (item.committed) item.committed();
    if (item.question) item.question(*store_);
  }
  return true;
}

void StoreThread::run() {
  std::deque<Item> items;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      items.swap(queue_);
    }
    if (!commit(items)) return;
    items.clear();
  }
}

}  // namespace slipway::controller
