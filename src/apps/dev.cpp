
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "apps/command_line.hpp"
#include "apps/commands.hpp"
#include "apps/json_file.hpp"
#include "apps/supervised.hpp"
#include "cli/config.hpp"
#include "net/curl_client.hpp"
#include "runtime/environment.hpp"
#include "runtime/files.hpp"

namespace slipway::apps {
namespace {

struct DevOptions {
  std::string data_dir;  ///< everything lives below it
  std::string listen;    ///< of the people's API; empty: 127.0.0.1:7070 or the next free port, kept from then on
  std::string agent_executable;  ///< baked into images
  std::vector<std::string> server_arguments;
};

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint16_t kFirstApiPort = 7070;
constexpr std::uint16_t kFirstEc2Port = 7080;
/// The agents' listener is on an address of the cloud's own, so its port needs no search.
constexpr std::uint16_t kAgentPort = 7071;
/// Twice as long as one start may take.
constexpr Duration kTurnWithin = std::chrono::seconds(60);
/// A guest gets 30 s to power off before it is killed; the cloud itself reports progress meanwhile.
constexpr Duration kStopInstancesWithin = std::chrono::seconds(90);

void say(std::string_view line) {
  fmt::print(stdout, "{}\n", line);
  std::fflush(stdout);
}

bool port_is_free(std::uint16_t port) {
  const runtime::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
         ::listen(socket.get(), 1) == 0;
}

/// The port of the last start if it is still free, else the first free one from `first` on.
Result<std::uint16_t> choose_port(std::optional<std::int64_t> remembered, std::uint16_t first, std::uint16_t not_this) {
  if (remembered && *remembered > 0 && *remembered < 65536 && port_is_free(static_cast<std::uint16_t>(*remembered))) {
    return static_cast<std::uint16_t>(*remembered);
  }
  for (int port = first; port < first + 1000; ++port) {
    if (port != not_this && port_is_free(static_cast<std::uint16_t>(port))) return static_cast<std::uint16_t>(port);
  }
  return fail(Code::Exhausted, "no free port from {} to {} on 127.0.0.1", first, first + 999);
}

/// What cannot go well, said before anything is made.
Result<void> check_start(const std::string& data_dir) {
  if (geteuid() != 0) {
    return fail(Error{.code = Code::Denied,
                      .message = "slipway dev needs root: it mounts file systems and boots machines",
                      .fix = "run it as root: sudo slipway dev",
                      .context = {}});
  }
  std::error_code error;
  const auto status = std::filesystem::status(data_dir, error);
  const bool wrong =
      std::filesystem::exists(status) ? !std::filesystem::is_directory(status) : error == std::errc::not_a_directory;
  if (!wrong) return {};
  return fail(
      Error{.code = Code::InvalidInput,
            .message = fmt::format("the data directory {} is, or lies below, something that is no directory", data_dir),
            .fix = "name a directory, there or yet to be made, with --data-dir",
            .context = {}});
}

class Dev {
 public:
  explicit Dev(const DevOptions& options) : options_(options) {}

  Result<int> run() {
    const auto begun = SteadyClock::now();
    block_stop_signals();
    SLIPWAY_TRY(check_listen());
    std::error_code ignored;
    data_dir_ = std::filesystem::absolute(options_.data_dir, ignored).lexically_normal().string();
    SLIPWAY_TRY(check_start(data_dir_));
    SLIPWAY_TRY(prepare());
    if (auto started = start(); !started) {
      // Whatever was started ends in good order, so that nothing of a start that failed is left.
      (void)end_all();
      return fail(std::move(started).error());
    }
    greet(std::chrono::duration_cast<Duration>(SteadyClock::now() - begun));
    supervise_until_signal();
    return shut_down();
  }

 private:
  Result<void> start() {
    SLIPWAY_TRY(cloud_->start_and_wait());
    SLIPWAY_TRY(plan_server());
    SLIPWAY_TRY(server_->start_and_wait());
    turn_.reset();
    return write_client_files();
  }

