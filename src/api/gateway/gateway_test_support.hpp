// A whole controller with a scripted agent whose one container is a little app in this process: a browser's requests go
// the real way, from the people's listener over a tunnel of the agent listener to the app.
#pragma once
#include <gmock/gmock.h>

#include <atomic>

#include "api/server_test_support.hpp"
#include "net/raw_stream.hpp"
#include "net/test_support.hpp"

namespace slipway::api {

/// HTTP and WebSocket; remembers what it was asked.
class LittleApp {
 public:
  static constexpr std::size_t kDownloadBytes = 16 << 20;
  LittleApp() : server_([this](std::shared_ptr<net::Exchange> exchange) { answer(std::move(exchange)); }) {}
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  std::vector<net::RequestHead> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  net::RequestHead last() {
    const auto all = seen();
    EXPECT_FALSE(all.empty());
    return all.empty() ? net::RequestHead{} : all.back();
  }
  /// Ends the answer of /events.
  void end_events() {
    server_.thread().run([this] {
      if (events_) events_->finish();
      events_ = nullptr;
    });
  }

 private:
  void answer(std::shared_ptr<net::Exchange> exchange) {
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(exchange->head());
    }
    const auto& target = exchange->head().target;
    if (target == "/ws") return echo(exchange);
    if (target == "/events") return begin_events(exchange);
    if (target == "/upload") return count_body(exchange);
    auto response = net::text_response(target == "/download" ? std::string(kDownloadBytes, 'd') : "the app says hello");
    if (target == "/cookies") {
      response.headers.add("Set-Cookie", "mine=1; Domain=localhost; Path=/");
      response.headers.add("Set-Cookie", "slipway-ses-00000000000000000000=forged");
    }
    exchange->respond(std::move(response));
  }
  static void echo(const std::shared_ptr<net::Exchange>& exchange) {
    exchange->accept_websocket({}, [](const Result<std::shared_ptr<net::WebSocket>>& socket) {
      if (!socket) return;
      (*socket)->on_message([weak = std::weak_ptr(*socket)](std::string_view message, bool) {
        if (const auto open = weak.lock()) open->send_text("echo " + std::string(message));
      });
      // Holds it until its end.
      (*socket)->on_closed([held = *socket](const std::string&) {});
    });
  }
  void begin_events(const std::shared_ptr<net::Exchange>& exchange) {
    net::Headers headers;
    headers.add("Content-Type", "text/event-stream");
    exchange->begin(200, std::move(headers));
    exchange->write("data: one\n\n", {});
    events_ = exchange;
  }
  static void count_body(const std::shared_ptr<net::Exchange>& exchange) {
    auto count = std::make_shared<std::uint64_t>(0);
    exchange->read_body_pieces(
        1ULL << 40,
        [count](std::string_view piece) -> Result<void> {
          *count += piece.size();
          return {};
        },
        [count, exchange](const Result<void>& done) {
          if (done) exchange->respond(net::text_response(fmt::format("{}", *count)));
        });
  }

  std::mutex mutex_;
  std::vector<net::RequestHead> seen_;
  std::shared_ptr<net::Exchange> events_;  // server's thread
  net::TestServer server_;
};

class GatewayTest : public ServerTest {
 protected:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  struct Session {
    std::string id;
    std::string host;    ///< "ses-….localhost:7070"
    std::string origin;  ///< "http://ses-….localhost:7070"
    wire::StartAllocation order;
  };

