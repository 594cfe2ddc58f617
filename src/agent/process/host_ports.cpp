#include "agent/process/host_ports.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

constexpr std::string_view kListening = "0A";
constexpr std::size_t kTableLimitBytes = 64 << 20;

/// Takes the next word off the line.
std::string_view next_field(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

/// The kernel writes each 32 bits of an address as this machine's number, which has the least byte first.
bool is_loopback_address(std::string_view hex) {
  if (hex.size() == 8) return hex.ends_with("7F");
  return hex == "00000000000000000000000001000000" ||
         (hex.starts_with("0000000000000000FFFF0000") && hex.ends_with("7F"));
}

bool parse_listener(std::string_view line, PortListener& out) {
  next_field(line);  // number of the line
  const std::string_view local = next_field(line);
  next_field(line);  // peer
  if (next_field(line) != kListening) return false;
  for (int skipped = 0; skipped < 3; ++skipped) next_field(line);  // queues, timer, retransmissions
  const std::string_view uid = next_field(line);
  const std::size_t colon = local.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view port = local.substr(colon + 1);
  if (std::from_chars(port.data(), port.data() + port.size(), out.port, 16).ec != std::errc{}) return false;
  if (std::from_chars(uid.data(), uid.data() + uid.size(), out.uid).ec != std::errc{}) return false;
  out.loopback = is_loopback_address(local.substr(0, colon));
  return true;
}

}  // namespace

std::vector<PortListener> parse_listeners(std::string_view table) {
  std::vector<PortListener> found;
  while (!table.empty()) {
    const std::size_t end = std::min(table.find('\n'), table.size());
    PortListener one;
    if (parse_listener(table.substr(0, end), one)) found.push_back(one);
    table.remove_prefix(std::min(end + 1, table.size()));
  }
  return found;
}

Result<std::vector<PortListener>> read_listeners() {
  SLIPWAY_ASSIGN(const std::string table, runtime::read_file("/proc/thread-self/net/tcp", kTableLimitBytes));
  std::vector<PortListener> found = parse_listeners(table);
  if (const auto second = runtime::read_file("/proc/thread-self/net/tcp6", kTableLimitBytes)) {  // none without IPv6
    std::ranges::copy(parse_listeners(*second), std::back_inserter(found));
  }
  return found;
}

Result<void> check_port(const std::vector<PortListener>& listeners, int port, const PortRule& rule) {
  bool listens = false;
  for (const PortListener& one : listeners) {
    if (one.port != port) continue;
    listens = true;
    if (one.uid != rule.uid) {
      return fail(Code::Denied, "port {} of this host is another program's (user {})", port, one.uid);
    }
    if (!one.loopback && !rule.exposed.contains(port)) {
      return fail(Code::Denied,
                  "the app opened port {} to the network: let it listen on 127.0.0.1, or give the port 'expose: host'",
                  port);
    }
  }
  if (!listens) return fail(Code::Unreachable, "nothing listens on port {}", port);
  return {};
}

}  // namespace slipway::agent
