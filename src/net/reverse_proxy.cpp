#include "net/reverse_proxy.hpp"

#include <boost/asio/error.hpp>
#include <limits>

#include "net/http_parser.hpp"
#include "net/raw_transport.hpp"
#include "net/request_head.hpp"

namespace slipway::net {
namespace {

/// Apps set many and long cookies.
constexpr HeadLimits kHeadLimits{.bytes = 32 << 10, .fields = 200};
/// Bytes that no event of the parser came out of: a head, or what stands around chunks.
constexpr std::size_t kHeldBytes = 64 << 10;
constexpr int kInterimAnswers = 16;
/// RFC 9110, 10.1.1: nobody waits for the go-ahead for ever. What curl waits for, too.
constexpr auto kContinueTimeout = std::chrono::seconds(1);

class Proxy final : public std::enable_shared_from_this<Proxy> {
 public:
  Proxy(runtime::Loop& loop, std::shared_ptr<Exchange> exchange, ProxyRequest request, ProxyCallbacks callbacks)
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
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy() {
    if (upstream_.transport) upstream_.transport->close();
  }

  void start();
  void cancel() {
    splice_.reset();
    end(fail(Code::Cancelled, "it was ended from outside"));
  }

 private:
  [[nodiscard]] std::unique_ptr<MessageParser> new_parser() const {
    return MessageParser::for_response(kHeadLimits, exchange_->head().method == "HEAD");
  }
  // The request.
  [[nodiscard]] Result<std::string> compose_head() const;
  void head_sent(const ErrorCode& error);
  void start_body();
  void forward(std::string_view piece);
  void taken(const ErrorCode& error);
  void body_over(Result<void> result);
  void arm();
  // The answer.
  void wait();
  void readable(ErrorCode error);
  void feed(std::string_view input);
  bool take(const MessageParser::Step& step);
  void take_head();
  void interim(const MessageParser::Head& head);
  void pass_on();
  void switch_protocols(const MessageParser::Head& head);
  void upgraded(Result<std::unique_ptr<RawStream>> peer);
  void input_ended(const ErrorCode& error);
  void finish();
  void bad_answer(const std::string& what);
  void end(Result<void> result);

