#include "localcloud/machines/router_network.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <boost/json.hpp>
#include <mutex>

#include "localcloud/machines/dnsmasq.hpp"
#include "localcloud/machines/network_namespace.hpp"
#include "localcloud/machines/outer_firewall.hpp"
#include "localcloud/machines/router_rules.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

namespace json = boost::json;

constexpr std::uint32_t kFirstGuest = 4;
constexpr std::uint32_t kLastGuest = 254;
/// Pending connections of a listener inside; as many as guests may start at once.
constexpr int kBacklog = 256;
/// Owner of a port whose making was interrupted.
constexpr std::string_view kNobody = "nobody";

class RoutedNetwork final : public RouterNetwork {
 public:
  explicit RoutedNetwork(const Identity& identity) : identity_(identity), dnsmasq_(identity) {}

  Result<void> set_up() {
    SLIPWAY_TRY(add_network_namespace(identity_.name()));
    SLIPWAY_TRY(make_uplink());
    SLIPWAY_TRY(in_network_namespace(identity_.name(), [] { return write_net_sysctl("ipv4/ip_forward", "1"); }));
    SLIPWAY_TRY(run_nft(identity_.name(), router_ruleset(identity_)));
    SLIPWAY_TRY(close_what_no_policy_opened());
    SLIPWAY_TRY(open_outer_firewall(identity_));
    return dnsmasq_.ensure_running();
  }

  Result<std::string> add_guest(const GuestPort& port) override {
    SLIPWAY_TRY(check(port));
    const std::scoped_lock lock(mutex_);
    const std::string space = identity_.name(port.instance_id);
    const std::string link = port_name(identity_, port.address);
    SLIPWAY_ASSIGN(const std::string owner, port_owner(link));
    if (!owner.empty() && owner != kNobody && owner != port.instance_id) {
      return fail(Code::Conflict, "address {} belongs to instance {}", port.address.text(), owner);
    }
    SLIPWAY_TRY(add_network_namespace(space));
    if (owner == kNobody) SLIPWAY_TRY(delete_link(link));
    // Where the router has its end, the guest's end exists as well: here, or inside the running guest.
    if (owner != port.instance_id) {
      SLIPWAY_TRY(run_ip_batch(identity_.name(), port_commands(identity_, port, space)));
    }
    SLIPWAY_TRY(in_network_namespace(identity_.name(), [&] { return tune_port(link); }));
    SLIPWAY_TRY(run_nft(identity_.name(), add_port_script(identity_, port)));
    SLIPWAY_TRY(dnsmasq_.add(port));
    return network_namespace_path(space);
  }

  Result<void> remove_guest(const std::string& instance_id) override {
    const std::scoped_lock lock(mutex_);
    if (const auto port = dnsmasq_.find(instance_id)) {
      const std::string link = port_name(identity_, port->address);
      SLIPWAY_TRY(run_nft(identity_.name(), remove_port_script(identity_, *port)));
      SLIPWAY_ASSIGN(const std::string owner, port_owner(link));
      if (owner == instance_id) SLIPWAY_TRY(delete_link(link));
    }
    SLIPWAY_TRY(remove_network_namespace(identity_.name(instance_id)));
    return dnsmasq_.remove(instance_id);
  }

  Result<void> set_security(const SecurityPolicy& policy) override {
    SLIPWAY_ASSIGN(const std::string rules,
                   security_ruleset(security_table(identity_), uplink_name(identity_), policy));
    const std::scoped_lock lock(mutex_);
    return run_nft(identity_.name(), rules).context("loading the security groups");
  }

  [[nodiscard]] Result<runtime::Fd> listen_inside(Ipv4 address, int port) const override {
    runtime::Fd socket;
    SLIPWAY_TRY(in_network_namespace(identity_.name(), [&] { return listen_here(address, port, socket); }));
    return socket;
  }

  [[nodiscard]] Ipv4 outside_address() const override { return identity_.outside_address(); }

  Result<void> repair() override {
    const std::scoped_lock lock(mutex_);
    SLIPWAY_TRY(ensure_forward_accepts(identity_));
    return dnsmasq_.ensure_running();
  }

  Result<void> close() override {
    const std::scoped_lock lock(mutex_);
    SLIPWAY_TRY(dnsmasq_.stop());
    if (has_interface("", outer_uplink_name(identity_))) {
      SLIPWAY_TRY(run_ip_batch("", fmt::format("link delete {}\n", outer_uplink_name(identity_))));
    }
    for (const std::string& space : list_network_namespaces(identity_.name())) {
      SLIPWAY_TRY(remove_network_namespace(space));
    }
    return close_outer_firewall(identity_);
  }

