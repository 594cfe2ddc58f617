#include "net/output_queue.hpp"

#include <unistd.h>

#include <cerrno>

namespace slipway::net {
namespace {

/// One writev takes this much at most, so that a flushed call does not wait for a whole backlog.
constexpr std::size_t kBatchBytes = 256 << 10;
constexpr std::size_t kBatchPieces = 64;
/// A file is read in pieces of this size: large enough that the calls do not matter, small enough for many downloads.
constexpr std::size_t kFilePieceBytes = 128 << 10;

std::size_t size_of(const OutputQueue::Piece& piece) {
  return piece.before.size() + piece.bytes.size() + piece.after.size();
}

}  // namespace

void OutputQueue::attach(std::weak_ptr<void> owner, std::shared_ptr<Transport> transport, Events events) {
  owner_ = std::move(owner);
  transport_ = std::move(transport);
  events_ = std::move(events);
}

void OutputQueue::push(Piece piece) {
  if (stopped_) return;
  queued_bytes_ += size_of(piece);
  pieces_.push_back(std::move(piece));
  if (!writing_) write_next();
}

void OutputQueue::push_file(runtime::Fd file, std::uint64_t offset, std::uint64_t length) {
  if (stopped_) return;
  file_ = std::move(file);
  file_offset_ = offset;
  file_left_ = length;
  if (!writing_) write_next();
}

bool OutputQueue::load_file_piece() {
  Piece piece;
  piece.bytes.resize(std::min<std::uint64_t>(file_left_, kFilePieceBytes));
  ssize_t got = -1;
  do {
    got = pread(file_.get(), piece.bytes.data(), piece.bytes.size(), static_cast<off_t>(file_offset_));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  piece.bytes.resize(static_cast<std::size_t>(got));
  file_offset_ += static_cast<std::uint64_t>(got);
  file_left_ -= static_cast<std::uint64_t>(got);
  queued_bytes_ += piece.bytes.size();
  pieces_.push_back(std::move(piece));
  return true;
}

void OutputQueue::write_next() {
  const std::shared_ptr<void> owner = owner_.lock();
  if (pieces_.empty() && file_left_ > 0 && !load_file_piece()) {
    return break_off("the file ended before its announced length or could not be read");
  }
  std::vector<boost::asio::const_buffer> buffers;
  std::size_t bytes = 0;
  while (!pieces_.empty() && in_flight_.size() < kBatchPieces && bytes < kBatchBytes) {
    bytes += size_of(pieces_.front());
    in_flight_.push_back(std::move(pieces_.front()));
    pieces_.pop_front();
  }
  for (const Piece& piece : in_flight_) {
    buffers.insert(buffers.end(), {boost::asio::buffer(piece.before), boost::asio::buffer(piece.bytes),
                                   boost::asio::buffer(piece.after)});
  }
  writing_ = true;
  transport_->write(std::move(buffers), [this, owner](const ErrorCode& error, std::size_t) { written(error); });
}

void OutputQueue::written(const ErrorCode& error) {
  writing_ = false;
  if (stopped_) return in_flight_.clear();
  if (error) return break_off(error.message());
  const std::vector<Piece> done = std::exchange(in_flight_, {});
  for (const Piece& piece : done) queued_bytes_ -= size_of(piece);
  for (const Piece& piece : done) {
    if (piece.flushed) piece.flushed(true);
    if (stopped_) return;
  }
  if (writing_) return;
  if (!pieces_.empty() || file_left_ > 0) return write_next();
  events_.drained();
}

std::vector<std::function<void(bool)>> OutputQueue::stop() {
  stopped_ = true;
  file_.reset();
  file_left_ = 0;
  queued_bytes_ = 0;
  std::vector<std::function<void(bool)>> waiting;
  // The bytes of in_flight_ stay: the transport may still look at them until its write ends.
  for (Piece& piece : in_flight_) {
    if (piece.flushed) waiting.push_back(std::move(piece.flushed));
    piece.flushed = nullptr;
  }
  for (Piece& piece : std::exchange(pieces_, {})) {
    if (piece.flushed) waiting.push_back(std::move(piece.flushed));
  }
  return waiting;
}

void OutputQueue::break_off(const std::string& why) {
  const auto broken = events_.broken;
  broken(why);
}

}  // namespace slipway::net
