// What the tests of the whole controller share: a server with a memory store, a client, and an agent that says what it
// is told to say.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/json.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "api/server.hpp"
#include "base/units.hpp"
#include "net/http_client.hpp"
#include "net/websocket.hpp"
#include "runtime/files.hpp"
#include "wire/agent_protocol.hpp"
#include "wire/json.hpp"

namespace slipway::api {

inline constexpr Duration kPatience = std::chrono::seconds(20);

class ClientLoop {
 public:
  ClientLoop() : thread_([this] { loop.run(); }) {}
  ~ClientLoop() {
    loop.stop();
    thread_.join();
  }
  runtime::Loop loop;

 private:
  std::thread thread_;
};

inline net::Endpoint endpoint_of(const std::string& host_port) {
  const auto colon = host_port.rfind(':');
  return {.host = host_port.substr(0, colon),
          .port = static_cast<std::uint16_t>(std::stoi(host_port.substr(colon + 1)))};
}

/// What the real agent says, by hand.
class ScriptedAgent {
 public:
  ScriptedAgent(runtime::Loop& loop, const Server& server) : loop_(loop), server_(server) {}
  ~ScriptedAgent() {
    std::promise<void> gone;
    loop_.post([&] {
      socket_.reset();
      gone.set_value();
    });
    gone.get_future().wait();
  }

  void connect(const std::string& fingerprint) {
    std::promise<Result<void>> connected;
    const auto where = endpoint_of(server_.agent_advertise());
    loop_.post([&] {
      net::connect_websocket(loop_,
                             {.host = where.host,
                              .port = where.port,
                              .path = std::string(wire::kConnectPath),
                              .tls = net::PinnedAuthority{fingerprint}},
                             {}, [&](Result<std::shared_ptr<net::WebSocket>> socket) {
                               if (!socket) return connected.set_value(fail(socket.error()));
                               adopt(std::move(*socket));
                               connected.set_value({});
                             });
    });
    const auto result = connected.get_future().get();
    ASSERT_TRUE(result) << result.error().text();
  }
  /// Called on the loop's thread for each order to open a tunnel, besides expect().
  void on_tunnel(std::function<void(const wire::OpenTunnel&)> handler) {
    std::promise<void> set;
    loop_.post([&] {
      tunnel_ = std::move(handler);
      set.set_value();
    });
    set.get_future().wait();
  }
  void say(const wire::AgentMessage& message) {
    loop_.post([this, text = wire::encode(message)] { socket_->send_text(text); });
  }
  void log(const wire::LogChunk& chunk) {
    loop_.post([this, bytes = wire::encode(chunk)] { socket_->send_binary(bytes); });
  }
  /// The next message of this type; others before it are dropped.
  template <typename T>
  T expect() {
    std::unique_lock lock(mutex_);
    for (;;) {
      while (!received_.empty()) {
        const auto message = received_.front();
        received_.pop_front();
        if (const auto* wanted = std::get_if<T>(&message)) return *wanted;
      }
      if (arrived_.wait_for(lock, kPatience) == std::cv_status::timeout) {
        ADD_FAILURE() << "a message did not come";
        return T{};
      }
    }
  }
  void hello(const std::string& join_token, const std::string& credential = "") {
    say(wire::Hello{.agent_version = "0.1.0",
                    .features = {std::string(wire::kServicesFeature)},
                    .join_token = join_token,
                    .credential = credential,
                    .hostname = "scripted",
                    .boot_id = "boot-1"});
  }
  void ready() {
    say(wire::Inventory{});
    say(wire::HostStatus{
        .ready = true, .capacity = {.cpu_millis = 2000, .memory_bytes = 4 * kGiB}, .container_images = {"tiny:1"}});
  }

