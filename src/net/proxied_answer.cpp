#include <boost/asio/error.hpp>

#include "net/proxied_exchange.hpp"

namespace slipway::net {
namespace {

/// Bytes that no event of the parser came out of: a head, or what stands around chunks.
constexpr std::size_t kHeldBytes = 64 << 10;
constexpr int kInterimAnswers = 16;

}  // namespace

std::unique_ptr<MessageParser> ProxiedExchange::new_parser() const {
  return MessageParser::for_response(kAnswerHeadLimits, exchange_->head().method == "HEAD");
}

void ProxiedExchange::wait() {
  upstream_.transport->wait_readable([self = shared_from_this()](const ErrorCode& error) {
    if (!self->over_) self->readable(error);
  });
}

void ProxiedExchange::readable(ErrorCode error) {
  const std::span<char> scratch = Transport::scratch();
  const std::size_t got = error ? 0 : upstream_.transport->read_now(scratch, error);
  if (error == boost::asio::error::would_block) return wait();
  if (error) return input_ended(error);
  feed({scratch.data(), got});
}

void ProxiedExchange::feed(std::string_view input) {
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
  if (switched_) return switch_protocols();
  if (answer_over_) return finish();
  if (held_.size() > kHeldBytes) return bad_answer("a chunk's header is too large");
  pass_on();
}

/// True: there may be more in the input.
bool ProxiedExchange::take(const MessageParser::Step& step) {
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

void ProxiedExchange::take_head() {
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

void ProxiedExchange::interim(const MessageParser::Head& head) {
  parser_ = new_parser();
  if (++interim_answers_ > kInterimAnswers) return bad_answer("too many interim answers");
  // The peer is told to go on by the server when the body is read.
  if (head.status != 100) return exchange_->inform(head.status, end_to_end(head.headers));
  if (expects_) start_body();
}

/// The next is read when the peer has taken this: a slow reader holds a fast app back.
void ProxiedExchange::pass_on() {
  if (out_.empty()) return wait();
  end_.response_bytes += out_.size();
  exchange_->write(std::exchange(out_, {}), [self = shared_from_this()](bool taken) {
    if (self->over_) return;
    if (!taken) return self->end(fail(Code::Cancelled, "the peer went away"));
    self->wait();
  });
}

void ProxiedExchange::input_ended(const ErrorCode& error) {
  if (error == boost::asio::error::eof && end_.answered && parser_->end_of_input()) {
    reusable_ = false;
    return finish();
  }
  end(fail(Code::Unreachable, "the upstream broke off {} its answer: {}", end_.answered ? "inside" : "before",
           error.message()));
}

void ProxiedExchange::finish() {
  if (!out_.empty()) {
    end_.response_bytes += out_.size();
    exchange_->write(std::exchange(out_, {}), {});
  }
  exchange_->finish();
  reusable_ = reusable_ && request_over_ && held_.empty();
  end({});
}

void ProxiedExchange::switch_protocols() {
  const std::string protocol(switched_->headers.get("Upgrade").value_or(""));
  if (protocol.empty() || !switched_->upgrade || !has_element(protocol_, protocol)) {
    return bad_answer("it switches to a protocol that nobody asked for");
  }
  head_timer_.cancel();
  end_.status = 101;
  Headers headers = end_to_end(switched_->headers);
  if (callbacks_.edit_answer) callbacks_.edit_answer(end_.status, headers);
  exchange_->accept_upgrade(protocol, std::move(headers),
                            [self = shared_from_this()](Result<std::unique_ptr<RawStream>> peer) {
                              if (self->over_) return;
                              if (peer) return self->upgraded(std::move(*peer));
                              const bool refused = peer.error().code == Code::InvalidInput;  // then 400 was sent
                              self->end_.answered = refused;
                              if (refused) return self->end(fail(std::move(peer).error()));
                              self->end(fail(Code::Cancelled, "the peer went away"));
                            });
}

void ProxiedExchange::upgraded(std::unique_ptr<RawStream> peer) {
  over_ = true;
  if (!held_.empty()) upstream_.transport->unread(std::exchange(held_, {}));
  const auto upgrade = std::make_shared<ProxiedUpgrade>();
  upgrade->end = std::move(end_);
  upgrade->end.answered = upgrade->end.upgraded = true;
  upgrade->done = std::exchange(callbacks_, {}).done;
  running_->upgrade = upgrade;
  upgrade->splice =
      splice(loop_, std::move(peer), wrap_transport(std::exchange(upstream_, {})), [upgrade](SpliceEnd moved) {
        upgrade->end.request_bytes = moved.first_to_second_bytes;
        upgrade->end.response_bytes = moved.second_to_first_bytes;
        upgrade->over({});
      });
}

void ProxiedUpgrade::over(Result<void> result) {
  end.result = std::move(result);
  const auto told = std::exchange(done, nullptr);
  const auto held = std::exchange(splice, nullptr);
  if (told) told(std::move(end));
}

void ProxiedExchange::bad_answer(const std::string& what) {
  end(fail(Code::Unreachable, "the upstream's answer is no proper HTTP: {}", what));
}

}  // namespace slipway::net
