// TunnelPool: connections to apps that are open and idle, kept for the next request: at most kMaxIdleTunnels a port of
// a session, closed after kTunnelIdle. One that its far end closed meanwhile is noticed by whoever uses it. Edge
// thread.
#pragma once
#include <deque>
#include <map>
#include <memory>

#include "base/ids.hpp"
#include "net/raw_stream.hpp"
#include "runtime/loop.hpp"

namespace slipway::api {

inline constexpr std::size_t kMaxIdleTunnels = 6;  ///< as many as a browser opens to one origin (HTTP/1.1)
inline constexpr Duration kTunnelIdle = std::chrono::seconds(15);

class TunnelPool {
 public:
  explicit TunnelPool(runtime::Loop& edge) : edge_(edge) {}

  /// The one used last, or nothing. Those of another attempt are closed.
  std::unique_ptr<net::RawStream> take(const SessionId& session, int port, const AllocationId& allocation);
  void put(const SessionId& session, int port, const AllocationId& allocation, std::unique_ptr<net::RawStream> stream);
  /// Closes those of the session that lead to another attempt; with an empty id all.
  void keep_only(const SessionId& session, const AllocationId& allocation);
  [[nodiscard]] std::size_t size() const;

 private:
  using Place = std::pair<SessionId, int>;
  struct Idle {
    std::uint64_t number = 0;
    AllocationId allocation;
    std::unique_ptr<net::RawStream> stream;
    runtime::Loop::Timer end;
  };
  void expire(const Place& place, std::uint64_t number);

  runtime::Loop& edge_;
  std::map<Place, std::deque<Idle>> idle_;
  std::uint64_t next_ = 1;
};

}  // namespace slipway::api
