// The router network with real packets. Guests are bare network namespaces here: what a guest does is done in them.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "localcloud/machines/network_namespace.hpp"
#include "localcloud/machines/router_network.hpp"
#include "localcloud/machines/router_rules.hpp"
#include "runtime/subprocess.hpp"
#include "scratch.hpp"

namespace slipway::localcloud {
namespace {

sockaddr_in socket_address(Ipv4 address, int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  out.sin_addr.s_addr = htonl(address.value);
  return out;
}

/// True if a TCP connection comes about within `timeout`; a refusal (RST) is none. `source` may be forged.
Result<void> connect_to(Ipv4 address, int port, std::chrono::milliseconds timeout) {
  const runtime::Fd made(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_in where = socket_address(address, port);
  if (connect(made.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0) return {};
  pollfd polled{.fd = made.get(), .events = POLLOUT, .revents = 0};
  if (poll(&polled, 1, static_cast<int>(timeout.count())) == 0) return fail(Code::Timeout, "no answer");
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? Result<void>() : Result<void>(fail_errno(error, "connect"));
}

class RouterNetworkTest : public ScratchCloud {
 protected:
  static constexpr std::chrono::milliseconds kQuick{1000};
  static constexpr std::chrono::milliseconds kRefusal{150};

  void SetUp() override {
    ScratchCloud::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) network_ = open();
  }
  void TearDown() override {
    listeners_.clear();
    if (network_) EXPECT_TRUE(network_->close().has_value());
    if (identity_) EXPECT_TRUE(list_network_namespaces(identity_->name()).empty());
  }
  std::unique_ptr<RouterNetwork> open() {
    auto opened = open_router_network(*identity_);
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().text());
    return opened ? std::move(*opened) : nullptr;
  }
  GuestPort port(std::uint32_t index) {
    const Ipv4 address = identity_->guest_network().at(index);
    return {.instance_id = fmt::format("i-{:017x}", index),
            .address = address,
            .mac = mac_for(address),
            .hostname = fmt::format("guest-{}", index)};
  }
  std::string space(std::uint32_t index) { return identity_->name(port(index).instance_id); }
  /// A guest with its address set by hand.
  void add(std::uint32_t index) {
    auto added = network_->add_guest(port(index));
    ASSERT_TRUE(added.has_value()) << added.error().text();
    give_address(index, identity_->guest_network().at(index));
  }
  void give_address(std::uint32_t index, Ipv4 address) {
    const auto done = run_ip_batch(space(index), fmt::format("link set lo up\naddress flush dev eth0\n"
                                                             "address add {}/24 dev eth0\nlink set eth0 up\n"
                                                             "route replace default via {}\n",
                                                             address.text(), identity_->router_address().text()));
    ASSERT_TRUE(done.has_value()) << done.error().text();
  }
  void listen(const std::string& name, Ipv4 address, int tcp_port) {
    const auto listening = in_network_namespace(name, [&]() -> Result<void> {
      runtime::Fd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const sockaddr_in where = socket_address(address, tcp_port);
      if (bind(made.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 ||
          ::listen(made.get(), 16) != 0) {
        return fail_errno(errno, "listen");
      }
      listeners_.push_back(std::move(made));
      return {};
    });
    ASSERT_TRUE(listening.has_value()) << listening.error().text();
  }
  bool reaches(std::uint32_t from, Ipv4 to, int tcp_port, std::chrono::milliseconds timeout = kQuick) {
    return in_network_namespace(space(from), [&] { return connect_to(to, tcp_port, timeout); }).has_value();
  }
  bool outside_reaches(Ipv4 to, int tcp_port, std::chrono::milliseconds timeout = kQuick) {
    return connect_to(to, tcp_port, timeout).has_value();
  }
  Ipv4 address(std::uint32_t index) { return identity_->guest_network().at(index); }
  SecurityRule tcp(int number, std::vector<Ipv4Network> networks, std::vector<std::string> groups = {}) {
    return {.protocol = IpProtocol::Tcp,
            .from_port = number,
            .to_port = number,
            .networks = std::move(networks),
            .groups = std::move(groups)};
  }
  void apply(const SecurityPolicy& policy) {
    const auto applied = network_->set_security(policy);
    ASSERT_TRUE(applied.has_value()) << applied.error().text();
  }

  std::unique_ptr<RouterNetwork> network_;
  std::vector<runtime::Fd> listeners_;
};

TEST_F(RouterNetworkTest, Guests_ReachEachOtherOnlyAsTheirGroupsSay) {
  add(4);
  add(5);
  listen(space(5), address(5), 80);
  listen(space(5), address(5), 81);
  EXPECT_FALSE(reaches(4, address(5), 80, kRefusal)) << "before any policy";

  SecurityPolicy policy;
  policy.groups["sg-a"] = {.ingress = {}, .egress = {allow_all_egress()}};
  policy.groups["sg-b"] = {.ingress = {tcp(80, {}, {"sg-a"})}, .egress = {allow_all_egress()}};
  policy.guests = {{address(4), {"sg-a"}}, {address(5), {"sg-b"}}};
  apply(policy);
  EXPECT_TRUE(reaches(4, address(5), 80));
  EXPECT_FALSE(reaches(4, address(5), 81, kRefusal)) << "another port";

  policy.guests[address(4)] = {"sg-b"};
  apply(policy);
  EXPECT_FALSE(reaches(4, address(5), 80, kRefusal)) << "no member any more";

  policy.groups["sg-b"].ingress = {tcp(80, {Ipv4Network{.base = address(4), .prefix = 32}})};
  apply(policy);
  EXPECT_TRUE(reaches(4, address(5), 80)) << "by address";
  policy.groups["sg-b"].egress.clear();
  apply(policy);
  EXPECT_FALSE(reaches(4, address(5), 80, kRefusal)) << "no egress";
}

TEST_F(RouterNetworkTest, Outside_IsReachedByGuestsAndReachesThemByPolicy) {
  add(4);
  listen(space(4), address(4), 22);
  SecurityPolicy policy;
  policy.groups["sg-a"] = {.ingress = {}, .egress = {allow_all_egress()}};
  policy.guests = {{address(4), {"sg-a"}}};
  apply(policy);
  listeners_.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in any_port = socket_address(network_->outside_address(), 0);
  ASSERT_EQ(bind(listeners_.back().get(), reinterpret_cast<const sockaddr*>(&any_port), sizeof any_port), 0);
  ASSERT_EQ(::listen(listeners_.back().get(), 4), 0);
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  getsockname(listeners_.back().get(), reinterpret_cast<sockaddr*>(&bound), &size);
  EXPECT_TRUE(reaches(4, network_->outside_address(), ntohs(bound.sin_port)));

  EXPECT_FALSE(outside_reaches(address(4), 22, kRefusal));
  policy.groups["sg-a"].ingress = {tcp(22, {Ipv4Network{}})};
  policy.groups["sg-a"].ingress[0].networks[0].prefix = 0;
  apply(policy);
  EXPECT_TRUE(outside_reaches(address(4), 22));
}

TEST_F(RouterNetworkTest, Metadata_IsReachedByEachGuestUnderItsOwnAddressOnly) {
  add(4);
  add(5);
  auto metadata = network_->listen_inside(kMetadataAddress, 80);
  ASSERT_TRUE(metadata.has_value()) << metadata.error().text();
  ASSERT_TRUE(reaches(4, kMetadataAddress, 80));
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  const runtime::Fd accepted(accept(metadata->get(), reinterpret_cast<sockaddr*>(&peer), &size));
  EXPECT_EQ(ntohl(peer.sin_addr.s_addr), address(4).value);

  give_address(5, address(4));  // the neighbour's
  EXPECT_FALSE(reaches(5, kMetadataAddress, 80, kRefusal));
  give_address(5, identity_->guest_network().at(99));  // nobody's
  EXPECT_FALSE(reaches(5, kMetadataAddress, 80, kRefusal));
  give_address(5, address(5));
  EXPECT_TRUE(reaches(5, kMetadataAddress, 80));
  EXPECT_TRUE(reaches(4, kMetadataAddress, 80)) << "undisturbed by the neighbour that took its address";
}

TEST_F(RouterNetworkTest, Guest_WithAnotherMac_IsCutOff) {
  add(4);
  auto metadata = network_->listen_inside(kMetadataAddress, 80);
  ASSERT_TRUE(metadata.has_value());
  ASSERT_TRUE(reaches(4, kMetadataAddress, 80));
  ASSERT_TRUE(run_ip_batch(space(4), "link set eth0 down\nlink set eth0 address 02:00:00:00:00:01\n").has_value());
  give_address(4, address(4));
  EXPECT_FALSE(reaches(4, kMetadataAddress, 80, kRefusal));
}

TEST_F(RouterNetworkTest, Router_OffersGuestsNothingButMetadataAndNames) {
  add(4);
  auto inside = network_->listen_inside(identity_->router_address(), 8080);
  ASSERT_TRUE(inside.has_value());
  EXPECT_FALSE(reaches(4, identity_->router_address(), 8080, kRefusal));
  EXPECT_TRUE(reaches(4, identity_->router_address(), 53));
}

TEST_F(RouterNetworkTest, Open_AfterAKill_AdoptsGuestsPolicyAndConnections) {
  add(4);
  add(5);
  listen(space(5), address(5), 80);
  SecurityPolicy policy;
  policy.groups["sg-a"] = {.ingress = {tcp(80, {}, {"sg-a"})}, .egress = {allow_all_egress()}};
  policy.guests = {{address(4), {"sg-a"}}, {address(5), {"sg-a"}}};
  apply(policy);
  network_.reset();  // as kill -9
  EXPECT_TRUE(reaches(4, address(5), 80)) << "without a cloud";
  network_ = open();
  ASSERT_NE(network_, nullptr);
  EXPECT_TRUE(reaches(4, address(5), 80)) << "before the guests were added again";
  EXPECT_TRUE(network_->add_guest(port(4)).has_value());
  EXPECT_TRUE(reaches(4, address(5), 80));
}

TEST_F(RouterNetworkTest, RemoveGuest_OfAnEarlierProcess_FreesItsAddress) {
  add(4);
  network_.reset();
  network_ = open();
  GuestPort other = port(4);
  other.instance_id = "i-other";
  EXPECT_EQ(network_->add_guest(other).error().code, Code::Conflict);
  ASSERT_TRUE(network_->remove_guest(port(4).instance_id).has_value());
  ASSERT_TRUE(network_->remove_guest(port(4).instance_id).has_value()) << "repeatable";
  EXPECT_FALSE(has_interface(identity_->name(), port_name(*identity_, address(4))));
  EXPECT_TRUE(network_->add_guest(other).has_value());
}

TEST_F(RouterNetworkTest, Repair_StartsADeadNameServerAgain) {
  const std::string pid_file = "/run/slipway/" + identity_->id + "/dnsmasq.pid";
  const auto first = runtime::run_checked({"cat", pid_file});
  ASSERT_TRUE(first.has_value());
  kill(static_cast<pid_t>(std::stol(*first)), SIGKILL);
  for (int tries = 0; tries < 100 && runtime::process_start_time(static_cast<pid_t>(std::stol(*first))); ++tries) {
    usleep(10'000);
  }
  ASSERT_TRUE(network_->repair().has_value());
  add(4);
  EXPECT_TRUE(reaches(4, identity_->router_address(), 53));
}

TEST_F(RouterNetworkTest, TwoClouds_SideBySide_DoNotMeet) {
  std::string pattern = testing::TempDir() + "machines-XXXXXX";
  const std::string other_directory = mkdtemp(pattern.data());
  auto other = open_identity(other_directory, random_);
  ASSERT_TRUE(other.has_value());
  auto second = open_router_network(*other);
  ASSERT_TRUE(second.has_value()) << second.error().text();
  EXPECT_NE((*second)->outside_address(), network_->outside_address());
  add(4);
  const Ipv4 theirs = other->guest_network().at(4);
  ASSERT_TRUE((*second)
                  ->add_guest({.instance_id = "i-4", .address = theirs, .mac = mac_for(theirs), .hostname = "x"})
                  .has_value());
  EXPECT_TRUE((*second)->close().has_value());
  EXPECT_TRUE(reaches(4, identity_->router_address(), 53)) << "closing one leaves the other";
  EXPECT_TRUE(release_identity(*other).has_value());
  std::filesystem::remove_all(other_directory);
}

}  // namespace
}  // namespace slipway::localcloud