  void SetUp() override {
    ServerTest::SetUp();
    agent_ = join();
    agent_->on_tunnel([this](const wire::OpenTunnel& order) { open_tunnel(order, app_.port()); });
    const auto app = R"({"name": "web", "spec": {"container_image": "tiny:1", "sessions_a_person": 10,
        "resources": {"cpu_millis": 100, "memory_bytes": 67108864},
        "ports": [{"name": "web", "port": 8888, "kind": "http"}],
        "auth": {"header": "Authorization", "value": "token {token}"}}})";
    ASSERT_EQ(call("POST", "/api/v1/apps", app).status, 201);
    const auto desktop = R"({"name": "desk", "spec": {"container_image": "tiny:1", "sessions_a_person": 10,
        "resources": {"cpu_millis": 100, "memory_bytes": 67108864},
        "ports": [{"name": "screen", "port": 5900, "kind": "vnc"}]}})";
    ASSERT_EQ(call("POST", "/api/v1/apps", desktop).status, 201);
  }
  void TearDown() override {
    on_client_loop([this] { splices_.clear(); });
    agent_.reset();
    ServerTest::TearDown();
  }
  ServerOptions options() override {
    auto chosen = ServerTest::options();
    chosen.novnc_directory = directory_ + "/novnc";
    return chosen;
  }

  template <typename Work>
  void on_client_loop(Work work) {
    std::promise<void> done;
    client_.loop.post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  /// What the agent does for an order: connects to the app and brings both ends together.
  void open_tunnel(const wire::OpenTunnel& order, std::uint16_t port) {
    ++tunnels_;
    runtime::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = net::ip_address("127.0.0.1", port);
    if (connect(socket.get(), address->get(), address->size) != 0)
      return agent_->say(wire::TunnelRefused{.tunnel = order.tunnel, .reason = "nothing listens there"});
    auto app = std::make_shared<std::unique_ptr<net::RawStream>>(net::make_raw_stream(client_.loop, std::move(socket)));
    net::connect_upgraded(client_.loop, tunnel_request(order.tunnel, credential_),
                          [this, app](Result<std::unique_ptr<net::RawStream>> stream) {
                            if (!stream) return;
                            splices_.push_back(net::splice(client_.loop, std::move(*stream), std::move(*app), {}));
                          });
  }
  net::UpgradeTarget tunnel_request(const std::string& tunnel, const std::string& credential) {
    net::UpgradeTarget target{.endpoint = endpoint_of(server_->agent_advertise()),
                              .path = std::string(wire::kTunnelPath) + tunnel,
                              .protocol = std::string(wire::kTunnelProtocol)};
    target.endpoint.tls = net::PinnedAuthority{server_->fingerprint()};
    target.headers.add("Authorization", "Bearer " + credential);
    return target;
  }

  Session start(const std::string& app) {
    const auto made = json(call("POST", "/api/v1/sessions", R"({"app": ")" + app + R"("})"));
    Session session{.id = std::string(made.at("id").as_string())};
    const auto port = server_->api_url().substr(server_->api_url().rfind(':'));
    session.host = session.id + ".localhost" + port;
    session.origin = "http://" + session.host;
    return session;
  }
  void become_ready(Session& session) {
    session.order = agent_->expect<wire::StartAllocation>();
    agent_->say(wire::AllocationReport{.allocation = session.order.allocation,
                                       .epoch = session.order.epoch,
                                       .state = model::AllocationState::Running,
                                       .ready = true});
    wait_for_state(session, "READY");
  }
  void wait_for_state(const Session& session, const std::string& state) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      const auto shown = json(call("GET", "/api/v1/sessions/" + session.id));
      if (shown.at("state").as_string() == state) return;
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << boost::json::serialize(shown);
    }
  }
  Session ready(const std::string& app = "web") {
    auto session = start(app);
    become_ready(session);
    return session;
  }

  struct Link {
    std::string id;
    std::string url;
    [[nodiscard]] std::string secret() const { return url.substr(url.find('#') + 1); }
  };
  Link link_to(const Session& session, const std::string& body = "{}") {
    const auto made = json(call("POST", "/api/v1/sessions/" + session.id + "/links", body));
    return {.id = std::string(made.at("id").as_string()), .url = std::string(made.at("url").as_string())};
  }
  /// A request of a browser, without anything that the test does not say.
  net::Response visit(const Session& session, const std::string& target, Fields fields = {},
                      const std::string& method = "GET", std::string body = "") {
    net::ClientRequest request{.method = method, .target = target, .body = std::move(body)};
    request.headers.add("Host", session.host);
    for (auto& [name, value] : fields) request.headers.add(std::move(name), std::move(value));
    return send(endpoint_of(server_->api_url().substr(7)), std::move(request));
  }
  net::Response exchange_secret(const Session& session, const std::string& secret) {
    return visit(session, "/.slipway/open", {{"Origin", session.origin}}, "POST", R"({"secret": ")" + secret + R"("})");
  }
  /// "slipway-ses-…=…": what the browser sends ever after.
  std::string sign_in(const Session& session, const Link& link) {
    const auto answer = exchange_secret(session, link.secret());
    EXPECT_EQ(answer.status, 204) << answer.body;
    const auto field = answer.headers.get("Set-Cookie");
    EXPECT_TRUE(field);
    return field ? std::string(field->substr(0, field->find(';'))) : "";
  }
  std::string sign_in(const Session& session) { return sign_in(session, link_to(session)); }

  /// Asks for a WebSocket by hand; the answer's head is read.
  std::string ask_for_websocket(net::RawSocket& socket, const Session& session, const std::string& target,
                                const Fields& fields) {
    std::string head = "GET " + target + " HTTP/1.1\r\nHost: " + session.host +
                       "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (const auto& [name, value] : fields) head += name + ": " + value + "\r\n";
    socket.send(head + "\r\n");
    return socket.read_until("\r\n\r\n");
  }
  /// A masked frame (with a mask of zeros) of up to 125 bytes.
  static std::string frame(char opcode, std::string_view text) {
    return std::string{static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | text.size()), 0, 0, 0, 0} +
           std::string(text);
  }
  std::uint16_t people_port() { return endpoint_of(server_->api_url().substr(7)).port; }

  LittleApp app_;
  std::unique_ptr<ScriptedAgent> agent_;
  std::vector<std::shared_ptr<void>> splices_;  // client's loop
  std::atomic<int> tunnels_ = 0;
};

}  // namespace slipway::api
