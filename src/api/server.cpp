#include "api/server.hpp"

#include <unistd.h>

#include <boost/json.hpp>
#include <charconv>
#include <thread>

#include "api/agent_gateway.hpp"
#include "api/front.hpp"
#include "api/gateway/session_observer.hpp"
#include "api/identity.hpp"
#include "base/log.hpp"
#include "runtime/files.hpp"

namespace slipway::api {
namespace {

constexpr Duration kCertificateLife = std::chrono::hours(24 * 30);
constexpr Duration kCertificateRenewal = std::chrono::hours(24 * 10);  // left when a new one is issued
constexpr int kFileThreads = 4;

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

Result<HostPort> parse_host_port(const std::string& text, const char* what) {
  const auto colon = text.rfind(':');
  HostPort result;
  const auto* end = text.data() + text.size();
  const auto* begin = colon == std::string::npos ? end : text.data() + colon + 1;
  const auto [parsed, error] = std::from_chars(begin, end, result.port);
  if (colon == 0 || error != std::errc{} || parsed != end)
    return fail(Code::InvalidInput, "--{} '{}' is not of the form address:port", what, text);
  result.host = text.substr(0, colon);
  if (result.host.starts_with('[') && result.host.ends_with(']'))
    result.host = result.host.substr(1, result.host.size() - 2);
  return result;
}

std::string join_host_port(const std::string& host, std::uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

bool is_loopback(const std::string& host) { return host.starts_with("127.") || host == "::1"; }

class RunningServer final : public Server {
 public:
  RunningServer(ServerOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}
  ~RunningServer() override { stop(); }

  Result<void> start(ServerPorts ports) {
    SLIPWAY_ASSIGN(const auto people, parse_host_port(options_.listen, "listen"));
    SLIPWAY_ASSIGN(const auto agents, parse_host_port(options_.agent_listen, "agent-listen"));
    if (!is_loopback(people.host))
      return fail(Error{.code = Code::InvalidInput,
                        .message = "--listen " + options_.listen + " is not a loopback address",
                        .fix = "the people's API is plain HTTP: listen on 127.0.0.1 and reach it through SSH",
                        .context = {}});
    SLIPWAY_ASSIGN(auto identity, open_identity(options_.directory, *ports.store, clock_.now(), *ports.random));
    SLIPWAY_TRY(listen(people, agents, identity));
    SLIPWAY_TRY(open_runner(std::move(ports), identity));
    assemble(std::move(identity), people.host);
    runner_->start(*gateway_, *observer_);
    thread_ = std::thread([this] { edge_.run(); });
    return write_endpoint();
  }

  void stop() override {
    if (thread_.joinable()) {
      edge_.post([this] {
        if (people_) people_->close();
        if (agents_) agents_->close();
        edge_.post([this] { edge_.stop(); });
      });
      thread_.join();
    }
    if (runner_) runner_->stop();
    files_.reset();
  }

  [[nodiscard]] std::string api_url() const override { return api_url_; }
  [[nodiscard]] std::string agent_advertise() const override { return advertise_; }
  [[nodiscard]] std::string fingerprint() const override { return fingerprint_; }
  [[nodiscard]] std::string token_path() const override { return options_.directory + "/admin-token"; }

 private:
  /// Both sockets first: a taken address is found before anything else happens. Requests wait until the loop runs.
  Result<void> listen(const HostPort& people, const HostPort& agents, const Identity& identity) {
    SLIPWAY_ASSIGN(people_, net::HttpServer::listen(edge_, {.address = people.host, .port = people.port},
                                                    [this](std::shared_ptr<net::Exchange> exchange) {
                                                      front_->handle(std::move(exchange));
                                                    }));
    api_url_ = "http://" + join_host_port(people.host, people_->port());
    origin_ = {.base_domain = options_.base_domain, .port = people_->port(), .tls = false};
    authority_ = identity.authority;
    fingerprint_ = identity.fingerprint;
    const auto named = options_.agent_advertise.empty() ? Result<HostPort>(agents)
                                                        : parse_host_port(options_.agent_advertise, "agent-advertise");
    if (!named) return fail(named.error());
    certificate_names_ = {named->host};
    if (agents.host != named->host) certificate_names_.push_back(agents.host);
    SLIPWAY_ASSIGN(auto certificate, issue());
    SLIPWAY_ASSIGN(agents_,
                   net::HttpServer::listen(
                       edge_, {.address = agents.host, .port = agents.port, .tls = std::move(certificate)},
                       [this](std::shared_ptr<net::Exchange> exchange) { gateway_->handle(std::move(exchange)); }));
    const auto port = named->port != 0 ? named->port : agents_->port();
    advertise_ = join_host_port(named->host, port);
    return {};
  }

  Result<net::ServerCertificate> issue() {
    SLIPWAY_ASSIGN(auto certificate,
                   net::issue_server_certificate(authority_, certificate_names_, clock_.now().wall, kCertificateLife));
    SLIPWAY_ASSIGN(certificate_ends_, net::certificate_expiry(certificate.chain_pem));
    return certificate;
  }

  void renew_certificate() {
    if (certificate_ends_ - clock_.now().wall > kCertificateRenewal) return;
    const auto certificate = issue();
    if (!certificate) return log::error("the agents' certificate: {}", certificate.error().text());
    if (const auto replaced = agents_->replace_certificate(*certificate); !replaced)
      log::error("the agents' certificate: {}", replaced.error().text());
  }

  Result<void> open_runner(ServerPorts ports, const Identity& identity) {
    auto core = options_.core;
    core.controller_id = identity.controller_id;
    core.agent_controller = advertise_;
    core.fingerprint = identity.fingerprint;
    core.join_key = identity.join_key;
    core.controller_version = SLIPWAY_VERSION;
    auto runner = options_.runner;
    runner.data_directory = options_.directory;
    SLIPWAY_ASSIGN(runner_, controller::Runner::open(std::move(core), std::move(runner),
                                                     {.store = std::move(ports.store),
                                                      .cloud = ports.cloud,
                                                      .bakes = ports.bakes,
                                                      .clock = ports.clock,
                                                      .random = ports.random,
                                                      .fatal = std::move(ports.fatal)}));
    return {};
  }

  void assemble(Identity identity, const std::string& people_host) {
    files_ = std::make_unique<runtime::BlockingPool>(kFileThreads);
    hub_ = std::make_unique<FollowHub>(edge_);
    gateway_ = std::make_unique<AgentGateway>(edge_, *files_, *runner_);
    context_ = std::make_unique<Context>(Context{.edge = edge_,
                                                 .files = *files_,
                                                 .runner = *runner_,
                                                 .hub = *hub_,
                                                 .agent_advertise = advertise_,
                                                 .fingerprint = fingerprint_,
                                                 .version = SLIPWAY_VERSION,
                                                 .sessions = origin_});
    make_sessions(identity);
    front_ = std::make_unique<Front>(*context_, std::move(identity.tokens), *sessions_, people_host);
    renewal_ = edge_.every(std::chrono::hours(1), [this] { renew_certificate(); });
  }

  void make_sessions(const Identity& identity) {
    sessions_ = std::make_unique<SessionGateway>(
        GatewayPorts{.edge = edge_, .runner = *runner_, .tunnels = gateway_->tunnels(), .clock = clock_},
        GatewayOptions{
            .origin = origin_, .cookie_key = identity.session_key, .novnc_directory = options_.novnc_directory},
        identity.tokens);
    observer_ = std::make_unique<SessionObserver>(edge_, *hub_, *sessions_, gateway_->tunnels());
  }

  [[nodiscard]] Result<void> write_endpoint() const {
    const boost::json::object document{
        {"api", api_url_}, {"agent_advertise", advertise_}, {"fingerprint", fingerprint_}, {"pid", getpid()}};
    return runtime::write_file_durably(options_.directory + "/endpoint.json", boost::json::serialize(document), 0600);
  }

  const ServerOptions options_;
  const Clock& clock_;
  runtime::Loop edge_;
  std::thread thread_;
  std::string api_url_;
  std::string advertise_;
  std::string fingerprint_;
  SessionOrigin origin_;
  net::CertificateAuthority authority_;
  std::vector<std::string> certificate_names_;
  WallTime certificate_ends_;

  std::unique_ptr<runtime::BlockingPool> files_;
  std::unique_ptr<controller::Runner> runner_;
  std::unique_ptr<FollowHub> hub_;
  std::unique_ptr<AgentGateway> gateway_;
  std::unique_ptr<SessionGateway> sessions_;
  std::unique_ptr<SessionObserver> observer_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<Front> front_;
  runtime::Loop::Timer renewal_;
  std::unique_ptr<net::HttpServer> people_;
  std::unique_ptr<net::HttpServer> agents_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, ServerPorts ports) {
  auto server = std::make_unique<RunningServer>(std::move(options), *ports.clock);
  SLIPWAY_TRY(server->start(std::move(ports)));
  return server;
}

}  // namespace slipway::api