 private:
  void adopt(std::shared_ptr<net::WebSocket> socket) {
    socket_ = std::move(socket);
    socket_->on_message([this](std::string_view text, bool) {
      auto message = wire::decode_controller_message(text);
      if (!message || !*message) return;
      if (const auto* open = std::get_if<wire::OpenTunnel>(&**message); open != nullptr && tunnel_) tunnel_(*open);
      const std::lock_guard lock(mutex_);
      received_.push_back(**message);
      arrived_.notify_all();
    });
    socket_->on_closed([](const std::string&) {});
  }

  runtime::Loop& loop_;
  const Server& server_;
  std::shared_ptr<net::WebSocket> socket_;
  std::function<void(const wire::OpenTunnel&)> tunnel_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<wire::ControllerMessage> received_;
};

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/slipway-server-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    auto started = Server::start(options(), {.store = store::make_memory_store(),
                                             .cloud = cloud(),
                                             .clock = &clock_,
                                             .random = &random_,
                                             .fatal = [](const Error& error) { ADD_FAILURE() << error.text(); }});
    ASSERT_TRUE(started) << started.error().text();
    server_ = std::move(*started);
    token_ = runtime::read_file(server_->token_path())->substr(0, 48);
  }
  void TearDown() override {
    server_.reset();
    EXPECT_TRUE(runtime::remove_tree(directory_));
  }

  /// For pools; without one they are refused.
  virtual cloud::Cloud* cloud() { return nullptr; }
  virtual ServerOptions options() {
    return {.directory = directory_, .listen = "127.0.0.1:0", .agent_listen = "127.0.0.1:0"};
  }

  net::Response call(const std::string& method, const std::string& target, std::string body = "",
                     std::vector<std::pair<std::string, std::string>> headers = {}) {
    net::ClientRequest request{.method = method, .target = target, .body = std::move(body)};
    request.headers.add("Authorization", "Bearer " + token_);
    for (auto& [name, text] : headers) request.headers.add(name, text);
    return send(endpoint_of(server_->api_url().substr(7)), std::move(request));
  }
  net::Response send(net::Endpoint endpoint, net::ClientRequest request) {
    auto answered = std::make_shared<std::promise<Result<net::Response>>>();
    auto shared = std::make_shared<net::ClientRequest>(std::move(request));
    client_.loop.post([this, endpoint = std::move(endpoint), shared, answered] {
      net::request(client_.loop, endpoint, std::move(*shared),
                   [answered](Result<net::Response> response) { answered->set_value(std::move(response)); });
    });
    auto response = answered->get_future().get();
    EXPECT_TRUE(response) << response.error().text();
    return response ? *response : net::Response{.status = 0};
  }
  boost::json::object json(const net::Response& response) {
    const auto parsed = wire::parse_json(response.body);
    EXPECT_TRUE(parsed) << response.status << " " << response.body;
    return parsed && parsed->is_object() ? parsed->as_object() : boost::json::object{};
  }
  std::string submit(const std::string& name, const std::string& key = "") {
    const std::string body =
        R"({"name": ")" + name + R"(", "spec": {"container_image": "tiny:1", "command": ["true"]}})";
    std::vector<std::pair<std::string, std::string>> headers;
    if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
    const auto response = call("POST", "/api/v1/jobs", body, headers);
    EXPECT_EQ(response.status, 201) << response.body;
    return std::string(json(response)["id"].as_string());
  }
  /// A connected agent that takes work.
  std::unique_ptr<ScriptedAgent> join() {
    const auto token = json(call("POST", "/api/v1/hosts/join-tokens", "{}"));
    auto agent = std::make_unique<ScriptedAgent>(client_.loop, *server_);
    agent->connect(server_->fingerprint());
    agent->hello(std::string(token.at("join_token").as_string()));
    credential_ = agent->expect<wire::Welcome>().credential;
    EXPECT_FALSE(credential_.empty());
    agent->ready();
    return agent;
  }

  SystemClock clock_;
  SystemRandom random_;
  std::string directory_;
  std::unique_ptr<Server> server_;
  std::string token_;
  std::string credential_;
  ClientLoop client_;
};

}  // namespace slipway::api
