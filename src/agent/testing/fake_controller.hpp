// FakeController: the agent listener of a controller, in memory: TLS, WebSocket, blobs, tunnels. It welcomes everybody
// who brings the token or the credential, keeps what agents say, acknowledges logs, and forgets nothing by itself. Runs
// on a loop thread of its own; every method may be called from the test's thread.
#pragma once
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/testing/private_network.hpp"
#include "agent/testing/support.hpp"
#include "base/digest.hpp"
#include "net/http_server.hpp"
#include "net/raw_stream.hpp"
#include "wire/agent_protocol.hpp"
#include "wire/api_requests.hpp"

namespace slipway::agent {

class FakeController {
 public:
  FakeController() {
    const auto now = SystemClock().now().wall;
    authority_ = *net::make_authority("test", now);
    certificate_ = *net::issue_server_certificate(authority_, {"127.0.0.1"}, now, std::chrono::hours(1));
    fingerprint = *net::fingerprint(authority_.certificate_pem);
    listen(0);
  }
  ~FakeController() { go_away(); }
  FakeController(const FakeController&) = delete;
  FakeController& operator=(const FakeController&) = delete;

  /// Closes the listener and every connection.
  void go_away() {
    thread_.run([this] {
      splices_.clear();
      socket_.reset();
      server_.reset();
    });
  }
  void come_back() { listen(port); }

  void send(const wire::ControllerMessage& message) {
    thread_.run([&] {
      if (socket_) socket_->send_text(wire::encode(message));
    });
  }
  std::string add_blob(const std::string& bytes) {
    const std::scoped_lock lock(mutex_);
    const std::string sha256 = sha256_hex(bytes);
    blobs_[sha256] = bytes;
    return sha256;
  }
  std::string blob(const std::string& sha256) {
    const std::scoped_lock lock(mutex_);
    return blobs_.contains(sha256) ? blobs_[sha256] : "(not sent)";
  }
  std::string log(const AllocationId& id, model::LogStream stream) {
    const std::scoped_lock lock(mutex_);
    return logs_[{id, stream}];
  }
  std::optional<wire::AllocationReport> report(const AllocationId& id) {
    const std::scoped_lock lock(mutex_);
    return reports_.contains(id) ? std::optional(reports_[id]) : std::nullopt;
  }
  bool saw(const AllocationId& id, model::AllocationState state) {
    const auto last = report(id);
    return last && last->state == state;
  }
  bool ended(const AllocationId& id) {
    const auto last = report(id);
    return last && model::is_terminal(last->state);
  }
  bool ready() {
    const std::scoped_lock lock(mutex_);
    return !statuses.empty() && statuses.back().ready;
  }
  std::size_t hello_count() {
    const std::scoped_lock lock(mutex_);
    return hellos.size();
  }
  wire::Hello hello(std::size_t index) {
    const std::scoped_lock lock(mutex_);
    return hellos.at(index);
  }
  wire::Inventory inventory() {
    const std::scoped_lock lock(mutex_);
    return inventories.back();
  }
  std::size_t refusals() {
    const std::scoped_lock lock(mutex_);
    return refused.size();
  }
  /// A blocking socket that is the gateway's side of a tunnel, once the agent has opened it.
  runtime::Fd take_tunnel(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    return tunnels_.contains(name) ? std::move(tunnels_.extract(name).mapped()) : runtime::Fd();
  }
  std::optional<std::string> tunnel_refusal(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    return tunnel_refusals_.contains(name) ? std::optional(tunnel_refusals_[name]) : std::nullopt;
  }
  std::string order_refusal(const AllocationId& id) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(refused, id, &wire::OrderRefused::allocation);
    return found == refused.end() ? "" : found->reason;
  }
  std::optional<wire::HomeTaskReport> home_task(const HomeTaskId& id) {
    const std::scoped_lock lock(mutex_);
    return home_tasks_.contains(id) ? std::optional(home_tasks_[id]) : std::nullopt;
  }
  void refuse_next(wire::Refused refusal) {
    const std::scoped_lock lock(mutex_);
    refusal_ = std::move(refusal);
  }

