#include "net/http_client.hpp"

#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>

#include "net/connector.hpp"
#include "net/http_parser.hpp"
#include "net/output_queue.hpp"
#include "net/request_head.hpp"

namespace slipway::net {
namespace {
namespace asio = boost::asio;

constexpr std::size_t kBufferBytes = 64 << 10;

Result<std::string> head_of(const Endpoint& endpoint, const ClientRequest& request) {
  Headers headers;
  if (!request.headers.get("Host")) headers.add("Host", host_field(endpoint));
  for (const auto& [name, value] : request.headers.fields()) headers.add(name, value);
  const std::uint64_t length = request.body_file ? request.body_file_bytes : request.body.size();
  const bool usual = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  const std::string framing = length > 0 || usual ? fmt::format("Content-Length: {}\r\n", length) : "";
  return request_head(request.method, request.target, headers, framing + "Connection: close\r\n");
}

/// One request under way. Held by its pending operations; the caller's end is the StreamHandle below.
class Stream final : public std::enable_shared_from_this<Stream> {
 public:
  Stream(runtime::Loop& loop, Endpoint endpoint, ClientRequest request, StreamCallbacks callbacks)
      : context_(context_of(loop)),
        endpoint_(std::move(endpoint)),
        request_(std::move(request)),
        callbacks_(std::move(callbacks)),
        deadline_(context_),
        parser_(new_parser()) {}

  void start();
  void abandon();
  void pause() { paused_ = true; }
  void resume();

 private:
  [[nodiscard]] std::unique_ptr<MessageParser> new_parser() const {
    return MessageParser::for_response(kAnswerHeadLimits, request_.method == "HEAD");
  }
  void connected(std::shared_ptr<Transport> transport, std::string head);
  void read();
  void received(const ErrorCode& error, std::size_t size);
  void pump();
  bool take(const MessageParser::Step& step);
  bool take_head();
  void end(Result<void> result);
  void arm();
  void expired();
  [[nodiscard]] std::string_view buffered() const { return {buffer_.data() + begin_, end_ - begin_}; }
  [[nodiscard]] std::string what() const {
    return fmt::format("{} {} at {}", request_.method, request_.target, name_of(endpoint_));
  }

  asio::io_context& context_;
  Endpoint endpoint_;
  ClientRequest request_;
  StreamCallbacks callbacks_;
  asio::steady_timer deadline_;
  std::uint64_t progress_when_armed_ = 0;
  std::unique_ptr<MessageParser> parser_;
  std::shared_ptr<void> connecting_;
  std::shared_ptr<Transport> transport_;
  OutputQueue output_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool reading_ = false, paused_ = false, pumping_ = false, head_done_ = false, over_ = false;
  std::optional<ErrorCode> input_end_;
};

void Stream::start() {
  auto head = head_of(endpoint_, request_);
  if (!head) {
    return asio::post(context_,
                      [self = shared_from_this(), error = std::move(head).error()] { self->end(fail(error)); });
  }
  connecting_ =
      connect_to(context_, endpoint_, request_.timeout,
                 [self = shared_from_this(), text = std::move(*head)](Result<std::shared_ptr<Transport>> transport) {
                   if (self->over_) return;
                   if (!transport) return self->end(fail(std::move(transport).error()));
                   self->connected(std::move(*transport), text);
                 });
}

void Stream::connected(std::shared_ptr<Transport> transport, std::string head) {
  connecting_.reset();
  transport_ = std::move(transport);
  // A peer that refuses an upload closes its end early; its answer, which says why, is still read.
  output_.attach(weak_from_this(), transport_, {.drained = [] {}, .broken = [](const std::string&) {}});
  output_.push({.before = std::move(head), .bytes = std::move(request_.body), .after = {}, .flushed = {}});
  if (request_.body_file && request_.body_file_bytes > 0) {
    const off_t begin = lseek(request_.body_file->get(), 0, SEEK_CUR);
    output_.push_file(std::move(*request_.body_file), static_cast<std::uint64_t>(std::max<off_t>(begin, 0)),
                      request_.body_file_bytes);
  }
  buffer_.resize(kBufferBytes);
  arm();
  read();
}

void Stream::arm() {
  if (head_done_ && (request_.endless || paused_)) {
    deadline_.cancel();
    return;
  }
  progress_when_armed_ = transport_->progress();
  deadline_.expires_after(request_.timeout);
  deadline_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error && !self->over_) self->expired();
  });
}

void Stream::expired() {
  // A long upload is no silence as long as the peer takes bytes.
  if (!head_done_ && transport_->progress() != progress_when_armed_ && transport_->writing()) return arm();
  if (paused_) return;
  end(fail(Code::Timeout, "{}: {} within {}", what(), head_done_ ? "no more of the answer" : "no answer",
           format_duration(request_.timeout)));
}

