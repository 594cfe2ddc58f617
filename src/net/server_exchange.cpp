#include <boost/json.hpp>

#include "base/log.hpp"
#include "net/raw_transport.hpp"
#include "net/server_connection.hpp"
#include "net/websocket_stream.hpp"

namespace slipway::net {
namespace {

/// What a handler that ignores `flushed` may pile up before its answer is given up.
constexpr std::size_t kAnswerQueueBytes = 64 << 20;

bool is_framing(std::string_view name) {
  Headers one;
  one.add(std::string(name), "");
  return one.get("content-length") || one.get("transfer-encoding") || one.get("connection");
}

std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  return out;
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

class ServerExchange final : public Exchange, public std::enable_shared_from_this<ServerExchange> {
 public:
  ServerExchange(std::shared_ptr<ServerConnection> connection, RequestHead head, std::uint64_t serial)
      : connection_(std::move(connection)), head_(std::move(head)), serial_(serial) {}
  ServerExchange(const ServerExchange&) = delete;
  ServerExchange& operator=(const ServerExchange&) = delete;
  ~ServerExchange() override {
    if (!open()) return;
    if (state_ == State::Streaming) {
      connection_->on_gone({});
      connection_->break_off("the answer was abandoned");
    } else {
      ServerExchange::respond(problem(500, "the request was dropped without an answer"));
    }
  }

  [[nodiscard]] const RequestHead& head() const override { return head_; }

  void read_body(std::size_t limit_bytes, std::function<void(Result<std::string>)> done) override {
    auto body = std::make_shared<std::string>();
    if (head_.content_length) body->reserve(std::min<std::uint64_t>(*head_.content_length, limit_bytes));
    read_body_pieces(
        limit_bytes,
        [body](std::string_view piece) -> Result<void> {
          body->append(piece);
          return {};
        },
        [body, done = std::move(done)](Result<void> end) {
          if (!end) return done(fail(std::move(end).error()));
          done(std::move(*body));
        });
  }

  void read_body_pieces(std::uint64_t limit_bytes, std::function<Result<void>(std::string_view)> piece,
                        std::function<void(Result<void>)> done) override {
    if (!served()) return done(fail(Code::Unreachable, "the connection broke off"));
    if (std::exchange(body_asked_, true)) return done(fail(Code::Internal, "the request's body was read already"));
    connection_->read_body({.limit_bytes = limit_bytes, .piece = std::move(piece), .done = std::move(done)});
  }

  void pause_body() override {
    if (served()) connection_->pause_body();
  }
  void resume_body() override {
    if (served()) connection_->resume_body();
  }

  void respond(Response response) override {
    if (!open() || state_ != State::Fresh) return;
    state_ = State::Ended;
    const std::string length = fmt::format("Content-Length: {}\r\n", response.body.size());
    push_head(response.status, response.headers, may_have_body(response.status) ? length : "",
              has_body(response.status) ? std::move(response.body) : std::string());
    connection_->end_answer();
  }

  void begin(int status, Headers headers) override {
    if (!open() || state_ != State::Fresh) return;
    state_ = State::Streaming;
    const bool body = has_body(status);
    chunked_ = body && !connection_->request().http_1_0;
    if (body && !chunked_) connection_->close_after_answer();
    push_head(status, headers, chunked_ ? "Transfer-Encoding: chunked\r\n" : "", {});
  }

  void begin_sized(int status, Headers headers, std::uint64_t length) override {
    if (!open() || state_ != State::Fresh) return;
    state_ = State::Streaming;
    if (has_body(status)) left_bytes_ = length;
    push_head(status, headers, status == 204 ? "" : fmt::format("Content-Length: {}\r\n", length), {});
  }

  void inform(int status, Headers headers) override {
    if (!open() || state_ != State::Fresh || connection_->request().http_1_0) return;
    connection_->output().push(
        {.before = answer_head(status, headers, "", false), .bytes = {}, .after = {}, .flushed = {}});
  }

  void write(std::string bytes, std::function<void(bool)> flushed) override {
    if (!open() || state_ != State::Streaming) {
      if (flushed) flushed(false);
      return;
    }
    const bool shown = has_body(status_) && !bytes.empty();
    if (shown && left_bytes_ && bytes.size() > std::exchange(*left_bytes_, *left_bytes_ - bytes.size())) {
      log::warn("{} {}: the answer is longer than it said", head_.method, head_.target);
      if (flushed) flushed(false);
      return abort();
    }
    const std::string before = shown && chunked_ ? fmt::format("{:x}\r\n", bytes.size()) : "";
    connection_->output().push({.before = before,
                                .bytes = shown ? std::move(bytes) : std::string(),
                                .after = shown && chunked_ ? "\r\n" : "",
                                .flushed = std::move(flushed)});
    if (connection_->output().queued_bytes() < kAnswerQueueBytes) return;
    log::warn("{} {}: the answer is abandoned, since it is written faster than the peer takes it", head_.method,
              head_.target);
    abort();
  }

  void finish() override {
    if (!open() || state_ != State::Streaming) return;
    if (left_bytes_.value_or(0) > 0) return abort();
    state_ = State::Ended;
    if (chunked_) connection_->output().push({.before = "0\r\n\r\n", .bytes = {}, .after = {}, .flushed = {}});
    connection_->end_answer();
  }

  void abort() override {
    if (!open()) return;
    state_ = State::Ended;
    connection_->on_gone({});  // it is we who leave
    connection_->break_off("aborted");
  }

