#include <array>
#include <boost/asio/error.hpp>

#include "net/raw_transport.hpp"

namespace slipway::net {
namespace {

/// When one side has ended, how long the other may go on without moving a byte. Long enough for an answer that is still
/// being made; a peer that vanished behind a clean end does not hold the other for ever.
constexpr auto kHalfOpen = std::chrono::seconds(30);

/// Held by its pending operations.
class Splice final : public std::enable_shared_from_this<Splice> {
 public:
  Splice(runtime::Loop& loop, const Unwrapped& first, const Unwrapped& second, std::function<void(SpliceEnd)> done)
      : loop_(loop),
        leases_{first.lease, second.lease},
        done_(std::move(done)),
        ways_{Way{.from = first.transport, .to = second.transport},
              Way{.from = second.transport, .to = first.transport}} {}

  void start() {
    for (Way& way : ways_) wait(way);
  }
  void abandon() {
    done_ = nullptr;
    over_ = true;
    half_open_.cancel();
    for (const Way& way : ways_) way.to->close();
  }

 private:
  struct Way {
    std::shared_ptr<Transport> from, to;
    std::uint64_t bytes = 0;
    bool ended = false;
  };

  void wait(Way& way) {
    way.from->wait_readable([self = shared_from_this(), &way](const ErrorCode& error) {
      if (!self->over_) self->readable(way, error);
    });
  }

  void readable(Way& way, ErrorCode error) {
    const std::span<char> scratch = Transport::scratch();
    const std::size_t got = error ? 0 : way.from->read_now(scratch, error);
    if (error == boost::asio::error::would_block) return wait(way);
    if (error == boost::asio::error::eof) return ended(way);
    if (error) return end();
    way.bytes += got;
    const bool gone = way.to->write_copy({scratch.data(), got},
                                         [self = shared_from_this(), &way](const ErrorCode& failed, std::size_t) {
                                           if (!self->over_) self->written(way, failed);
                                         });
    if (gone) wait(way);
  }

  void written(Way& way, const ErrorCode& error) {
    // Nobody takes more; what this side sent before that may still be on its way to the other.
    if (error) return ended(way);
    wait(way);
  }

  void ended(Way& way) {
    way.ended = true;
    if (ways_[0].ended && ways_[1].ended) return end();
    way.to->end_output();
    watch_half_open();
  }

  void watch_half_open() {
    const std::uint64_t before = ways_[0].bytes + ways_[1].bytes;
    half_open_ = loop_.after(kHalfOpen, [weak = weak_from_this(), before] {
      const auto self = weak.lock();
      if (!self || self->over_) return;
      if (self->ways_[0].bytes + self->ways_[1].bytes == before) return self->end();
      self->watch_half_open();
    });
  }

  void end() {
    over_ = true;
    half_open_.cancel();
    for (const Way& way : ways_) way.to->finish();
    const auto done = std::exchange(done_, nullptr);
    if (done) done({.first_to_second_bytes = ways_[0].bytes, .second_to_first_bytes = ways_[1].bytes});
  }

  runtime::Loop& loop_;
  std::array<std::shared_ptr<void>, 2> leases_;
  std::function<void(SpliceEnd)> done_;
  runtime::Loop::Timer half_open_;
  std::array<Way, 2> ways_;
  bool over_ = false;
};

struct SpliceHandle {
  std::weak_ptr<Splice> splice;
  explicit SpliceHandle(const std::shared_ptr<Splice>& started) : splice(started) {}
  SpliceHandle(const SpliceHandle&) = delete;
  SpliceHandle& operator=(const SpliceHandle&) = delete;
  ~SpliceHandle() {
    if (const auto running = splice.lock()) running->abandon();
  }
};

}  // namespace

std::shared_ptr<void> splice(runtime::Loop& loop, std::unique_ptr<RawStream> first, std::unique_ptr<RawStream> second,
                             std::function<void(SpliceEnd)> done) {
  const auto started =
      std::make_shared<Splice>(loop, unwrap(std::move(first)), unwrap(std::move(second)), std::move(done));
  started->start();
  return std::make_shared<SpliceHandle>(started);
}

}  // namespace slipway::net
