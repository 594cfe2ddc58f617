// LogSender: brings the spools to the controller. It sends from the offset that the controller names, a bounded window
// ahead of what was acknowledged, one stream after the other, and never has more than two chunks queued on the
// connection, so a control message never waits long. Loop's thread; owned by Agent. The disk reads it does on that
// thread are of bytes written a moment ago, at most a chunk at a time.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "agent/logs/spool.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::agent {

/// Unacknowledged bytes of a stream: 100 MB/s at a round trip of 40 ms.
inline constexpr std::int64_t kLogWindowBytes = 4 << 20;
inline constexpr int kMaxQueuedChunks = 2;

class LogSender {
 public:
  /// Queues a binary message; the function is called when it was handed to the kernel.
  using Send = std::function<void(std::string, std::function<void()>)>;

  /// A new connection. Streams that were there before wait for the controller's LogAck; later ones begin at 0.
  void connected(Send send);
  void disconnected();
  /// Begins with an allocation's streams; a second call changes nothing.
  void add(const AllocationId& allocation, Spool spool);
  void remove(const AllocationId& allocation);
  [[nodiscard]] Spool* spool(const AllocationId& allocation);
  void acknowledged(const wire::LogAck& ack);
  /// Sends what there is to send. Cheap when there is nothing.
  void pump();

 private:
  struct Stream {
    std::int64_t acked = 0;
    std::int64_t sent = 0;
    bool synced = false;  ///< the controller has said where to go on, on this connection
  };
  struct Entry {
    Spool spool;
    std::array<Stream, 2> streams;
  };
  bool send_next(const AllocationId& allocation, Entry& entry, int index);

  Send send_;  ///< empty while not connected
  std::uint64_t connection_ = 0;
  int queued_chunks_ = 0;
  bool pumping_ = false;
  std::map<AllocationId, Entry> entries_;
};

}  // namespace slipway::agent