  std::string fingerprint;
  std::uint16_t port = 0;
  std::vector<wire::Hello> hellos;         // guarded by mutex_
  std::vector<wire::HostStatus> statuses;  // guarded by mutex_
  std::vector<wire::Inventory> inventories;
  std::vector<wire::OrderRefused> refused;
  std::set<std::string> forgotten;

  static constexpr const char* kToken = "join_secret";
  static constexpr const char* kCredential = "cred_secret";

 private:
  using Exchange = std::shared_ptr<net::Exchange>;

  void listen(std::uint16_t wanted) {
    thread_.run([this, wanted] {
      net::ListenOptions options;
      options.port = wanted;
      options.tls = certificate_;
      auto server = net::HttpServer::listen(thread_.loop(), std::move(options), [this](Exchange one) { serve(one); });
      ASSERT_TRUE(server) << server.error().text();
      server_ = std::move(*server);
      port = server_->port();
    });
  }
  void serve(const Exchange& exchange) {
    const std::string target = exchange->head().target;
    if (target == wire::kConnectPath) {
      exchange->accept_websocket({.message_limit_bytes = wire::kMaxMessageBytes},
                                 [this](Result<std::shared_ptr<net::WebSocket>> socket) {
                                   if (socket) connected(std::move(*socket));
                                 });
      return;
    }
    if (exchange->head().headers.get("Authorization") != std::string("Bearer ") + kCredential) {
      return exchange->respond({.status = 401});
    }
    if (target.starts_with(wire::kTunnelPath)) return accept_tunnel(exchange, target.substr(wire::kTunnelPath.size()));
    const std::string sha256 = target.substr(wire::kBlobPath.size());
    if (exchange->head().method == "GET") {
      const std::string bytes = blob(sha256);
      return exchange->respond(bytes == "(not sent)" ? net::Response{.status = 404} : net::Response{.body = bytes});
    }
    exchange->read_body(64 << 20, [this, exchange, sha256](Result<std::string> body) {
      if (!body) return;
      if (sha256 == "missing") return answer_missing(exchange, *body);
      if (add_blob(*body) != sha256) return exchange->respond({.status = 400});
      exchange->respond({.status = 201});
    });
  }
  void answer_missing(const Exchange& exchange, const std::string& body) {
    boost::json::array missing;
    const auto asked = wire::parse_missing_blobs(body);
    for (const auto& sha256 : asked->sha256) {
      if (blob(sha256) == "(not sent)") missing.emplace_back(sha256);
    }
    exchange->respond({.body = boost::json::serialize(boost::json::object{{"missing", missing}})});
  }

