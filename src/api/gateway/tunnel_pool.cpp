#include "api/gateway/tunnel_pool.hpp"

namespace slipway::api {

std::unique_ptr<net::RawStream> TunnelPool::take(const SessionId& session, int port, const AllocationId& allocation) {
  keep_only(session, allocation);
  const auto found = idle_.find({session, port});
  if (found == idle_.end()) return nullptr;
  auto& list = found->second;
  std::unique_ptr<net::RawStream> taken;
  while (!list.empty() && taken == nullptr) {
    if (list.back().stream->is_open()) taken = std::move(list.back().stream);
    list.pop_back();
  }
  if (list.empty()) idle_.erase(found);
  return taken;
}

void TunnelPool::put(const SessionId& session, int port, const AllocationId& allocation,
                     std::unique_ptr<net::RawStream> stream) {
  if (!stream->is_open()) return;
  const Place place{session, port};
  auto& list = idle_[place];
  if (list.size() >= kMaxIdleTunnels) list.pop_front();
  const auto number = next_++;
  list.push_back({.number = number,
                  .allocation = allocation,
                  .stream = std::move(stream),
                  .end = edge_.after(kTunnelIdle, [this, place, number] { expire(place, number); })});
}

void TunnelPool::keep_only(const SessionId& session, const AllocationId& allocation) {
  for (auto at = idle_.lower_bound({session, 0}); at != idle_.end() && at->first.first == session;) {
    std::erase_if(at->second, [&](const Idle& one) { return one.allocation != allocation; });
    at = at->second.empty() ? idle_.erase(at) : std::next(at);
  }
}

std::size_t TunnelPool::size() const {
  std::size_t count = 0;
  for (const auto& [place, list] : idle_) count += list.size();
  return count;
}

void TunnelPool::expire(const Place& place, std::uint64_t number) {
  const auto found = idle_.find(place);
  if (found == idle_.end()) return;
  // Out of the list first: destroying it destroys the timer whose work this is.
  std::deque<Idle> over;
  for (auto at = found->second.begin(); at != found->second.end(); ++at) {
    if (at->number != number) continue;
    over.push_back(std::move(*at));
    found->second.erase(at);
    break;
  }
  if (found->second.empty()) idle_.erase(found);
}

}  // namespace slipway::api
