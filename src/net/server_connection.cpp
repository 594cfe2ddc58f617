#include "net/server_connection.hpp"

#include <boost/asio/error.hpp>

#include "base/log.hpp"

namespace slipway::net {
namespace {

/// First size of the input buffer, enough for an ordinary head; bodies get the larger one.
constexpr std::size_t kHeadBufferBytes = 8 << 10;
constexpr std::size_t kBodyBufferBytes = 64 << 10;
/// An unread body up to this size is read and dropped to keep the connection; beyond it closing is cheaper.
constexpr std::uint64_t kDrainBytes = 256 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerShared> shared, std::shared_ptr<Transport> transport,
                                   RequestHead peer)
    : shared_(std::move(shared)), transport_(std::move(transport)), peer_(std::move(peer)) {
  shared_->connections.insert(this);
}

ServerConnection::~ServerConnection() { shared_->connections.erase(this); }

int ServerConnection::ticks(Duration duration) const {
  return static_cast<int>((duration + shared_->tick - Duration(1)) / shared_->tick) + 1;
}

void ServerConnection::start() {
  output_.attach(weak_from_this(), transport_,
                 {.drained = [this] { answered(); }, .broken = [this](const std::string& why) { break_off(why); }});
  ticks_left_ = ticks(shared_->limits.head_timeout);
  transport_->handshake([self = shared_from_this()](const Result<void>& done) {
    if (self->phase_ != Phase::Handshake) return;
    if (!done) return self->leave();
    self->begin_head();
    self->pump();
  });
}

void ServerConnection::begin_head() {
  phase_ = Phase::Head;
  parser_ = MessageParser::for_request({.bytes = shared_->limits.head_bytes, .fields = shared_->limits.head_fields});
  ++serial_;
  fresh_head_ = true;
  continue_due_ = answer_ended_ = false;
  told_gone_ = input_over_;
  close_after_.reset();
  drained_bytes_ = 0;
  if (serial_ > 1) ticks_left_ = ticks(input_.empty() ? shared_->limits.idle_timeout : shared_->limits.head_timeout);
}

/// Takes as much out of the buffer as the phase allows, then asks for more. Never runs inside itself: callbacks that
/// come back here only leave a note.
void ServerConnection::pump() {
  if (pumping_) return;
  pumping_ = true;
  bool again = true;
  while (again) {
    again = phase_ == Phase::Head ? pump_head() : pump_body();
  }
  pumping_ = false;
  want_input();
}

bool ServerConnection::pump_head() {
  // RFC 9112, 2.2: empty lines before a request line are skipped.
  while (fresh_head_ && !input_.empty() && (input_.bytes()[0] == '\r' || input_.bytes()[0] == '\n')) input_.used(1);
  if (input_.empty()) return false;
  fresh_head_ = false;
  MessageParser::Step step = parser_->step(input_.bytes());
  input_.used(step.consumed);
  switch (step.kind) {
    case MessageParser::Kind::Bad:
      refuse(step.status, step.detail);
      return false;
    case MessageParser::Kind::Head:
      begin_request(parser_->take_head());
      return phase_ != Phase::Closed;
    default:
      return step.kind == MessageParser::Kind::Progress;
  }
}

void ServerConnection::begin_request(MessageParser::Head head) {
  phase_ = Phase::Request;
  request_ = std::move(head);
  continue_due_ = request_.expects_continue && !parser_->complete();
  RequestHead shown = peer_;
  shown.method = request_.method;
  shown.target = request_.target;
  shown.headers = std::move(request_.headers);
  shown.content_length = request_.content_length;
  const std::shared_ptr<ServerShared> shared = shared_;
  auto exchange = make_exchange(shared_from_this(), std::move(shown), serial_);
  shared->handler(std::move(exchange));
}

bool ServerConnection::wants_body() const {
  return (phase_ == Phase::Request && body_ && !body_->paused) || phase_ == Phase::Drain;
}

bool ServerConnection::pump_body() {
  if (!wants_body()) return false;
  if (parser_->complete()) {
    end_body({});
    return phase_ == Phase::Head;
  }
  MessageParser::Step step = parser_->step(input_.bytes());
  input_.used(step.consumed);
  if (step.kind == MessageParser::Kind::NeedMore && input_over_) {
    end_body(fail(Code::Unreachable, "the peer broke off inside the request's body"));
    return false;
  }
  switch (step.kind) {
    case MessageParser::Kind::Bad:
      close_after_ = true;
      end_body(fail(Code::InvalidInput, "the request's body is malformed: {}", step.detail));
      return false;
    case MessageParser::Kind::Piece:
      return give_piece(step.piece);
    case MessageParser::Kind::NeedMore:
      return false;
    default:
      return true;
  }
}

/// True: go on.
bool ServerConnection::give_piece(std::string_view piece) {
  if (phase_ == Phase::Drain) {
    drained_bytes_ += piece.size();
    if (drained_bytes_ > kDrainBytes) leave();
    return phase_ == Phase::Drain;
  }
  body_->got_bytes += piece.size();
  if (body_->got_bytes > body_->limit_bytes) {
    end_body(fail(Code::TooLarge, "the request's body is over {} bytes", body_->limit_bytes));
    return false;
  }
  const auto take = body_->piece;
  Result<void> taken = take(piece);
  if (!taken && body_) end_body(std::move(taken));
  return phase_ == Phase::Request && body_;
}

void ServerConnection::end_body(Result<void> result) {
  if (phase_ == Phase::Drain) {
    if (!result) return leave();
    return begin_head();
  }
  const std::unique_ptr<BodyReader> reader = std::move(body_);
  if (reader) reader->done(std::move(result));
}

void ServerConnection::read_body(BodyReader reader) {
  if (request_.content_length.value_or(0) > reader.limit_bytes) {
    return reader.done(fail(Code::TooLarge, "the request's body is {} bytes, over the {} that are taken",
                            *request_.content_length, reader.limit_bytes));
  }
  body_ = std::make_unique<BodyReader>(std::move(reader));
  if (std::exchange(continue_due_, false) && input_.empty() && !answer_ended_ && !close_after_) {
    output_.push({.before = std::string(kContinue), .bytes = {}, .after = {}, .flushed = {}});
  }
  pump();
}

void ServerConnection::pause_body() {
  if (body_) body_->paused = true;
}

void ServerConnection::resume_body() {
  if (!body_ || !std::exchange(body_->paused, false)) return;
  post([self = shared_from_this()] { self->pump(); });
}

std::size_t ServerConnection::input_limit() const {
  if (wants_body()) return kBodyBufferBytes;
  const bool long_head = phase_ == Phase::Head && input_.bytes().size() >= kHeadBufferBytes;
  return long_head ? shared_->limits.head_bytes + kHeadBufferBytes : kHeadBufferBytes;
}

/// Also while nothing is asked for, within the bound of the buffer: that is how a peer that leaves is noticed.
void ServerConnection::want_input() {
  if (input_over_ && phase_ == Phase::Head) return leave();
  if (reading_ || input_over_ || phase_ == Phase::Closed || phase_ == Phase::Upgraded) return;
  if (!input_.has_room(input_limit())) {
    if (wants_body()) end_body(fail(Code::InvalidInput, "a chunk's header or trailer is too large"));
    return;
  }
  if (input_.empty() && !wants_body()) input_.release();
  reading_ = true;
  transport_->wait_readable([self = shared_from_this()](const ErrorCode& error) { self->readable(error); });
}

void ServerConnection::readable(ErrorCode error) {
  reading_ = false;
  if (phase_ == Phase::Closed || phase_ == Phase::Upgraded) return;
  if (!error) {
    const std::size_t size = transport_->read_now(input_.room(input_limit()), error);
    if (error == boost::asio::error::would_block) return want_input();
    if (phase_ == Phase::Head && input_.empty() && size > 0 && fresh_head_) {
      ticks_left_ = ticks(shared_->limits.head_timeout);
    }
    input_.filled(size);
  }
  if (error) return input_ended(error);
  pump();
}

void ServerConnection::input_ended(const ErrorCode& error) {
  input_over_ = true;
  if (phase_ != Phase::Request) return leave();
  if (error != boost::asio::error::eof) return break_off(error.message());
  // A sending side that was closed on purpose looks the same as a peer that left; the answer is still tried.
  if (input_.empty() || !parser_->complete()) close_after_ = true;
  const auto self = shared_from_this();
  pump();  // tells the reader of a body that it breaks off
  if (phase_ == Phase::Request) tell_gone();
}

void ServerConnection::tell_gone() {
  if (std::exchange(told_gone_, true)) return;
  if (const auto gone = std::exchange(gone_, nullptr)) gone();
}

void ServerConnection::on_gone(std::function<void()> gone) {
  if (!told_gone_) {
    gone_ = std::move(gone);
    return;
  }
  if (gone) shared_->loop.post(std::move(gone));
}

bool ServerConnection::closes_after_answer() {
  if (close_after_) return *close_after_;
  const bool small = request_.content_length && *request_.content_length <= kDrainBytes && !body_;
  const bool body_in_the_way = !parser_->complete() && (!small || continue_due_);
  close_after_ = !request_.keep_alive || (input_over_ && input_.empty()) || body_in_the_way;
  return *close_after_;
}

void ServerConnection::end_answer() {
  answer_ended_ = true;
  if (output_.idle()) {
    shared_->loop.post([self = shared_from_this()] { self->answered(); });
  }
}

/// Everything queued has left.
void ServerConnection::answered() {
  if (phase_ != Phase::Request || !answer_ended_ || !output_.idle()) return;
  const auto self = shared_from_this();
  const auto dropped_gone = std::exchange(gone_, nullptr);
  if (const auto body = std::move(body_)) {
    leave();
    return body->done(fail(Code::Cancelled, "the answer was completed before the body was read"));
  }
  if (close_after_.value_or(false)) return leave();
  if (parser_->complete()) {
    begin_head();
  } else {
    phase_ = Phase::Drain;
  }
  pump();
}

void ServerConnection::refuse(int status, const std::string& detail) {
  const Response answer = problem(status, detail);
  const std::string length = fmt::format("Content-Length: {}\r\n", answer.body.size());
  close_after_ = true;
  if (phase_ != Phase::Head) return break_off(detail);
  phase_ = Phase::Request;  // so that the end of the answer is seen; no exchange has this serial
  input_over_ = true;
  output_.push({.before = answer_head(answer.status, answer.headers, length, true),
                .bytes = answer.body,
                .after = {},
                .flushed = {}});
  end_answer();
}

/// Ends the connection in good order: what was written arrives.
void ServerConnection::leave() {
  if (phase_ == Phase::Closed) return;
  const auto self = shared_from_this();
  phase_ = Phase::Closed;
  transport_->finish();
  shared_->connections.erase(this);
  const auto dropped = output_.stop();
  const auto dropped_gone = std::exchange(gone_, nullptr);
  const auto dropped_body = std::move(body_);
}

void ServerConnection::close() {
  const auto self = weak_from_this().lock();
  phase_ = Phase::Closed;
  transport_->close();
  shared_->connections.erase(this);
  const auto dropped = output_.stop();
  const auto dropped_gone = std::exchange(gone_, nullptr);
  const auto dropped_body = std::move(body_);
}

void ServerConnection::break_off(const std::string& why) {
  if (phase_ == Phase::Closed) return;
  const auto self = shared_from_this();
  phase_ = Phase::Closed;
  transport_->close();
  shared_->connections.erase(this);
  const auto body = std::move(body_);
  const auto gone = told_gone_ ? nullptr : std::exchange(gone_, nullptr);
  told_gone_ = true;
  for (const auto& flushed : output_.stop()) {
    if (!shared_->closed) flushed(false);
  }
  if (body && !shared_->closed) body->done(fail(Code::Unreachable, "the connection broke off: {}", why));
  if (gone && !shared_->closed) gone();
}

Unwrapped ServerConnection::upgrade() {
  phase_ = Phase::Upgraded;
  if (reading_) transport_->cancel_wait();
  if (!input_.empty()) transport_->unread(std::string(input_.bytes()));
  input_.release();
  parser_.reset();
  shared_->connections.erase(this);
  const auto dropped_gone = std::exchange(gone_, nullptr);
  return {.transport = transport_, .lease = std::make_shared<UpgradedConnection>(shared_, transport_)};
}

void ServerConnection::tick() {
  if (phase_ == Phase::Upgraded || phase_ == Phase::Closed) return;
  if (phase_ == Phase::Handshake || phase_ == Phase::Head) {
    if (--ticks_left_ > 0) return;
    if (phase_ == Phase::Head && !fresh_head_) return refuse(408, "the head did not arrive in time");
    return leave();
  }
  const bool waits_for_peer = transport_->writing() || wants_body();
  const std::uint64_t progress = transport_->progress();
  if (!waits_for_peer || progress != std::exchange(last_progress_, progress)) {
    ticks_left_ = ticks(shared_->limits.stall_timeout);
    return;
  }
  if (--ticks_left_ == 0) break_off("no progress");
}

}  // namespace slipway::net
