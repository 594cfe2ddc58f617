#include <boost/asio/error.hpp>
#include <limits>

#include "net/proxied_exchange.hpp"
#include "net/request_head.hpp"

namespace slipway::net {
namespace {

/// RFC 9110, 10.1.1: nobody waits for the go-ahead for ever. What curl waits for, too.
constexpr auto kContinueTimeout = std::chrono::seconds(1);

}  // namespace

ProxiedExchange::ProxiedExchange(runtime::Loop& loop, std::shared_ptr<Exchange> exchange, ProxyRequest request,
                                 ProxyCallbacks callbacks)
    : loop_(loop),
      exchange_(std::move(exchange)),
      upstream_(unwrap(std::move(request.upstream))),
      request_(std::move(request)),
      callbacks_(std::move(callbacks)),
      parser_(new_parser()) {
  const RequestHead& asked = exchange_->head();
  chunked_ = asked.headers.get("Transfer-Encoding").has_value();
  has_body_ = chunked_ || asked.content_length.value_or(0) > 0;
  expects_ = has_body_ && asked.headers.get("Expect").has_value();
  const bool upgrade = has_element(asked.headers.get("Connection").value_or(""), "upgrade");
  if (upgrade && !has_body_) protocol_ = asked.headers.get("Upgrade").value_or("");
}

ProxiedExchange::~ProxiedExchange() {
  if (upstream_.transport) upstream_.transport->close();
}

void ProxiedExchange::Running::cancel() const {
  const Error why{.code = Code::Cancelled, .message = "it was ended from outside", .fix = {}, .context = {}};
  if (const auto running = exchange.lock()) running->end(fail(why));
  if (const auto running = upgrade.lock()) running->over(fail(why));
}

std::shared_ptr<ProxiedExchange::Running> ProxiedExchange::start() {
  running_ = std::make_shared<Running>(Running{.exchange = weak_from_this(), .upgrade = {}});
  const auto running = running_;
  exchange_->on_gone([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->end(fail(Code::Cancelled, "the peer went away"));
  });
  auto head = compose_head();
  if (const auto fit = check_upstream(); head && !fit) head = fail(fit.error());
  if (!head) {
    loop_.post([self = shared_from_this(), error = std::move(head).error()] { self->end(fail(error)); });
    return running;
  }
  arm();
  wait();
  const bool sent = upstream_.transport->write_copy(
      *head, [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->head_sent(error); });
  if (sent) head_sent({});
  return running;
}

Result<void> ProxiedExchange::check_upstream() const {
  ErrorCode quiet;
  upstream_.transport->read_now(Transport::scratch().first(1), quiet);
  if (quiet == boost::asio::error::would_block) return {};
  // Also if it spoke unasked: that would be taken for the answer to this request.
  return fail(Code::Unreachable, "the upstream connection had ended before it was used");
}

Result<std::string> ProxiedExchange::compose_head() const {
  const RequestHead& asked = exchange_->head();
  Headers headers = end_to_end(request_.headers);
  headers.remove("Content-Length");
  headers.remove("Expect");
  std::string framing;
  if (chunked_) {
    framing = "Transfer-Encoding: chunked\r\n";
  } else if (asked.content_length) {
    framing = fmt::format("Content-Length: {}\r\n", *asked.content_length);
  }
  if (expects_) framing += "Expect: 100-continue\r\n";
  if (!protocol_.empty()) framing += fmt::format("Connection: Upgrade\r\nUpgrade: {}\r\n", protocol_);
  return request_head(asked.method, request_.target, headers, framing);
}

/// What fails to be written is no end yet: the upstream may have answered without waiting for the whole request.
void ProxiedExchange::head_sent(const ErrorCode& error) {
  if (error || over_) return;
  request_over_ = !has_body_;
  if (!has_body_) return;
  if (!expects_ || body_started_) return start_body();
  continue_timer_ = loop_.after(kContinueTimeout, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->start_body();
  });
}

void ProxiedExchange::start_body() {
  if (over_ || std::exchange(body_started_, true)) return;
  continue_timer_.cancel();
  exchange_->read_body_pieces(
      std::numeric_limits<std::uint64_t>::max(),
      [self = shared_from_this()](std::string_view piece) -> Result<void> {
        if (!self->over_) self->forward(piece);
        return {};
      },
      [self = shared_from_this()](Result<void> result) {
        if (!self->over_) self->body_over(std::move(result));
      });
}

void ProxiedExchange::forward(std::string_view piece) {
  end_.request_bytes += piece.size();
  std::string framed;
  if (chunked_) piece = framed = fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  const bool gone = upstream_.transport->write_copy(
      piece, [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->taken(error); });
  if (!gone) exchange_->pause_body();
}

void ProxiedExchange::taken(const ErrorCode& error) {
  if (!error && !over_) exchange_->resume_body();
}

void ProxiedExchange::body_over(Result<void> result) {
  if (!result) {
    const bool left = result.error().code == Code::Unreachable;
    return end(left ? fail(Code::Cancelled, "the peer went away") : fail(std::move(result).error()));
  }
  const bool gone = upstream_.transport->write_copy(
      chunked_ ? "0\r\n\r\n" : "",
      [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->request_over_ = !error; });
  request_over_ = gone;
}

void ProxiedExchange::arm() {
  progress_ = upstream_.transport->progress();
  head_timer_ = loop_.after(request_.head_timeout, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->over_) return;
    if (self->upstream_.transport->progress() != self->progress_) return self->arm();
    self->end(fail(Code::Timeout, "no answer within {}", format_duration(self->request_.head_timeout)));
  });
}

void ProxiedExchange::end(Result<void> result) {
  if (std::exchange(over_, true)) return;
  const auto self = shared_from_this();
  head_timer_.cancel();
  continue_timer_.cancel();
  Unwrapped upstream = std::exchange(upstream_, {});
  const bool again = result && reusable_ && upstream.transport;
  if (again) {
    end_.upstream = wrap_transport(std::move(upstream));
  } else if (upstream.transport) {
    upstream.transport->close();
  }
  if (!result && end_.answered) exchange_->abort();
  exchange_.reset();
  end_.result = std::move(result);
  const auto done = std::exchange(callbacks_, {}).done;
  if (done) done(std::move(end_));
}

std::function<void()> reverse_proxy(runtime::Loop& loop, std::shared_ptr<Exchange> exchange, ProxyRequest request,
                                    ProxyCallbacks callbacks) {
  const auto started =
      std::make_shared<ProxiedExchange>(loop, std::move(exchange), std::move(request), std::move(callbacks))->start();
  return [started] { started->cancel(); };
}

}  // namespace slipway::net