  void respond_with_file(int status, Headers headers, runtime::Fd file, std::uint64_t offset,
                         std::uint64_t length) override {
    if (!open() || state_ != State::Fresh) return;
    state_ = State::Ended;
    push_head(status, headers, fmt::format("Content-Length: {}\r\n", length), {});
    if (has_body(status) && length > 0) connection_->output().push_file(std::move(file), offset, length);
    connection_->end_answer();
  }

  void accept_websocket(WebSocketOptions options,
                        std::function<void(Result<std::shared_ptr<WebSocket>>)> done) override {
    if (!open() || state_ != State::Fresh) return done(fail(Code::Unreachable, "the connection broke off"));
    if (!is_websocket_upgrade(head_)) {
      respond(problem(400, "this is a WebSocket endpoint: the request must ask for an upgrade, version 13"));
      return done(fail(Code::InvalidInput, "{} {} asks for no WebSocket", head_.method, head_.target));
    }
    state_ = State::Ended;
    Unwrapped stream = std::exchange(connection_, nullptr)->upgrade();
    accept_stream(std::move(stream.transport), head_, options, std::move(stream.lease), std::move(done));
  }

  void accept_upgrade(std::string protocol, Headers headers, Upgraded done) override {
    if (!open() || state_ != State::Fresh) return done(fail(Code::Unreachable, "the connection broke off"));
    if (!asks_for(protocol)) {
      respond(problem(400, fmt::format("the request must ask for an upgrade to {} and have no body", protocol)));
      return done(fail(Code::InvalidInput, "{} {} asks for no upgrade to {}", head_.method, head_.target, protocol));
    }
    state_ = State::Ended;
    const std::string framing = fmt::format("Connection: Upgrade\r\nUpgrade: {}\r\n", protocol);
    const auto connection = std::exchange(connection_, nullptr);
    auto sent = [connection, done = std::move(done)](bool arrived) {
      if (!arrived) return done(fail(Code::Unreachable, "the connection broke off"));
      done(wrap_transport(connection->upgrade()));
    };
    connection->output().push(
        {.before = answer_head(101, headers, framing, false), .bytes = {}, .after = {}, .flushed = std::move(sent)});
  }

  void on_gone(std::function<void()> gone) override {
    if (open()) return connection_->on_gone(std::move(gone));
    if (state_ != State::Ended && gone && connection_) connection_->post(std::move(gone));
  }

 private:
  enum class State { Fresh, Streaming, Ended };

  [[nodiscard]] bool served() const { return connection_ && connection_->serves(serial_); }
  [[nodiscard]] bool open() const { return state_ != State::Ended && served(); }
  [[nodiscard]] bool has_body(int status) const { return head_.method != "HEAD" && may_have_body(status); }

  [[nodiscard]] bool asks_for(const std::string& protocol) const {
    const auto& request = connection_->request();
    return request.upgrade && !request.http_1_0 && connection_->request_complete() &&
           has_element(head_.headers.get("Upgrade").value_or(""), protocol);
  }

  void push_head(int status, const Headers& headers, std::string framing, std::string body) {
    status_ = status;
    const bool close = connection_->closes_after_answer();
    if (!close && connection_->request().http_1_0) framing += "Connection: keep-alive\r\n";
    connection_->output().push(
        {.before = answer_head(status, headers, framing, close), .bytes = std::move(body), .after = {}, .flushed = {}});
  }

  std::shared_ptr<ServerConnection> connection_;  ///< empty after an upgrade
  RequestHead head_;
  std::uint64_t serial_;
  State state_ = State::Fresh;
  int status_ = 0;
  std::optional<std::uint64_t> left_bytes_;
  bool chunked_ = false;
  bool body_asked_ = false;
};

}  // namespace

std::shared_ptr<Exchange> make_exchange(std::shared_ptr<ServerConnection> connection, RequestHead head,
                                        std::uint64_t serial) {
  return std::make_shared<ServerExchange>(std::move(connection), std::move(head), serial);
}

std::string answer_head(int status, const Headers& headers, std::string_view framing, bool close) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  for (const auto& [name, value] : headers.fields()) {
    if (is_framing(name)) continue;
    out += fmt::format("{}: {}\r\n", one_line(name), one_line(value));
  }
  out += framing;
  if (close) out += "Connection: close\r\n";
  out += "\r\n";
  return out;
}

Response problem(int status, const std::string& detail) {
  // The kinds that a message's own syntax can have; a fault of the handler is the only one that is ours.
  const Code code = status == 408                    ? Code::Timeout
                    : status == 413 || status == 431 ? Code::TooLarge
                    : status == 501                  ? Code::Unsupported
                    : status < 500                   ? Code::InvalidInput
                                                     : Code::Internal;
  const std::string_view fix = code == Code::Timeout    ? "send the whole head of the request at once"
                               : code == Code::TooLarge ? "send fewer or shorter header fields"
                               : code == Code::Internal ? "see the server's log"
                                                        : "send HTTP/1.1 as in RFC 9112";
  const boost::json::object body{{"type", "about:blank"}, {"title", reason_phrase(status)}, {"status", status},
                                 {"detail", detail},      {"code", code_name(code)},        {"fix", fix}};
  Response response{.status = status, .headers = {}, .body = boost::json::serialize(body) + "\n"};
  response.headers.add("Content-Type", "application/problem+json");
  return response;
}

}  // namespace slipway::net
