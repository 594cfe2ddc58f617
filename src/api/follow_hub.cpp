#include "api/follow_hub.hpp"

#include <vector>

namespace slipway::api {

FollowHub::Ticket FollowHub::add(const std::string& id, std::function<void()> wake) {
  const auto ticket = next_++;
  followers_[id].emplace(ticket, std::move(wake));
  ids_.emplace(ticket, id);
  return ticket;
}

void FollowHub::remove(Ticket ticket) {
  const auto found = ids_.find(ticket);
  if (found == ids_.end()) return;
  auto& of_id = followers_[found->second];
  of_id.erase(ticket);
  if (of_id.empty()) followers_.erase(found->second);
  ids_.erase(found);
}

void FollowHub::signal(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    const bool first = signalled_.empty();
    signalled_.insert(id);
    if (!first) return;
  }
  edge_.post([this] { deliver(); });
}

void FollowHub::deliver() {
  std::set<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    ids.swap(signalled_);
  }
  std::vector<std::function<void()>> wakes;  // a wake may add and remove followers
  for (const auto& id : ids)
    if (const auto found = followers_.find(id); found != followers_.end())
      for (const auto& [ticket, wake] : found->second) wakes.push_back(wake);
  for (const auto& wake : wakes) wake();
}

}  // namespace slipway::api