 private:
  [[nodiscard]] Result<void> check(const GuestPort& port) const {
    const std::uint32_t index = port.address.value - identity_.guest_network().base.value;
    if (index < kFirstGuest || index > kLastGuest) {
      return fail(Code::InvalidInput, "{} is no address for a guest of {}", port.address.text(),
                  identity_.guest_network().text());
    }
    return {};
  }

  Result<void> make_uplink() {
    const std::string link = outer_uplink_name(identity_);
    if (!has_interface("", link) || !has_interface(identity_.name(), uplink_name(identity_))) {
      if (has_interface("", link)) SLIPWAY_TRY(run_ip_batch("", fmt::format("link delete {}\n", link)));
      SLIPWAY_TRY(run_ip_batch("", fmt::format("link add {} type veth peer name {} netns {}\n", link,
                                               uplink_name(identity_), identity_.name())));
    }
    SLIPWAY_TRY(write_net_sysctl(fmt::format("ipv6/conf/{}/disable_ipv6", link), "1"));
    SLIPWAY_TRY(run_ip_batch("", uplink_outer_commands(identity_)));
    return run_ip_batch(identity_.name(), uplink_router_commands(identity_));
  }

  /// A policy of the process before us stays in force until set_security(); without one everything is shut.
  Result<void> close_what_no_policy_opened() {
    SLIPWAY_ASSIGN(const runtime::RunResult listed,
                   runtime::run({"nsenter", "--net=" + network_namespace_path(identity_.name()), "--", "nft", "list",
                                 "chain", "inet", security_table(identity_), "ingress"}));
    return listed.exit_code == 0 ? Result<void>() : set_security({});
  }

  /// Instance that the port was made for, or kNobody; empty if there is no such port.
  Result<std::string> port_owner(const std::string& link) {
    if (!has_interface(identity_.name(), link)) return std::string();
    SLIPWAY_ASSIGN(const std::string text,
                   runtime::run_checked({"ip", "-netns", identity_.name(), "-json", "link", "show", "dev", link}));
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_array() || value.as_array().empty()) return fail(Code::Internal, "cannot read {}", link);
    const json::value* alias = value.as_array()[0].as_object().if_contains("ifalias");
    return alias != nullptr && alias->is_string() ? std::string(alias->as_string()) : std::string(kNobody);
  }

  Result<void> delete_link(const std::string& link) {
    return run_ip_batch(identity_.name(), fmt::format("link delete {}\n", link));
  }

  static Result<void> tune_port(const std::string& link) {
    SLIPWAY_TRY(write_net_sysctl(fmt::format("ipv4/conf/{}/proxy_arp", link), "1"));
    // Without this a proxied ARP answer waits up to 0.8 s.
    SLIPWAY_TRY(write_net_sysctl(fmt::format("ipv4/neigh/{}/proxy_delay", link), "0"));
    return write_net_sysctl(fmt::format("ipv6/conf/{}/disable_ipv6", link), "1");
  }

  static Result<void> listen_here(Ipv4 address, int port, runtime::Fd& out) {
    runtime::Fd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made.valid()) return fail_errno(errno, "make a socket");
    const int yes = 1;
    setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    where.sin_addr.s_addr = htonl(address.value);
    const std::string name = fmt::format("{}:{}", address.text(), port);
    if (bind(made.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) {
      return fail_errno(errno, "bind " + name);
    }
    if (listen(made.get(), kBacklog) != 0) return fail_errno(errno, "listen on " + name);
    out = std::move(made);
    return {};
  }

  const Identity identity_;
  mutable std::mutex mutex_;
  Dnsmasq dnsmasq_;
};

Result<void> check_programs() {
  for (const char* program : {"ip", "nft", "dnsmasq", "nsenter"}) {
    const auto found = runtime::run({program, "--version"});
    if (found || found.error().code != Code::NotFound) continue;
    return fail(Error{.code = Code::Unsupported,
                      .message = fmt::format("the program `{}` is missing", program),
                      .fix = "apt-get install iproute2 nftables dnsmasq-base util-linux"});
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<RouterNetwork>> open_router_network(const Identity& identity) {
  SLIPWAY_TRY(check_programs());
  auto router = std::make_unique<RoutedNetwork>(identity);
  SLIPWAY_TRY(router->set_up().context("setting up the network of local cloud " + identity.id));
  return std::unique_ptr<RouterNetwork>(std::move(router));
}

}  // namespace slipway::localcloud
