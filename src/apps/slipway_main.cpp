// slipway: every command, and the programs that run beside each other under one name.
#include <span>

#include "apps/commands.hpp"
#include "cli/cli.hpp"
#include "localcloud/machines/identity.hpp"
#include "localcloud/machines/leftovers.hpp"
#include "localcloud/machines/supervisor.hpp"

namespace slipway::apps {
namespace {

/// `cloud leftovers` without a cloud process: what the machine itself shows.
Result<std::vector<cli::LeftoverItem>> look_for_leftovers(const std::string& data_dir) {
  SLIPWAY_ASSIGN(const localcloud::Identity identity, localcloud::read_identity(data_dir));
  SLIPWAY_ASSIGN(const auto found, localcloud::find_leftovers(identity, localcloud::look_in_use(identity)));
  std::vector<cli::LeftoverItem> out;
  for (const localcloud::Leftover& one : found) {
    out.push_back(
        {.kind = std::string(localcloud::leftover_kind_name(one.kind)), .name = one.name, .detail = one.detail});
  }
  return out;
}

std::vector<cli::ExtraCommand> programs() {
  return {{.name = "dev",
           .description = "local cloud and controller on this machine, without configuration",
           .run = dev_command},
          {.name = "server", .description = "the controller", .run = server_command},
          {.name = "cloud serve", .description = "run the local cloud", .run = cloud_command},
          {.name = "internal-supervisor", .description = "", .run = localcloud::supervise}};
}

}  // namespace
}  // namespace slipway::apps

int main(int argc, char** argv) {
  using namespace slipway;
  cli::CliHost host = cli::system_host(SLIPWAY_VERSION);
  host.extra_commands = apps::programs();
  host.look_for_leftovers = apps::look_for_leftovers;
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  return cli::run_cli({arguments.begin() + 1, arguments.end()}, host);
}
