#include "agent/process/process_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include "agent/process/supervised_process.hpp"

namespace slipway::agent {

Result<std::unique_ptr<ProcessWatch>> ProcessWatch::begin(runtime::Loop& loop) {
  std::unique_ptr<ProcessWatch> watch(new ProcessWatch(loop));
  watch->event_ = runtime::Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!watch->event_.valid()) return fail_errno(errno, "eventfd");
  watch->thread_ = std::thread([self = watch.get()] { self->serve(); });
  return watch;
}

ProcessWatch::~ProcessWatch() {
  *alive_ = false;
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
}

void ProcessWatch::wake() const {
  const std::uint64_t one = 1;
  std::ignore = write(event_.get(), &one, sizeof one);  // a full counter wakes as well
}

void ProcessWatch::add(runtime::Fd pidfd, std::function<void()> ended) {
  {
    const std::scoped_lock lock(mutex_);
    added_.push_back({std::move(pidfd), std::move(ended)});
  }
  wake();
}

void ProcessWatch::serve() {
  while (true) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
      for (Watched& one : added_) watched_.push_back(std::move(one));
      added_.clear();
    }
    std::vector<pollfd> waits{{event_.get(), POLLIN, 0}};
    for (const Watched& one : watched_) waits.push_back({one.pidfd.get(), POLLIN, 0});
    if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
    std::uint64_t count = 0;
    if (waits[0].revents != 0) std::ignore = read(event_.get(), &count, sizeof count);
    for (std::size_t i = watched_.size(); i-- > 0;) {
      if (waits[i + 1].revents == 0) continue;
      SupervisedProcess::reap(watched_[i].pidfd.get());
      loop_.post([alive = alive_, ended = std::move(watched_[i].ended)] {
        if (*alive) ended();
      });
      watched_.erase(watched_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

}  // namespace slipway::agent