  runtime::Loop& loop_;
  std::shared_ptr<Exchange> exchange_;
  Unwrapped upstream_;
  ProxyRequest request_;
  ProxyCallbacks callbacks_;
  std::unique_ptr<MessageParser> parser_;
  runtime::Loop::Timer head_timer_, continue_timer_;
  std::string protocol_;  ///< that the peer wants to upgrade to
  std::string held_;      ///< of the answer, not yet parsed
  std::string out_;       ///< of the answer's body, not yet passed on
  std::optional<MessageParser::Head> switched_;
  std::shared_ptr<void> splice_;
  ProxyEnd end_;
  std::uint64_t progress_ = 0;
  int interim_answers_ = 0;
  bool chunked_ = false, has_body_ = false, expects_ = false, body_started_ = false, request_over_ = false;
  bool answer_over_ = false, reusable_ = false, over_ = false;
};

void Proxy::start() {
  exchange_->on_gone([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->end(fail(Code::Cancelled, "the peer went away"));
  });
  auto head = compose_head();
  ErrorCode quiet;
  if (head) upstream_.transport->read_now(Transport::scratch().first(1), quiet);
  if (head && quiet != boost::asio::error::would_block) {
    // Also if it spoke unasked: that would be taken for the answer to this request.
    head = fail(Code::Unreachable, "the upstream connection had ended before it was used");
  }
  if (!head) {
    return loop_.post([self = shared_from_this(), error = std::move(head).error()] { self->end(fail(error)); });
  }
  arm();
  wait();
  const bool sent = upstream_.transport->write_copy(
      *head, [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->head_sent(error); });
  if (sent) head_sent({});
}

Result<std::string> Proxy::compose_head() const {
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
void Proxy::head_sent(const ErrorCode& error) {
  if (error || over_) return;
  request_over_ = !has_body_;
  if (!has_body_) return;
  if (!expects_ || body_started_) return start_body();
  continue_timer_ = loop_.after(kContinueTimeout, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->start_body();
  });
}

void Proxy::start_body() {
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

void Proxy::forward(std::string_view piece) {
  end_.request_bytes += piece.size();
  std::string framed;
  if (chunked_) piece = framed = fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  const bool gone = upstream_.transport->write_copy(
      piece, [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->taken(error); });
  if (!gone) exchange_->pause_body();
}

void Proxy::taken(const ErrorCode& error) {
  if (!error && !over_) exchange_->resume_body();
}

void Proxy::body_over(Result<void> result) {
  if (!result) {
    const bool left = result.error().code == Code::Unreachable;
    return end(left ? fail(Code::Cancelled, "the peer went away") : fail(std::move(result).error()));
  }
  const bool gone = upstream_.transport->write_copy(
      chunked_ ? "0\r\n\r\n" : "",
      [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->request_over_ = !error; });
  request_over_ = gone;
}

void Proxy::arm() {
  progress_ = upstream_.transport->progress();
  head_timer_ = loop_.after(request_.head_timeout, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->over_) return;
    if (self->upstream_.transport->progress() != self->progress_) return self->arm();
    self->end(fail(Code::Timeout, "no answer within {}", format_duration(self->request_.head_timeout)));
  });
}

void Proxy::wait() {
  upstream_.transport->wait_readable([self = shared_from_this()](const ErrorCode& error) {
    if (!self->over_) self->readable(error);
  });
}

void Proxy::readable(ErrorCode error) {
  const std::span<char> scratch = Transport::scratch();
  const std::size_t got = error ? 0 : upstream_.transport->read_now(scratch, error);
  if (error == boost::asio::error::would_block) return wait();
  if (error) return input_ended(error);
  feed({scratch.data(), got});
}

void Proxy::feed(std::string_view input) {
  std::string joined = std::exchange(held_, {});
  if (!joined.empty()) input = joined.append(input);
  bool more = true;
  while (more) {
    const MessageParser::Step step = parser_->step(input);
    input.remove_prefix(step.consumed);
    more = take(step);
  }
  if (over_) return;
  held_ = input;
  if (switched_) return switch_protocols(*std::exchange(switched_, std::nullopt));
  if (answer_over_) return finish();
  if (held_.size() > kHeldBytes) return bad_answer("a chunk's header is too large");
  pass_on();
}

/// True: there may be more in the input.
bool Proxy::take(const MessageParser::Step& step) {
  switch (step.kind) {
    case MessageParser::Kind::Head:
      take_head();
      return !over_ && !switched_;
    case MessageParser::Kind::Piece:
      out_ += step.piece;
      return true;
    case MessageParser::Kind::End:
      answer_over_ = true;
      return false;
    case MessageParser::Kind::Bad:
      bad_answer(step.detail);
      return false;
    case MessageParser::Kind::Progress:
      return true;
    case MessageParser::Kind::NeedMore:
      return false;
  }
  return false;
}

void Proxy::take_head() {
  MessageParser::Head head = parser_->take_head();
  if (head.status == 101) {
    switched_ = std::move(head);
    return;
  }
  if (head.status < 200) return interim(head);
  head_timer_.cancel();
  continue_timer_.cancel();
  reusable_ = head.keep_alive;
  end_.status = head.status;
  end_.answered = true;
  Headers headers = end_to_end(head.headers);
  headers.remove("Content-Length");
  if (callbacks_.edit_answer) callbacks_.edit_answer(head.status, headers);
  if (head.content_length) return exchange_->begin_sized(head.status, std::move(headers), *head.content_length);
  exchange_->begin(head.status, std::move(headers));
}

void Proxy::interim(const MessageParser::Head& head) {
  parser_ = new_parser();
  if (++interim_answers_ > kInterimAnswers) return bad_answer("too many interim answers");
  // The peer is told to go on by the server when the body is read.
  if (head.status != 100) return exchange_->inform(head.status, end_to_end(head.headers));
  if (expects_) start_body();
}

/// The next is read when the peer has taken this: a slow reader holds a fast app back.
void Proxy::pass_on() {
  if (out_.empty()) return wait();
  end_.response_bytes += out_.size();
  exchange_->write(std::exchange(out_, {}), [self = shared_from_this()](bool taken) {
    if (self->over_) return;
    if (!taken) return self->end(fail(Code::Cancelled, "the peer went away"));
    self->wait();
  });
}

void Proxy::input_ended(const ErrorCode& error) {
  if (error == boost::asio::error::eof && end_.answered && parser_->end_of_input()) {
    reusable_ = false;
    return finish();
  }
  end(fail(Code::Unreachable, "the upstream broke off {} its answer: {}", end_.answered ? "inside" : "before",
           error.message()));
}

void Proxy::finish() {
  if (!out_.empty()) {
    end_.response_bytes += out_.size();
    exchange_->write(std::exchange(out_, {}), {});
  }
  exchange_->finish();
  reusable_ = reusable_ && request_over_ && held_.empty();
  end({});
}

void Proxy::switch_protocols(const MessageParser::Head& head) {
  const std::string protocol(head.headers.get("Upgrade").value_or(""));
  if (protocol.empty() || !head.upgrade || !has_element(protocol_, protocol)) {
    return bad_answer("it switches to a protocol that nobody asked for");
  }
  head_timer_.cancel();
  Headers headers = end_to_end(head.headers);
  if (callbacks_.edit_answer) callbacks_.edit_answer(head.status, headers);
  exchange_->accept_upgrade(protocol, std::move(headers),
                            [self = shared_from_this()](Result<std::unique_ptr<RawStream>> peer) {
                              if (!self->over_) self->upgraded(std::move(peer));
                            });
}

void Proxy::upgraded(Result<std::unique_ptr<RawStream>> peer) {
  if (!peer) {
    const bool refused = peer.error().code == Code::InvalidInput;
    end_.answered = refused;
    end_.status = refused ? 400 : 0;
    return end(refused ? fail(std::move(peer).error()) : fail(Code::Cancelled, "the peer went away"));
  }
  end_.answered = end_.upgraded = true;
  end_.status = 101;
  if (!held_.empty()) upstream_.transport->unread(std::exchange(held_, {}));
  // An idle upgraded connection may stay for days: nothing of the request is kept.
  exchange_.reset();
  parser_.reset();
  request_.headers = {};
  auto upstream = std::exchange(upstream_, {});
  splice_ = splice(loop_, std::move(*peer), wrap_transport(std::move(upstream.transport), std::move(upstream.lease)),
                   [self = shared_from_this()](SpliceEnd moved) {
                     self->end_.request_bytes = moved.first_to_second_bytes;
                     self->end_.response_bytes = moved.second_to_first_bytes;
                     self->end({});
                   });
}

void Proxy::bad_answer(const std::string& what) {
  end(fail(Code::Unreachable, "the upstream's answer is no proper HTTP: {}", what));
}

void Proxy::end(Result<void> result) {
  if (std::exchange(over_, true)) return;
  const auto self = shared_from_this();
  head_timer_.cancel();
  continue_timer_.cancel();
  auto [transport, lease] = std::exchange(upstream_, {});
  const bool again = result && reusable_ && transport;
  if (again) {
    end_.upstream = wrap_transport(std::move(transport), std::move(lease));
  } else if (transport) {
    transport->close();
  }
  if (!result && end_.answered && exchange_) exchange_->abort();
  exchange_.reset();
  end_.result = std::move(result);
  const auto done = std::exchange(callbacks_, {}).done;
  if (done) done(std::move(end_));
}

}  // namespace

std::function<void()> reverse_proxy(runtime::Loop& loop, std::shared_ptr<Exchange> exchange, ProxyRequest request,
                                    ProxyCallbacks callbacks) {
  const auto proxy = std::make_shared<Proxy>(loop, std::move(exchange), std::move(request), std::move(callbacks));
  proxy->start();
  return [weak = std::weak_ptr(proxy)] {
    if (const auto self = weak.lock()) self->cancel();
  };
}

}  // namespace slipway::net
