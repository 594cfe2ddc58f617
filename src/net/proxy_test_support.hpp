// What the tests of the reverse proxy share: a server that proxies every request, with the test as client and as app.
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>

#include "net/reverse_proxy.hpp"
#include "net/test_support.hpp"

namespace slipway::net {

class ProxyRig {
 public:
  explicit ProxyRig(Duration head_timeout = std::chrono::seconds(20), ListenOptions options = {})
      : head_timeout_(head_timeout),
        front_([this](std::shared_ptr<Exchange> exchange) { serve(std::move(exchange)); }, std::move(options)) {}
  ProxyRig(const ProxyRig&) = delete;
  ProxyRig& operator=(const ProxyRig&) = delete;
  ~ProxyRig() {
    front_.thread().run([this] { kept_.reset(); });
    front_.reset();
  }

  [[nodiscard]] std::uint16_t port() const { return front_.port(); }
  [[nodiscard]] RawSocket client() const { return RawSocket(front_.port()); }
  /// The app's end of the next connection that the proxy makes.
  RawSocket app() { return acceptor_.accept(); }
  TestServer& front() { return front_; }
  /// Requests go to this port instead of to app().
  void use_app_port(std::uint16_t port) { app_port_ = port; }
  /// A finished upstream connection waits for the next request. Else it is closed.
  void keep_upstreams() { keep_ = true; }
  [[nodiscard]] bool has_kept() {
    return front_.thread().run([this] { return kept_ != nullptr; });
  }

  /// Ends the exchange that began last.
  void cancel() {
    front_.thread().run([this] { cancel_(); });
  }

  /// How the next exchange ended (its upstream stays here).
  ProxyEnd next_end() {
    std::unique_lock lock(mutex_);
    if (!ended_.wait_for(lock, std::chrono::seconds(20), [this] { return !ends_.empty(); })) {
      ADD_FAILURE() << "the proxy did not end";
      return {};
    }
    ProxyEnd end = std::move(ends_.front());
    ends_.pop_front();
    return end;
  }
  [[nodiscard]] bool nothing_ended() {
    const std::lock_guard lock(mutex_);
    return ends_.empty();
  }

 private:
  std::unique_ptr<RawStream> connect_app() {
    const std::uint16_t port = app_port_ != 0 ? app_port_ : acceptor_.port();
    return make_raw_stream(front_.loop(), RawSocket(port).take_fd());
  }

  void serve(std::shared_ptr<Exchange> exchange) {
    ProxyRequest request{.target = exchange->head().target, .headers = end_to_end(exchange->head().headers)};
    request.headers.add("X-Gateway", "here");
    request.upstream = kept_ ? std::move(kept_) : connect_app();
    request.head_timeout = head_timeout_;
    ProxyCallbacks callbacks;
    callbacks.edit_answer = [](int status, Headers& headers) { headers.add("X-Edited", std::to_string(status)); };
    callbacks.done = [this, exchange](ProxyEnd end) { ended(*exchange, std::move(end)); };
    cancel_ = reverse_proxy(front_.loop(), exchange, std::move(request), std::move(callbacks));
  }

  void ended(Exchange& exchange, ProxyEnd end) {
    if (!end.answered) exchange.respond(text_response("gateway: " + end.result.error().text(), 502));
    auto upstream = std::move(end.upstream);
    if (keep_) kept_ = std::move(upstream);
    const std::lock_guard lock(mutex_);
    ends_.push_back(std::move(end));
    ended_.notify_all();
  }

  Duration head_timeout_;
  Acceptor acceptor_;
  std::uint16_t app_port_ = 0;
  bool keep_ = false;
  std::unique_ptr<RawStream> kept_;
  std::function<void()> cancel_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::deque<ProxyEnd> ends_;
  TestServer front_;
};

inline std::string get(std::string_view target, std::string_view more = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: session.localhost\r\n{}\r\n", target, more);
}
inline std::string post(std::string_view more) {
  return fmt::format("POST /up HTTP/1.1\r\nHost: session.localhost\r\n{}\r\n", more);
}

}  // namespace slipway::net
