#include "localcloud/machines/dnsmasq.hpp"

#include <signal.h>

#include <filesystem>
#include <thread>

#include "localcloud/machines/daemon_pid.hpp"
#include "localcloud/machines/network_namespace.hpp"
#include "localcloud/machines/router_rules.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStopDeadline{3};

std::string outer_resolv_file() {
  std::vector<std::pair<std::string, std::string>> candidates;
  // The second one holds the real servers where the first names systemd-resolved's loopback address.
  for (const char* path : {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}) {
    candidates.emplace_back(path, runtime::read_file(path, 64 << 10).value_or(""));
  }
  return pick_resolv_file(candidates);
}

}  // namespace

Dnsmasq::Dnsmasq(Identity identity) : identity_(std::move(identity)), directory_("/run/slipway/" + identity_.id) {}

pid_t Dnsmasq::pid() const { return daemon_pid(directory_ + "/dnsmasq.pid"); }

Result<void> Dnsmasq::ensure_running() {
  if (pid() != 0) return {};
  SLIPWAY_TRY(runtime::make_directories(directory_ + "/hosts", 0755));
  std::vector<std::string> argv{"nsenter", "--net=" + network_namespace_path(identity_.name()), "--"};
  const auto server = dnsmasq_argv(identity_, directory_, outer_resolv_file());
  argv.insert(argv.end(), server.begin(), server.end());
  SLIPWAY_TRY(runtime::run_checked(argv).context("starting DHCP and DNS of the local cloud"));
  return {};
}

Result<void> Dnsmasq::add(const GuestPort& port) {
  const std::string line = dnsmasq_host_line(port);
  const auto present = runtime::read_file(entry(port.instance_id), 4096);
  if (present && *present == line) return {};
  // It watches the directory, so the entry must appear there whole.
  const std::string beside = directory_ + "/new-entry";
  SLIPWAY_TRY(runtime::write_file_durably(beside, line, 0644));
  std::error_code error;
  fs::rename(beside, entry(port.instance_id), error);
  if (error) return fail(Code::Io, "write {}: {}", entry(port.instance_id), error.message());
  return {};
}

Result<void> Dnsmasq::remove(const std::string& instance_id) {
  std::error_code error;
  if (fs::remove(entry(instance_id), error)) {
    const pid_t running = pid();
    if (running != 0) kill(running, SIGHUP);  // it notices new entries by itself, removed ones only so
  }
  if (error) return fail(Code::Io, "remove {}: {}", entry(instance_id), error.message());
  return {};
}

Result<GuestPort> Dnsmasq::find(const std::string& instance_id) const {
  SLIPWAY_ASSIGN(const std::string line, runtime::read_file(entry(instance_id), 4096));
  return parse_dnsmasq_host_line(instance_id, line);
}

Result<void> Dnsmasq::stop() {
  const pid_t running = pid();
  if (running != 0) kill(running, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kStopDeadline;
  while (running != 0 && pid() == running) {
    if (std::chrono::steady_clock::now() > deadline) kill(running, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return runtime::remove_tree(directory_);
}

}  // namespace slipway::localcloud
