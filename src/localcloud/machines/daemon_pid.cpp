#include "localcloud/machines/daemon_pid.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "runtime/files.hpp"

namespace slipway::localcloud {

pid_t daemon_pid(const std::string& pid_file) {
  const auto text = runtime::read_file(pid_file, 32);
  const pid_t found = text ? static_cast<pid_t>(std::strtol(text->c_str(), nullptr, 10)) : 0;
  if (found <= 0) return 0;
  const auto command = runtime::read_file(fmt::format("/proc/{}/cmdline", found), 64 << 10);
  return command && command->find(pid_file) != std::string::npos ? found : 0;
}

}  // namespace slipway::localcloud