  [[nodiscard]] Result<void> check_listen() const {
    if (options_.listen.empty()) return {};
    const auto colon = options_.listen.rfind(':');
    const std::string port = colon == std::string::npos ? "" : options_.listen.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
    if (digits && colon > 0 && std::strtol(port.c_str(), nullptr, 10) < 65536) return {};
    return fail(Error{.code = Code::InvalidInput,
                      .message = fmt::format("--listen {}: this is no address:port", options_.listen),
                      .fix = "for example --listen 127.0.0.1:7171",
                      .context = {}});
  }

  Result<void> prepare() {
    // Guests' root is another uid that must pass through, so only names are hidden here; what is secret is 0600 itself.
    SLIPWAY_TRY(runtime::make_directories(data_dir_, 0711));
    SLIPWAY_TRY(runtime::make_directories(data_dir_ + "/log", 0700));
    lock_ = runtime::Fd(open((data_dir_ + "/dev.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock_.valid()) return fail_errno(errno, "open " + data_dir_ + "/dev.lock");
    if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
      return fail(Error{.code = Code::Conflict,
                        .message = fmt::format("another slipway dev uses {}", data_dir_),
                        .fix = "stop it, or choose another directory with --data-dir"});
    }
    SLIPWAY_TRY(wait_for_turn());
    SLIPWAY_TRY(choose_ports());
    cloud_.emplace(SupervisedPlan{.name = "local cloud",
                                  .argv = {runtime::own_executable(), "cloud", "serve", "--data-dir", data_dir_,
                                           "--listen", fmt::format("127.0.0.1:{}", ec2_port_)},
                                  .log_path = data_dir_ + "/log/cloud.log",
                                  .ready_file = data_dir_ + "/cloud/endpoint.json"},
                   say);
    return {};
  }

  /// Ports are found free and taken later by the children: two starts at the same moment must not find the same one.
  Result<void> wait_for_turn() {
    SLIPWAY_TRY(runtime::make_directories("/run/slipway", 0755));
    turn_ = runtime::Fd(open("/run/slipway/dev-start.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!turn_.valid()) return fail_errno(errno, "open /run/slipway/dev-start.lock");
    const auto deadline = SteadyClock::now() + kTurnWithin;
    while (flock(turn_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (SteadyClock::now() > deadline) {
        return fail(Code::Timeout, "another slipway dev has been starting for {}", format_duration(kTurnWithin));
      }
      if (stop_signal_within(std::chrono::milliseconds(20)))
        return fail(Code::Cancelled, "stopped while waiting to start");
    }
    return {};
  }

  Result<void> choose_ports() {
    const std::string path = data_dir_ + "/dev.json";
    const auto stored = read_json_object(path).value_or(boost::json::object());
    SLIPWAY_ASSIGN(ec2_port_, choose_port(integer_of(stored, "ec2_port"), kFirstEc2Port, 0));
    listen_ = options_.listen;
    if (listen_.empty()) {
      SLIPWAY_ASSIGN(const std::uint16_t port, choose_port(integer_of(stored, "api_port"), kFirstApiPort, kAgentPort));
      listen_ = fmt::format("127.0.0.1:{}", port);
    }
    const std::string api_port = listen_.substr(listen_.rfind(':') + 1);
    const boost::json::object chosen = {{"ec2_port", ec2_port_},
                                        {"api_port", std::strtoll(api_port.c_str(), nullptr, 10)}};
    return runtime::write_file_durably(path, boost::json::serialize(chosen) + "\n");
  }

  Result<void> plan_server() {
    const std::string endpoint_file = data_dir_ + "/cloud/endpoint.json";
    SLIPWAY_ASSIGN(const auto endpoint, read_json_object(endpoint_file));
    const std::string agents = fmt::format("{}:{}", text_of(endpoint, "outside_address"), kAgentPort);
    SupervisedPlan plan{.name = "controller",
                        .argv = {runtime::own_executable(), "server", "--data-dir", data_dir_, "--listen", listen_,
                                 "--agent-listen", agents, "--agent-advertise", agents, "--cloud-endpoint-file",
                                 endpoint_file, "--agent-executable", options_.agent_executable},
                        .log_path = data_dir_ + "/log/server.log",
                        .ready_file = data_dir_ + "/server/endpoint.json"};
    plan.argv.insert(plan.argv.end(), options_.server_arguments.begin(), options_.server_arguments.end());
    server_.emplace(std::move(plan), say);
    return {};
  }

  Result<void> write_client_files() {
    context_ = {.server = "http://" + listen_, .token_file = data_dir_ + "/server/admin-token", .data_dir = data_dir_};
    SLIPWAY_TRY(cli::write_client_file(data_dir_ + "/client.yaml", context_));
    const std::string config = cli::user_config_path();
    auto written = cli::write_context(config, "dev", context_);
    if (!written) say(fmt::format("  note: the context was not written to {}: {}", config, written.error().text()));
    return {};
  }

  void greet(Duration took) const {
    say(fmt::format("slipway dev is ready ({})", format_duration(took)));
    say("");
    say(fmt::format("  API          {}", context_.server));
    say(fmt::format("  admin token  {}", context_.token_file));
    say(fmt::format("  EC2 API      http://127.0.0.1:{}", ec2_port_));
    say(fmt::format("  data         {}  (logs in {}/log)", data_dir_, data_dir_));
    say("");
    say("Next, in another terminal:");
    say("  slipway cloud base debian-12");
    say("  slipway image bake examples/digits/image.yaml");
    say("");
    say("Ctrl-C stops the instances and ends; the next start brings them back.");
  }

  void supervise_until_signal() {
    while (!stop_signal_within(std::chrono::milliseconds(100))) {
      cloud_->watch();
      server_->watch();
    }
  }

  /// The controller goes first: it must not take instances that we stop for lost ones.
  bool end_all() {
    bool clean = !server_ || server_->end();
    if (cloud_) {
      clean = stop_instances() && clean;
      clean = cloud_->end() && clean;
    }
    return clean;
  }

  int shut_down() {
    say("stopping: controller, then the instances (their disks, ids and addresses stay) …");
    const bool clean = end_all();
    say(clean ? "stopped" : fmt::format("stopped, but see {}", cloud_->plan().log_path));
    return clean ? 0 : 1;
  }

  bool stop_instances() {
    if (!cloud_->running() || access((data_dir_ + "/cloud/admin.sock").c_str(), F_OK) != 0) return true;
    net::CurlClient client;
    net::CurlRequest request;
    request.method = "POST";
    request.url = "http://cloud/v1/stop-all";
    request.unix_path = data_dir_ + "/cloud/admin.sock";
    request.timeout = kStopInstancesWithin;
    request.stall_timeout = {};
    std::string lines;
    request.on_bytes = [&lines](std::string_view bytes) {
      lines += bytes;
      return true;
    };
    const auto answer = client.request(request);
    if (!answer) say("stopping the instances: " + answer.error().text());
    return answer && answer->status == 200 && lines.find("\"done\":true") != std::string::npos;
  }

  const DevOptions& options_;
  std::string data_dir_;
  std::string listen_;
  std::uint16_t ec2_port_ = 0;
  runtime::Fd lock_;
  runtime::Fd turn_;
  std::optional<Supervised> cloud_;
  std::optional<Supervised> server_;
  cli::ClientContext context_;
};

}  // namespace

int dev_command(const std::vector<std::string>& arguments) {
  DevOptions options{.data_dir = default_data_dir(), .agent_executable = default_agent_executable()};
  CLI::App app("Local cloud and controller on this machine, without configuration.", "slipway dev");
  app.footer("Example:\n  slipway dev\n  slipway dev --data-dir ./state --listen 127.0.0.1:7171 -- --lost-after 5s");
  app.add_option("--data-dir", options.data_dir, "where everything lives")->capture_default_str();
  app.add_option("--listen", options.listen, "address:port of the API; default: 127.0.0.1:7070 or the next free port");
  app.add_option("--agent-executable", options.agent_executable, "agent that baked images get")->capture_default_str();
  app.add_option("server-options", options.server_arguments, "passed on to slipway server, after --");
  return parse_and_run(app, arguments, [&] { return Dev(options).run(); });
}

}  // namespace slipway::apps
