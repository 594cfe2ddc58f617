#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "api/server.hpp"
#include "apps/bake_adapter.hpp"
#include "apps/command_line.hpp"
#include "apps/commands.hpp"
#include "apps/json_file.hpp"
#include "apps/supervised.hpp"
#include "base/log.hpp"
#include "cloud/ec2_cloud.hpp"
#include "runtime/environment.hpp"
#include "runtime/files.hpp"
#include "store/sqlite_store.hpp"

namespace slipway::apps {
namespace {

struct ServerArguments {
  std::string data_dir = default_data_dir();
  std::string cloud_endpoint_file;
  std::string aws_region;
  std::string agent_executable = default_agent_executable();
  std::map<std::string, std::string> settings;  ///< by key of api::server_settings(); empty: its default
};

/// The cloud that the arguments name; none is fine, then there are no pools and no bakes.
Result<std::unique_ptr<cloud::Cloud>> make_cloud(const ServerArguments& arguments) {
  if (!arguments.cloud_endpoint_file.empty()) {
    auto file = read_json_object(arguments.cloud_endpoint_file);
    if (!file) {
      return fail(std::move(file.error())
                      .with_fix("name the endpoint.json of a running local cloud with --cloud-endpoint-file"));
    }
    return cloud::make_ec2_cloud({.endpoint = text_of(*file, "endpoint"),
                                  .region = text_of(*file, "region"),
                                  .access_key_id = text_of(*file, "access_key_id"),
                                  .secret_access_key = text_of(*file, "secret_access_key")});
  }
  if (arguments.aws_region.empty()) return nullptr;
  const auto key = runtime::environment_variable("AWS_ACCESS_KEY_ID");
  const auto secret = runtime::environment_variable("AWS_SECRET_ACCESS_KEY");
  if (!key || !secret) {
    return std::unexpected(Error{.code = Code::InvalidInput,
                                 .message = "--aws-region needs credentials",
                                 .fix = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment",
                                 .context = {}});
  }
  return cloud::make_ec2_cloud({.endpoint = {},
                                .region = arguments.aws_region,
                                .access_key_id = *key,
                                .secret_access_key = *secret,
                                .session_token = runtime::environment_variable("AWS_SESSION_TOKEN").value_or("")});
}

Result<api::ServerOptions> make_options(const ServerArguments& arguments, const std::string& directory) {
  api::ServerOptions options;
  options.directory = directory;
  for (const api::Setting& setting : api::server_settings()) {
    const auto given = arguments.settings.find(setting.key);
    if (given != arguments.settings.end() && !given->second.empty()) SLIPWAY_TRY(setting.set(options, given->second));
  }
  return options;
}

[[noreturn]] void die(const Error& error) {
  log::error("the store cannot be trusted any more, ending: {}", error.text());
  _exit(1);
}

Result<int> run_server(const ServerArguments& arguments) {
  block_stop_signals();  // before any thread starts, so that all inherit it
  log::set_program("server");
  std::error_code ignored;
  const std::string directory =
      (std::filesystem::absolute(arguments.data_dir, ignored) / "server").lexically_normal().string();
  SLIPWAY_TRY(runtime::make_directories(std::filesystem::path(directory).parent_path().string(), 0711));
  SLIPWAY_TRY(runtime::make_directories(directory, 0700));
  SLIPWAY_ASSIGN(api::ServerOptions options, make_options(arguments, directory));
  SLIPWAY_ASSIGN(auto store, store::open_sqlite_store(directory + "/store.db"));
  SLIPWAY_ASSIGN(const std::unique_ptr<cloud::Cloud> cloud, make_cloud(arguments));

  const SystemClock clock;
  SystemRandom random;
  std::unique_ptr<BakeAdapter> bakes;
  if (cloud)
    bakes = std::make_unique<BakeAdapter>(*cloud, clock,
                                          BakeAdapterOptions{.agent_executable = arguments.agent_executable});
  SLIPWAY_ASSIGN(const auto server, api::Server::start(std::move(options), {.store = std::move(store),
                                                                            .cloud = cloud.get(),
                                                                            .bakes = bakes.get(),
                                                                            .clock = &clock,
                                                                            .random = &random,
                                                                            .fatal = die}));
  log::info("API {}; agents {}; admin token in {}", server->api_url(), server->agent_advertise(), server->token_path());
  while (!stop_signal_within(std::chrono::hours(1))) {
  }
  log::info("ending; jobs go on");
  server->stop();
  return 0;
}

}  // namespace

int server_command(const std::vector<std::string>& arguments) {
  ServerArguments given;
  CLI::App app("The controller: API, queue, scheduler, fleet.", "slipway server");
  app.footer("Example:\n  slipway server --data-dir /var/lib/slipway --agent-listen 10.0.0.5:7071");
  app.add_option("--data-dir", given.data_dir, "where state lives; the controller's is in server/ below it")
      ->capture_default_str();
  app.add_option("--cloud-endpoint-file", given.cloud_endpoint_file, "endpoint.json of a local cloud");
  app.add_option("--aws-region", given.aws_region, "use AWS EC2 of that region; credentials from the environment");
  app.add_option("--agent-executable", given.agent_executable, "agent that baked images get")->capture_default_str();
  const api::ServerOptions defaults;
  for (const api::Setting& setting : api::server_settings()) {
    app.add_option(std::string("--") + setting.key, given.settings[setting.key], setting.help)
        ->default_str(setting.shown(defaults));
  }
  return parse_and_run(app, arguments, [&] { return run_server(given); });
}

}  // namespace slipway::apps
