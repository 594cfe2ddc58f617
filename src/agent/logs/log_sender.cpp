#include "agent/logs/log_sender.hpp"

#include "base/log.hpp"

namespace slipway::agent {

using model::LogStream;

void LogSender::connected(Send send) {
  send_ = std::move(send);
  ++connection_;
  queued_chunks_ = 0;
  for (auto& [id, entry] : entries_) {
    for (Stream& stream : entry.streams) stream.synced = false;
  }
}

void LogSender::disconnected() {
  send_ = nullptr;
  ++connection_;
}

void LogSender::add(const AllocationId& allocation, Spool spool) {
  const auto [place, added] = entries_.try_emplace(allocation, Entry{.spool = std::move(spool), .streams = {}});
  if (!added) return;
  for (Stream& stream : place->second.streams) stream.synced = static_cast<bool>(send_);
}

void LogSender::remove(const AllocationId& allocation) { entries_.erase(allocation); }

Spool* LogSender::spool(const AllocationId& allocation) {
  const auto found = entries_.find(allocation);
  return found == entries_.end() ? nullptr : &found->second.spool;
}

void LogSender::acknowledged(const wire::LogAck& ack) {
  const auto found = entries_.find(ack.allocation);
  if (found == entries_.end()) return;
  Stream& stream = found->second.streams.at(static_cast<int>(ack.stream));
  // Before the first word on this connection, and when the controller repeats itself while more is on its way (it found
  // a gap), sending goes on from there.
  const bool go_back = !stream.synced || (ack.offset <= stream.acked && stream.sent > stream.acked);
  stream.acked = ack.offset;
  if (go_back || stream.sent < ack.offset) stream.sent = ack.offset;
  stream.synced = true;
  pump();
}

bool LogSender::send_next(const AllocationId& allocation, Entry& entry, int index) {
  Stream& stream = entry.streams.at(index);
  if (!stream.synced || stream.sent - stream.acked >= kLogWindowBytes) return false;
  const auto which = static_cast<LogStream>(index);
  auto bytes = entry.spool.read(which, stream.sent, wire::kMaxLogChunkBytes);
  if (!bytes) {
    log::warn("log of {} cannot be read: {}", allocation, bytes.error().text());
    return false;
  }
  if (bytes->empty()) return false;
  wire::LogChunk chunk{.allocation = allocation, .stream = which, .offset = stream.sent, .bytes = std::move(*bytes)};
  stream.sent += static_cast<std::int64_t>(chunk.bytes.size());
  ++queued_chunks_;
  send_(wire::encode(chunk), [this, connection = connection_] {
    if (connection != connection_) return;
    --queued_chunks_;
    pump();
  });
  return true;
}

void LogSender::pump() {
  if (pumping_) return;  // a send that is through at once calls back from inside
  pumping_ = true;
  bool sent = true;
  while (sent && send_) {
    sent = false;
    for (auto& [id, entry] : entries_) {
      for (int index = 0; index < 2; ++index) {
        if (!send_ || queued_chunks_ >= kMaxQueuedChunks) {
          pumping_ = false;
          return;
        }
        sent = send_next(id, entry, index) || sent;
      }
    }
  }
  pumping_ = false;
}

}  // namespace slipway::agent
