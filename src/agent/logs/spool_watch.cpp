#include "agent/logs/spool_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace slipway::agent {

Result<std::unique_ptr<SpoolWatch>> SpoolWatch::start(runtime::Loop& loop,
                                                      std::function<void(const std::set<AllocationId>&)> grew) {
  std::unique_ptr<SpoolWatch> watch(new SpoolWatch(loop, std::move(grew)));
  watch->inotify_ = runtime::Fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch->inotify_.valid()) return fail_errno(errno, "inotify_init1");
  watch->stop_ = runtime::Fd(eventfd(0, EFD_CLOEXEC));
  if (!watch->stop_.valid()) return fail_errno(errno, "eventfd");
  watch->thread_ = std::thread([self = watch.get()] { self->serve(); });
  return watch;
}

SpoolWatch::SpoolWatch(runtime::Loop& loop, std::function<void(const std::set<AllocationId>&)> grew)
    : loop_(loop), grew_(std::make_shared<std::function<void(const std::set<AllocationId>&)>>(std::move(grew))) {}

SpoolWatch::~SpoolWatch() {
  *grew_ = nullptr;
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  if (write(stop_.get(), &one, sizeof one) == static_cast<ssize_t>(sizeof one)) thread_.join();
}

Result<void> SpoolWatch::add(const AllocationId& allocation, const std::string& directory) {
  const std::scoped_lock lock(mutex_);
  const int watch = inotify_add_watch(inotify_.get(), directory.c_str(), IN_MODIFY);
  if (watch < 0) return fail_errno(errno, "watch " + directory);
  watches_.insert_or_assign(watch, allocation);
  return {};
}

void SpoolWatch::remove(const AllocationId& allocation) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(watches_, [&](const auto& item) {
    if (item.second != allocation) return false;
    inotify_rm_watch(inotify_.get(), item.first);
    return true;
  });
}

void SpoolWatch::serve() {
  while (true) {
    std::array<pollfd, 2> waits{{{inotify_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
    if (waits[1].revents != 0) return;
    if (waits[0].revents != 0) take_events();
  }
}

void SpoolWatch::take_events() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  const ssize_t got = read(inotify_.get(), buffer.data(), buffer.size());
  if (got <= 0) return;
  const std::scoped_lock lock(mutex_);
  const bool posted = !changed_.empty();
  for (ssize_t at = 0; at < got;) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof event);
    at += static_cast<ssize_t>(sizeof event + event.len);
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      for (const auto& [watch, allocation] : watches_) changed_.insert(allocation);
    } else if (const auto found = watches_.find(event.wd); found != watches_.end()) {
      changed_.insert(found->second);
    }
  }
  if (posted || changed_.empty()) return;
  // One post for however many events come until the loop gets to it.
  loop_.post([this, grew = grew_] {
    if (!*grew) return;
    std::set<AllocationId> taken;
    {
      const std::scoped_lock inner(mutex_);
      taken.swap(changed_);
    }
    (*grew)(taken);
  });
}

}  // namespace slipway::agent
