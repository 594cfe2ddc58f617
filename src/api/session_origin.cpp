#include "api/session_origin.hpp"

#include <algorithm>

namespace slipway::api {
namespace {

template <typename IdType>
std::optional<IdType> id_before_domain(const SessionOrigin& origin, std::string_view host) {
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);  // a fully qualified name is the same host
  std::string name(host);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto dot = name.find('.');
  if (dot == std::string::npos || name.substr(dot + 1) != origin.base_domain) return std::nullopt;
  auto id = IdType::parse(name.substr(0, dot));
  if (!id) return std::nullopt;
  return std::move(*id);
}

}  // namespace

std::string session_host(const SessionOrigin& origin, const SessionLabel& label) {
  return label.text + "." + origin.base_domain;
}

std::string session_origin(const SessionOrigin& origin, const SessionLabel& label) {
  const auto* scheme = origin.tls ? "https" : "http";
  const std::uint16_t own_port = origin.tls ? 443 : 80;
  const auto host = session_host(origin, label);
  return origin.port == own_port ? fmt::format("{}://{}", scheme, host)
                                 : fmt::format("{}://{}:{}", scheme, host, origin.port);
}

std::string link_url(const SessionOrigin& origin, const SessionLabel& label, std::string_view secret) {
  return fmt::format("{}/.slipway/open#{}", session_origin(origin, label), secret);
}

std::optional<SessionId> session_of_host(const SessionOrigin& origin, std::string_view host) {
  return id_before_domain<SessionId>(origin, host);
}

std::optional<SeatId> seat_of_host(const SessionOrigin& origin, std::string_view host) {
  return id_before_domain<SeatId>(origin, host);
}

}  // namespace slipway::api