void Stream::read() {
  if (over_ || reading_ || input_end_) return;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  if (end_ == buffer_.size()) return end(fail(Code::Unreachable, "{}: the answer's framing is malformed", what()));
  reading_ = true;
  transport_->read_some(
      buffer_.data() + end_, buffer_.size() - end_,
      [self = shared_from_this()](const ErrorCode& error, std::size_t size) { self->received(error, size); });
}

void Stream::received(const ErrorCode& error, std::size_t size) {
  reading_ = false;
  if (over_) return;
  end_ += size;
  if (error) input_end_ = error;
  if (head_done_) arm();
  pump();
}

void Stream::pump() {
  if (pumping_ || over_) return;
  const auto self = shared_from_this();
  pumping_ = true;
  bool more = true;
  while (more && !over_ && !(paused_ && head_done_)) {
    const MessageParser::Step step = parser_->step(buffered());
    begin_ += step.consumed;
    more = take(step);
  }
  pumping_ = false;
  if (over_ || (paused_ && head_done_)) return;
  if (!input_end_) return read();
  const bool whole = *input_end_ == asio::error::eof && head_done_ && parser_->end_of_input();
  if (whole) return end({});
  end(fail(Code::Unreachable, "{}: the connection broke off {}: {}", what(),
           head_done_ ? "inside the answer" : "before the answer", input_end_->message()));
}

/// True: there may be more in the buffer.
bool Stream::take(const MessageParser::Step& step) {
  switch (step.kind) {
    case MessageParser::Kind::Head:
      return take_head();
    case MessageParser::Kind::Piece:
      if (callbacks_.on_bytes) {
        const auto give = callbacks_.on_bytes;
        give(step.piece);
      }
      return true;
    case MessageParser::Kind::End:
      end({});
      return false;
    case MessageParser::Kind::Bad:
      end(fail(Code::Unreachable, "{}: the answer is no HTTP: {}", what(), step.detail));
      return false;
    case MessageParser::Kind::Progress:
      return true;
    case MessageParser::Kind::NeedMore:
      return false;
  }
  return false;
}

bool Stream::take_head() {
  const MessageParser::Head head = parser_->take_head();
  if (head.status < 200 && head.status != 101) {
    parser_ = new_parser();
    return true;
  }
  head_done_ = true;
  arm();
  if (callbacks_.on_head) {
    const auto give = callbacks_.on_head;
    give(head.status, head.headers);
  }
  return true;
}

void Stream::resume() {
  if (!std::exchange(paused_, false) || over_ || !transport_) return;
  if (head_done_) arm();
  // Later: the caller may be inside its own callback, or hold what on_bytes wants.
  asio::post(context_, [self = shared_from_this()] { self->pump(); });
}

void Stream::end(Result<void> result) {
  if (std::exchange(over_, true)) return;
  const auto self = shared_from_this();
  const auto give = std::move(callbacks_.on_end);
  abandon();
  if (give) give(std::move(result));
}

void Stream::abandon() {
  over_ = true;
  callbacks_ = {};
  connecting_.reset();
  deadline_.cancel();
  if (transport_) transport_->close();
  const auto dropped = output_.stop();
}

class StreamHandle final : public ResponseStream {
 public:
  explicit StreamHandle(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  StreamHandle(const StreamHandle&) = delete;
  StreamHandle& operator=(const StreamHandle&) = delete;
  ~StreamHandle() override { stream_->abandon(); }
  void pause() override { stream_->pause(); }
  void resume() override { stream_->resume(); }

 private:
  std::shared_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<ResponseStream> stream(runtime::Loop& loop, Endpoint endpoint, ClientRequest request,
                                       StreamCallbacks callbacks) {
  auto started = std::make_shared<Stream>(loop, std::move(endpoint), std::move(request), std::move(callbacks));
  started->start();
  return std::make_unique<StreamHandle>(std::move(started));
}

void request(runtime::Loop& loop, Endpoint endpoint, ClientRequest request,
             std::function<void(Result<Response>)> done) {
  struct Collected {
    Response response;
    std::weak_ptr<Stream> stream;  ///< owned by its pending operations
  };
  const auto collected = std::make_shared<Collected>();
  const std::size_t limit = request.body_limit_bytes;
  const std::string what = fmt::format("{} {} at {}", request.method, request.target, name_of(endpoint));
  StreamCallbacks callbacks;
  callbacks.on_head = [collected](int status, const Headers& headers) {
    collected->response.status = status;
    collected->response.headers = headers;
  };
  callbacks.on_bytes = [collected, limit, done, what](std::string_view bytes) {
    if (collected->response.body.size() + bytes.size() <= limit) {
      collected->response.body.append(bytes);
      return;
    }
    if (const auto stream = collected->stream.lock()) stream->abandon();
    done(fail(Code::TooLarge, "{}: the answer is over {} bytes", what, limit));
  };
  callbacks.on_end = [collected, done](Result<void> end) {
    if (!end) return done(fail(std::move(end).error()));
    done(std::move(collected->response));
  };
  const auto started = std::make_shared<Stream>(loop, std::move(endpoint), std::move(request), std::move(callbacks));
  collected->stream = started;
  started->start();
}

}  // namespace slipway::net
