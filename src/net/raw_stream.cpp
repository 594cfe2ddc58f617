#include "net/raw_stream.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "net/connector.hpp"
#include "net/http_parser.hpp"
#include "net/input_buffer.hpp"
#include "net/raw_transport.hpp"
#include "net/request_head.hpp"

namespace slipway::net {
namespace {

constexpr std::size_t kInputBytes = kAnswerHeadLimits.bytes + (8 << 10);
/// As much of a refusal's words is shown.
constexpr std::size_t kRefusalBytes = 1000;

class TransportStream final : public RawStream {
 public:
  explicit TransportStream(Unwrapped stream) : inner_(std::move(stream)) {
    if (inner_.transport->is_open()) inner_.transport->probe_silent_peer();
  }
  TransportStream(const TransportStream&) = delete;
  TransportStream& operator=(const TransportStream&) = delete;
  ~TransportStream() override {
    if (inner_.transport) inner_.transport->close();
  }
  [[nodiscard]] bool is_open() const override { return !inner_.transport->peer_ended(); }
  Unwrapped release() { return std::exchange(inner_, {}); }

 private:
  Unwrapped inner_;
};

using UpgradeDone = std::function<void(Result<std::unique_ptr<RawStream>>)>;

/// Connect, TLS and upgrade under one deadline. Held by its pending operations.
class Upgrade final : public std::enable_shared_from_this<Upgrade> {
 public:
  Upgrade(runtime::Loop& loop, UpgradeTarget target, UpgradeDone done)
      : context_(context_of(loop)), target_(std::move(target)), done_(std::move(done)), deadline_(context_) {}

  void start() {
    target_.headers.add("Connection", "Upgrade");
    target_.headers.add("Upgrade", target_.protocol);
    if (!target_.headers.get("Host")) target_.headers.add("Host", host_field(target_.endpoint));
    auto head = request_head("GET", target_.path, target_.headers, "");
    if (!head) {
      return boost::asio::post(
          context_, [self = shared_from_this(), error = std::move(head).error()] { self->end(fail(error)); });
    }
    head_ = std::move(*head);
    deadline_.expires_after(target_.timeout);
    deadline_.async_wait([self = shared_from_this()](const ErrorCode& error) {
      if (!error) self->end(self->failure(Code::Timeout, "no answer within " + format_duration(self->target_.timeout)));
    });
    connecting_ = connect_to(context_, target_.endpoint, target_.timeout,
                             [self = shared_from_this()](Result<std::shared_ptr<Transport>> transport) {
                               if (!transport) return self->end(fail(std::move(transport).error()));
                               self->connected(std::move(*transport));
                             });
  }

 private:
  void connected(std::shared_ptr<Transport> transport) {
    transport_ = std::move(transport);
    // What breaks writing breaks reading too, and that says why.
    transport_->write({boost::asio::buffer(head_)}, [self = shared_from_this()](const ErrorCode&, std::size_t) {});
    read();
  }

  void read() {
    transport_->wait_readable([self = shared_from_this()](const ErrorCode& error) {
      if (self->done_) self->readable(error);
    });
  }

  void readable(ErrorCode error) {
    if (!input_.has_room(kInputBytes)) return end(failure(Code::Unreachable, "the answer is no HTTP"));
    if (!error) input_.filled(transport_->read_now(input_.room(kInputBytes), error));
    if (error && error != boost::asio::error::would_block) over_ = error;
    while (done_ && take(parser_->step(input_.bytes()))) {
    }
    if (!done_) return;
    if (!over_) return read();
    status_ != 0 ? refused() : end(failure(Code::Unreachable, "the connection broke off: " + over_.message()));
  }

  /// True: there may be more in the buffer.
  bool take(const MessageParser::Step& step) {
    input_.used(step.consumed);
    using Kind = MessageParser::Kind;
    if (step.kind == Kind::Bad) {
      end(failure(Code::Unreachable, "the answer is no HTTP: " + step.detail));
    } else if (step.kind == Kind::Head) {
      take_head();
    } else if (step.kind == Kind::Piece) {
      words_ += step.piece;
      if (words_.size() > kRefusalBytes) refused();
    } else if (step.kind == Kind::End) {
      refused();
    }
    return step.kind != Kind::NeedMore;
  }

  void take_head() {
    const MessageParser::Head head = parser_->take_head();
    if (head.status == 101) return switched(head);
    if (head.status < 200) {
      parser_ = MessageParser::for_response(kAnswerHeadLimits, false);
    } else {
      status_ = head.status;
    }
  }

  void switched(const MessageParser::Head& head) {
    if (!head.upgrade || !has_element(head.headers.get("Upgrade").value_or(""), target_.protocol)) {
      return end(failure(Code::Unreachable, "the answer switches to another protocol"));
    }
    if (!input_.empty()) transport_->unread(std::string(input_.bytes()));
    end(wrap_transport({.transport = std::exchange(transport_, nullptr), .lease = {}}));
  }

  void refused() {
    end(failure(code_of_status(status_), fmt::format("refused: {} {}", status_, words_.substr(0, kRefusalBytes))));
  }

  std::unexpected<Error> failure(Code code, const std::string& what) {
    return fail(code, "upgrade to {} at {}: {}", target_.protocol, name_of(target_.endpoint), what);
  }

  void end(Result<std::unique_ptr<RawStream>> result) {
    const auto self = shared_from_this();
    deadline_.cancel();
    connecting_.reset();
    if (transport_) std::exchange(transport_, nullptr)->close();
    if (const auto done = std::exchange(done_, nullptr)) done(std::move(result));
  }

  boost::asio::io_context& context_;
  UpgradeTarget target_;
  UpgradeDone done_;
  boost::asio::steady_timer deadline_;
  std::shared_ptr<void> connecting_;
  std::shared_ptr<Transport> transport_;
  std::string head_, words_;
  InputBuffer input_;
  std::unique_ptr<MessageParser> parser_ = MessageParser::for_response(kAnswerHeadLimits, false);
  ErrorCode over_;
  int status_ = 0;
};

}  // namespace

std::unique_ptr<RawStream> wrap_transport(Unwrapped stream) {
  return std::make_unique<TransportStream>(std::move(stream));
}

Unwrapped unwrap(std::unique_ptr<RawStream> stream) { return dynamic_cast<TransportStream&>(*stream).release(); }

std::unique_ptr<RawStream> make_raw_stream(runtime::Loop& loop, runtime::Fd socket) {
  return wrap_transport({.transport = Transport::make(context_of(loop), std::move(socket), nullptr), .lease = {}});
}

void connect_upgraded(runtime::Loop& loop, UpgradeTarget target, UpgradeDone done) {
  std::make_shared<Upgrade>(loop, std::move(target), std::move(done))->start();
}

}  // namespace slipway::net
