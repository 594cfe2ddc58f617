// slipway-agent: the program on a host. `run` is the daemon, `join` prepares a machine that is no instance of a cloud.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <iterator>

#include "agent/agent.hpp"
#include "agent/capacity.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "runtime/files.hpp"

namespace {

using namespace slipway;

int report(const Error& error) {
  fmt::print(stderr, "slipway-agent: {}\n", error.text());
  return exit_code(error.code);
}

struct RunArguments {
  std::string config = agent::kDefaultConfigPath;
  std::string state_dir;
  std::string device_directory;
};

Result<int> run_agent(const RunArguments& arguments) {
  SLIPWAY_ASSIGN(agent::AgentConfig config, agent::load_config(arguments.config));
  if (!arguments.state_dir.empty()) config.state_dir = arguments.state_dir;
  if (!arguments.device_directory.empty()) config.device_directory = arguments.device_directory;
  SLIPWAY_ASSIGN(agent::StateDirectory state, agent::StateDirectory::open(config.state_dir));
  SLIPWAY_ASSIGN(const std::string boot_id, agent::read_boot_id());

  const SystemClock clock;
  SystemRandom random;
  runtime::Loop loop;
  std::optional<Error> fatal;
  loop.on_signals({SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
  {
    agent::Agent program(loop, clock, random, std::move(config), std::move(state),
                         {.boot_id = boot_id, .hostname = agent::read_hostname()}, [&](const Error& error) {
                           fatal = error;
                           loop.stop();
                         });
    SLIPWAY_TRY(program.begin());
    log::info("slipway-agent {} runs", SLIPWAY_VERSION);
    loop.run();
  }
  if (fatal) return fail(*fatal);
  log::info("slipway-agent ends; what it started goes on");
  return 0;
}

struct JoinArguments {
  std::string controller;
  std::string fingerprint;
  std::string token_file;
  std::string config = agent::kDefaultConfigPath;
  std::string state_dir = agent::kDefaultStateDir;
  std::string docker_socket;
};

Result<std::string> read_token(const std::string& file) {
  std::string token;
  if (file == "-") {
    std::getline(std::cin, token);
  } else {
    SLIPWAY_ASSIGN(token, runtime::read_file(file, 4096));
  }
  while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back())) != 0) token.pop_back();
  if (token.empty()) return fail(Code::InvalidInput, "there is no join token in {}", file);
  return token;
}

Result<int> join(const JoinArguments& arguments) {
  SLIPWAY_TRY(agent::parse_host_and_port(arguments.controller).context("reading --controller"));
  if (!is_sha256_hex(arguments.fingerprint)) {
    return fail(Code::InvalidInput, "--fingerprint is not 64 characters of lower-case hex");
  }
  agent::AgentConfig config;
  config.state_dir = std::filesystem::absolute(arguments.state_dir).lexically_normal().string();
  config.metadata_address.clear();
  if (!arguments.docker_socket.empty()) config.docker_socket = arguments.docker_socket;
  SLIPWAY_ASSIGN(std::string token, read_token(arguments.token_file));
  config.join = wire::JoinData{
      .controller = arguments.controller, .fingerprint = arguments.fingerprint, .join_token = std::move(token)};
  // Holding the state directory makes sure that no running agent goes on with what is replaced here.
  SLIPWAY_ASSIGN(const agent::StateDirectory state, agent::StateDirectory::open(config.state_dir));
  SLIPWAY_TRY(runtime::remove_tree(state.paths().identity()));
  const std::filesystem::path folder = std::filesystem::absolute(arguments.config).parent_path();
  SLIPWAY_TRY(runtime::make_directories(folder.string(), 0755));
  SLIPWAY_TRY(runtime::write_file_durably(arguments.config, agent::encode_config(config), 0600));
  fmt::print("wrote {}; start the agent: slipway-agent run --config {}\n", arguments.config, arguments.config);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  log::set_program("agent");
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("slipway-agent: runs a Slipway controller's jobs on this machine");
  app.require_subcommand(1);
  app.set_version_flag("--version", "slipway-agent " SLIPWAY_VERSION);

  RunArguments run_arguments;
  auto* run = app.add_subcommand("run", "join the controller and run what it orders, until SIGTERM");
  run->add_option("--config", run_arguments.config, "configuration file")->capture_default_str();
  run->add_option("--state-dir", run_arguments.state_dir, "instead of the configuration's state_dir");
  run->add_option("--device-directory", run_arguments.device_directory,
                  "where terminals, uinput and GPUs are looked up (default: the configuration's, /dev)");

  JoinArguments join_arguments;
  auto* joining = app.add_subcommand("join", "prepare this machine to join; `slipway host join` prints the command");
  joining->add_option("--controller", join_arguments.controller, "ADDRESS:PORT of the agent listener")->required();
  joining->add_option("--fingerprint", join_arguments.fingerprint, "of the controller's authority")->required();
  joining->add_option("--token-file", join_arguments.token_file, "file with the join token; - for standard input")
      ->required();
  joining->add_option("--config", join_arguments.config, "configuration file to write")->capture_default_str();
  joining->add_option("--state-dir", join_arguments.state_dir, "where the agent keeps its state")
      ->capture_default_str();
  joining->add_option("--docker-socket", join_arguments.docker_socket, "the engine's socket");

  app.add_subcommand("version", "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (app.got_subcommand("version")) {
    fmt::print("slipway-agent {}\n", SLIPWAY_VERSION);
    return 0;
  }
  auto ended = run->parsed() ? run_agent(run_arguments) : join(join_arguments);
  return ended ? *ended : report(ended.error());
}
