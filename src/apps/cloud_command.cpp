#include "apps/command_line.hpp"
#include "apps/commands.hpp"
#include "base/log.hpp"
#include "localcloud/service.hpp"
#include "runtime/environment.hpp"

namespace slipway::apps {
namespace {

Result<void> set_listen(localcloud::CloudOptions& options, const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  const std::string port = colon == std::string::npos ? "" : listen.substr(colon + 1);
  char* end = nullptr;
  const long number = std::strtol(port.c_str(), &end, 10);
  if (port.empty() || *end != '\0' || number < 0 || number > 65535) {
    return std::unexpected(Error{.code = Code::InvalidInput,
                                 .message = "--listen " + listen + " is not an address",
                                 .fix = "write ADDRESS:PORT, for example 127.0.0.1:7080; port 0 takes a free one",
                                 .context = {}});
  }
  options.listen_address = listen.substr(0, colon);
  options.listen_port = static_cast<std::uint16_t>(number);
  return {};
}

}  // namespace

int cloud_command(const std::vector<std::string>& arguments) {
  localcloud::CloudOptions options{.data_dir = default_data_dir(),
                                   .supervisor = {runtime::own_executable(), "internal-supervisor"}};
  std::string listen = "127.0.0.1:0";
  CLI::App app("The local cloud: an EC2 endpoint whose instances are real systems on this machine.",
               "slipway cloud serve");
  app.footer("Example:\n  slipway cloud serve --data-dir /var/lib/slipway --listen 127.0.0.1:7080");
  app.add_option("--data-dir", options.data_dir, "where state and disks live")->capture_default_str();
  app.add_option("--listen", listen, "address:port of the EC2 API")->capture_default_str();
  return parse_and_run(app, arguments, [&]() -> Result<int> {
    log::set_program("cloud");
    SLIPWAY_TRY(set_listen(options, listen));
    SLIPWAY_TRY(localcloud::run_cloud(options));
    return 0;
  });
}

}  // namespace slipway::apps
