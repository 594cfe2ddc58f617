#include "api/gateway/named_host.hpp"

#include <arpa/inet.h>

#include "api/gateway/field_text.hpp"

namespace slipway::api {
namespace {

/// The name or address without port and brackets.
std::string host_without_port(std::string_view host) {
  if (host.starts_with('[')) return std::string(host.substr(1, host.find(']') - 1));
  auto name = lower_case(host.substr(0, host.find(':')));
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_loopback_address(const std::string& text) {
  in_addr four{};
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  return inet_pton(AF_INET6, text.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace

NamedHost named_host(const SessionOrigin& origin, std::string_view listen_host, std::optional<std::string_view> host) {
  if (!host) return {.kind = HostKind::People, .session = {}};
  const auto name = host_without_port(*host);
  if (name == origin.base_domain || name == "localhost" || name == listen_host || is_loopback_address(name))
    return {.kind = HostKind::People, .session = {}};
  if (name.ends_with("." + origin.base_domain))
    return {.kind = HostKind::Session, .session = session_of_host(origin, *host), .seat = seat_of_host(origin, *host)};
  return {};
}

}  // namespace slipway::api
