#include "localcloud/machines/outer_firewall.hpp"

#include "localcloud/machines/network_namespace.hpp"
#include "localcloud/machines/router_rules.hpp"
#include "localcloud/machines/text.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

/// Asking iptables itself would make the table that we look for.
bool has_forward_chain() {
  const auto legacy = runtime::read_file("/proc/net/ip_tables_names", 4096);
  if (legacy && legacy->find("filter") != std::string::npos) return true;
  const auto listed = runtime::run({"nft", "list", "chain", "ip", "filter", "FORWARD"});
  return listed && listed->exit_code == 0;
}

std::vector<std::string> forward_rule(const std::string& operation, const std::string& direction,
                                      const std::string& link) {
  // -w: another program may hold iptables' lock for a moment.
  return {"iptables", "-w", "5", operation, "FORWARD", direction, link, "-j", "ACCEPT"};
}

bool succeeds(std::vector<std::string> argv) {
  const auto result = runtime::run(std::move(argv));
  return result && result->exit_code == 0;
}

}  // namespace

Result<void> open_outer_firewall(const Identity& identity) {
  SLIPWAY_TRY(run_nft("", outer_ruleset(identity)));
  const auto forwards = runtime::read_file("/proc/sys/net/ipv4/ip_forward", 16);
  if (!forwards || trim(*forwards) != "1") SLIPWAY_TRY(write_net_sysctl("ipv4/ip_forward", "1"));
  return ensure_forward_accepts(identity);
}

Result<void> ensure_forward_accepts(const Identity& identity) {
  if (!has_forward_chain()) return {};
  const std::string link = outer_uplink_name(identity);
  for (const char* direction : {"-i", "-o"}) {
    if (succeeds(forward_rule("-C", direction, link))) continue;
    SLIPWAY_TRY(runtime::run_checked(forward_rule("-I", direction, link)));
  }
  return {};
}

Result<void> close_outer_firewall(const Identity& identity) {
  if (has_forward_chain()) {
    const std::string link = outer_uplink_name(identity);
    for (const char* direction : {"-i", "-o"}) {
      while (succeeds(forward_rule("-D", direction, link))) {
      }
    }
  }
  return run_nft("", fmt::format("table inet {0}\ndelete table inet {0}\n", identity.name()));
}

}  // namespace slipway::localcloud
