// OutputQueue: what is to be written to one transport, in order, with a call for each piece that has left, and a file
// as the last piece. Belongs to a connection, which every pending write keeps alive. Loop's thread.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/transport.hpp"
#include "runtime/fd.hpp"

namespace slipway::net {

class OutputQueue {
 public:
  struct Piece {
    std::string before;  ///< framing
    std::string bytes;
    std::string after;
    std::function<void(bool)> flushed;
  };
  /// `drained`: everything has left. `broken`: writing failed (the queue is stopped already).
  struct Events {
    std::function<void()> drained;
    std::function<void(const std::string& why)> broken;
  };

  /// `owner` holds this object.
  void attach(std::weak_ptr<void> owner, std::shared_ptr<Transport> transport, Events events);
  void push(Piece piece);
  /// Nothing may be pushed after it until it has drained.
  void push_file(runtime::Fd file, std::uint64_t offset, std::uint64_t length);
  [[nodiscard]] bool idle() const { return !writing_ && pieces_.empty() && file_left_ == 0; }
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
  /// Nothing is written or called any more; the callbacks that waited are handed out.
  std::vector<std::function<void(bool)>> stop();

 private:
  void write_next();
  void written(const ErrorCode& error);
  bool load_file_piece();
  void break_off(const std::string& why);

  std::weak_ptr<void> owner_;
  std::shared_ptr<Transport> transport_;
  Events events_;
  std::deque<Piece> pieces_;
  std::vector<Piece> in_flight_;
  std::size_t queued_bytes_ = 0;
  runtime::Fd file_;
  std::uint64_t file_offset_ = 0;
  std::uint64_t file_left_ = 0;
  bool writing_ = false;
  bool stopped_ = false;
};

}  // namespace slipway::net
