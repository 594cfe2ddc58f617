// IPv4 addresses, networks and MAC addresses as plain values. Pure.
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace slipway::localcloud {

struct Ipv4 {
  std::uint32_t value = 0;  ///< host byte order
  /// "10.98.0.7"; InvalidInput otherwise.
  static Result<Ipv4> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  auto operator<=>(const Ipv4&) const = default;
};

struct Ipv4Network {
  Ipv4 base;        ///< host bits are 0
  int prefix = 32;  ///< 0..32
  /// "10.98.0.0/24", or an address alone for a /32. InvalidInput otherwise, also when host bits are set.
  static Result<Ipv4Network> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(Ipv4 address) const;
  [[nodiscard]] bool overlaps(const Ipv4Network& other) const;
  /// The address `index` places above the base.
  [[nodiscard]] Ipv4 at(std::uint32_t index) const { return Ipv4{base.value + index}; }
  auto operator<=>(const Ipv4Network&) const = default;
};

/// "06:98:0a:62:00:07": locally administered, derived from the address, so it is unique where the address is.
std::string mac_for(Ipv4 address);

}  // namespace slipway::localcloud
