// ServerConnection: one accepted connection: reads heads, hands each request to the server's handler, feeds its body,
// writes its answer, and goes on to the next. For .cpp files of net/ only. Loop's thread. Held by its pending
// operations and by the exchange of its current request.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/http_parser.hpp"
#include "net/http_server.hpp"
#include "net/input_buffer.hpp"
#include "net/output_queue.hpp"
#include "net/raw_transport.hpp"

namespace slipway::net {

class ServerConnection;
class UpgradedConnection;

/// What the connections of one server share.
struct ServerShared {
  runtime::Loop& loop;
  HttpServer::Handler handler;
  HttpLimits limits;
  Duration tick;  ///< how often tick() is called
  std::set<ServerConnection*> connections;
  std::set<UpgradedConnection*> upgraded;
  bool closed = false;
};

/// The lease on a connection that was handed over: counted, and closed with its server, for as long as it is held. May
/// stay for days, so it is all that is kept.
class UpgradedConnection {
 public:
  UpgradedConnection(std::shared_ptr<ServerShared> shared, std::weak_ptr<Transport> transport)
      : shared_(std::move(shared)), transport_(std::move(transport)) {
    shared_->upgraded.insert(this);
  }
  UpgradedConnection(const UpgradedConnection&) = delete;
  UpgradedConnection& operator=(const UpgradedConnection&) = delete;
  ~UpgradedConnection() { shared_->upgraded.erase(this); }
  void close() {
    if (const auto open = transport_.lock()) open->close();
  }

 private:
  std::shared_ptr<ServerShared> shared_;
  std::weak_ptr<Transport> transport_;
};

class ServerConnection final : public std::enable_shared_from_this<ServerConnection> {
 public:
  struct BodyReader {
    std::uint64_t limit_bytes = 0;
    std::function<Result<void>(std::string_view)> piece;
    std::function<void(Result<void>)> done;
    std::uint64_t got_bytes = 0;
    bool paused = false;
  };

  ServerConnection(std::shared_ptr<ServerShared> shared, std::shared_ptr<Transport> transport, RequestHead peer);
  ~ServerConnection();
  void start();
  /// Closes without calling anybody.
  void close();
  /// Counts the deadlines down.
  void tick();

  // For the exchange of request number `serial`.
  [[nodiscard]] bool serves(std::uint64_t serial) const { return serial == serial_ && phase_ == Phase::Request; }
  [[nodiscard]] const MessageParser::Head& request() const { return request_; }
  void read_body(BodyReader reader);
  void pause_body();
  void resume_body();
  /// Nothing of the request is left to be read.
  [[nodiscard]] bool request_complete() const { return parser_->complete(); }
  /// Whether the answer must say that the connection closes after it; decided once for each answer.
  bool closes_after_answer();
  void close_after_answer() { close_after_ = true; }
  OutputQueue& output() { return output_; }
  /// Everything of the answer was pushed.
  void end_answer();
  void on_gone(std::function<void()> gone);
  void post(std::function<void()> work) { shared_->loop.post(std::move(work)); }
  /// The peer has gone, or must: tells whoever waits.
  void break_off(const std::string& why);
  /// Hands the byte stream over, to a WebSocket or whoever upgraded; nothing of this object is needed after that.
  Unwrapped upgrade();

 private:
  enum class Phase { Handshake, Head, Request, Drain, Upgraded, Closed };

  void begin_head();
  void pump();
  bool pump_head();
  bool pump_body();
  void begin_request(MessageParser::Head head);
  void end_body(Result<void> result);
  bool give_piece(std::string_view piece);
  void want_input();
  void readable(ErrorCode error);
  void input_ended(const ErrorCode& error);
  void tell_gone();
  void answered();
  void refuse(int status, const std::string& detail);
  void leave();
  [[nodiscard]] int ticks(Duration duration) const;
  [[nodiscard]] bool wants_body() const;
  [[nodiscard]] std::size_t input_limit() const;

  std::shared_ptr<ServerShared> shared_;
  std::shared_ptr<Transport> transport_;
  RequestHead peer_;
  Phase phase_ = Phase::Handshake;
  std::unique_ptr<MessageParser> parser_;
  MessageParser::Head request_;
  OutputQueue output_;
  std::uint64_t serial_ = 0;

  InputBuffer input_;
  bool reading_ = false, pumping_ = false, input_over_ = false, fresh_head_ = true;

  std::unique_ptr<BodyReader> body_;
  std::function<void()> gone_;
  std::uint64_t drained_bytes_ = 0;
  bool continue_due_ = false, answer_ended_ = false, told_gone_ = false;
  std::optional<bool> close_after_;

  int ticks_left_ = 0;
  std::uint64_t last_progress_ = 0;
};

/// The exchange of request number `serial` of the connection.
std::shared_ptr<Exchange> make_exchange(std::shared_ptr<ServerConnection> connection, RequestHead head,
                                        std::uint64_t serial);
/// An answer's head. `framing`: the fields that say how long the body is, each with its line end; the application's own
/// fields of that kind are dropped, and so is what would break a line.
std::string answer_head(int status, const Headers& headers, std::string_view framing, bool close);
/// RFC 9457, with status and words for people.
Response problem(int status, const std::string& detail);

}  // namespace slipway::net
