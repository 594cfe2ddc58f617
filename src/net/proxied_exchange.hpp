// ProxiedExchange: one exchange on its way through the reverse proxy: the request's side in proxied_request.cpp, the
// answer's in proxied_answer.cpp. For .cpp files of net/ only. Loop's thread. Held by its pending operations.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_parser.hpp"
#include "net/raw_transport.hpp"
#include "net/reverse_proxy.hpp"

namespace slipway::net {

/// What is left of an exchange after its upgrade: it may stay for days. Held by its splice.
struct ProxiedUpgrade {
  ProxyEnd end;
  std::function<void(ProxyEnd)> done;
  std::shared_ptr<void> splice;

  void over(Result<void> result);
};

class ProxiedExchange final : public std::enable_shared_from_this<ProxiedExchange> {
 public:
  /// What the caller's handle reaches: one of both, or neither after the end.
  struct Running {
    std::weak_ptr<ProxiedExchange> exchange;
    std::weak_ptr<ProxiedUpgrade> upgrade;
    void cancel() const;
  };

  ProxiedExchange(runtime::Loop& loop, std::shared_ptr<Exchange> exchange, ProxyRequest request,
                  ProxyCallbacks callbacks);
  ProxiedExchange(const ProxiedExchange&) = delete;
  ProxiedExchange& operator=(const ProxiedExchange&) = delete;
  ~ProxiedExchange();
  std::shared_ptr<Running> start();

 private:
  // The request.
  [[nodiscard]] Result<std::string> compose_head() const;
  [[nodiscard]] Result<void> check_upstream() const;
  void head_sent(const ErrorCode& error);
  void start_body();
  void forward(std::string_view piece);
  void taken(const ErrorCode& error);
  void body_over(Result<void> result);
  void arm();
  // The answer.
  [[nodiscard]] std::unique_ptr<MessageParser> new_parser() const;
  void wait();
  void readable(ErrorCode error);
  void feed(std::string_view input);
  bool take(const MessageParser::Step& step);
  void take_head();
  void interim(const MessageParser::Head& head);
  void pass_on();
  void input_ended(const ErrorCode& error);
  void finish();
  void switch_protocols();
  void upgraded(std::unique_ptr<RawStream> peer);
  void bad_answer(const std::string& what);
  void end(Result<void> result);

  runtime::Loop& loop_;
  std::shared_ptr<Exchange> exchange_;
  Unwrapped upstream_;
  ProxyRequest request_;
  ProxyCallbacks callbacks_;
  std::shared_ptr<Running> running_;
  std::unique_ptr<MessageParser> parser_;
  runtime::Loop::Timer head_timer_, continue_timer_;
  std::string protocol_;                         ///< that the peer wants to upgrade to
  std::string held_;                             ///< of the answer, not yet parsed
  std::string out_;                              ///< of the answer's body, not yet passed on
  std::optional<MessageParser::Head> switched_;  ///< the upstream's 101
  ProxyEnd end_;
  std::uint64_t progress_ = 0;
  int interim_answers_ = 0;
  bool chunked_ = false, has_body_ = false, expects_ = false, body_started_ = false, request_over_ = false;
  bool answer_over_ = false, reusable_ = false, over_ = false;
};

}  // namespace slipway::net