  void accept_tunnel(const Exchange& exchange, const std::string& name) {
    exchange->accept_upgrade(std::string(wire::kTunnelProtocol),
                             [this, name](Result<std::unique_ptr<net::RawStream>> stream) {
                               if (stream) attach(name, std::move(*stream));
                             });
  }
  /// Leads a tunnel to a socket that a test can read and write.
  void attach(const std::string& name, std::unique_ptr<net::RawStream> stream) {
    int at = 0;
    const runtime::Fd listener = listen_on_loopback(at);
    runtime::Fd ours = connect_to_loopback(at);
    runtime::Fd theirs(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    splices_.push_back(
        net::splice(thread_.loop(), std::move(stream), net::make_raw_stream(thread_.loop(), std::move(theirs)), {}));
    const std::scoped_lock lock(mutex_);
    tunnels_[name] = std::move(ours);
  }

  void connected(std::shared_ptr<net::WebSocket> socket) {
    socket_ = std::move(socket);
    socket_->on_message([this](std::string_view text, bool binary) { take(text, binary); });
    socket_->on_closed([](const std::string&) {});
  }
  void take(std::string_view text, bool binary) {
    const std::scoped_lock lock(mutex_);
    if (binary) return take_chunk(*wire::decode_log_chunk(text));
    const auto message = *wire::decode_agent_message(text);
    if (!message) return;
    if (const auto* hello = std::get_if<wire::Hello>(&*message)) return greet(*hello);
    if (const auto* status = std::get_if<wire::HostStatus>(&*message)) statuses.push_back(*status);
    if (const auto* one = std::get_if<wire::OrderRefused>(&*message)) refused.push_back(*one);
    if (const auto* tunnel = std::get_if<wire::TunnelRefused>(&*message)) {
      tunnel_refusals_[tunnel->tunnel] = tunnel->reason;
    }
    if (const auto* report = std::get_if<wire::AllocationReport>(&*message)) reports_[report->allocation] = *report;
    if (const auto* task = std::get_if<wire::HomeTaskReport>(&*message)) home_tasks_[task->task] = *task;
    if (const auto* inventory = std::get_if<wire::Inventory>(&*message)) {
      inventories.push_back(*inventory);
      for (const auto& task : inventory->home_tasks) home_tasks_[task.task] = task;
      for (const auto& report : inventory->allocations) {
        reports_[report.allocation] = report;
        for (const auto stream : {model::LogStream::Stdout, model::LogStream::Stderr})
          acknowledge(report.allocation, stream);
      }
    }
  }
  void greet(const wire::Hello& hello) {
    hellos.push_back(hello);
    if (const auto refusal = std::exchange(refusal_, std::nullopt))
      return socket_->send_text(wire::encode(wire::ControllerMessage(*refusal)));
    wire::Welcome welcome{.controller_version = "test", .host = host_};
    if (hello.join_token == kToken) {
      welcome.credential = kCredential;
    } else if (hello.credential != kCredential) {
      wire::Refused refusal{.code = Code::Unauthenticated, .reason = "who is this?"};
      return socket_->send_text(wire::encode(wire::ControllerMessage(refusal)));
    }
    socket_->send_text(wire::encode(wire::ControllerMessage(welcome)));
  }
  void take_chunk(const wire::LogChunk& chunk) {
    std::string& log = logs_[{chunk.allocation, chunk.stream}];
    const auto have = static_cast<std::int64_t>(log.size());
    if (chunk.offset <= have) {
      const auto known = static_cast<std::size_t>(have - chunk.offset);
      if (known < chunk.bytes.size()) log += chunk.bytes.substr(known);
    }
    acknowledge(chunk.allocation, chunk.stream);
  }
  void acknowledge(const AllocationId& id, model::LogStream stream) {
    const wire::LogAck ack{id, stream, static_cast<std::int64_t>(logs_[{id, stream}].size())};
    socket_->send_text(wire::encode(wire::ControllerMessage(ack)));
  }

  LoopThread thread_;
  SystemRandom random_;
  HostId host_ = HostId::make(random_);
  net::CertificateAuthority authority_;
  net::ServerCertificate certificate_;
  std::unique_ptr<net::HttpServer> server_;
  std::shared_ptr<net::WebSocket> socket_;
  std::vector<std::shared_ptr<void>> splices_;
  std::mutex mutex_;
  std::optional<wire::Refused> refusal_;                                   // guarded by mutex_
  std::map<std::string, runtime::Fd> tunnels_;                             // guarded by mutex_
  std::map<std::string, std::string> tunnel_refusals_;                     // guarded by mutex_
  std::map<std::string, std::string> blobs_;                               // guarded by mutex_
  std::map<HomeTaskId, wire::HomeTaskReport> home_tasks_;                  // guarded by mutex_
  std::map<AllocationId, wire::AllocationReport> reports_;                 // guarded by mutex_
  std::map<std::pair<AllocationId, model::LogStream>, std::string> logs_;  // guarded by mutex_
};

}  // namespace slipway::agent
