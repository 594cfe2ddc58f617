#include "localcloud/machines/ipv4.hpp"

#include <charconv>

namespace slipway::localcloud {
namespace {

/// Decimal number of at most `digits` digits that fills the whole text.
bool parse_number(std::string_view text, std::size_t digits, std::uint32_t limit, std::uint32_t& out) {
  if (text.empty() || text.size() > digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out <= limit;
}

std::uint32_t mask(int prefix) { return prefix == 0 ? 0U : ~std::uint32_t{0} << (32 - prefix); }

}  // namespace

Result<Ipv4> Ipv4::parse(std::string_view text) {
  Ipv4 out;
  std::string_view rest = text;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? rest.find('.') : rest.size();
    std::uint32_t byte = 0;
    if (dot == std::string_view::npos || !parse_number(rest.substr(0, dot), 3, 255, byte)) {
      return fail(Code::InvalidInput, "'{}' is not an IPv4 address", text);
    }
    out.value = out.value << 8 | byte;
    rest.remove_prefix(part < 3 ? dot + 1 : dot);
  }
  return out;
}

std::string Ipv4::text() const {
  return fmt::format("{}.{}.{}.{}", value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255);
}

Result<Ipv4Network> Ipv4Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  SLIPWAY_ASSIGN(const Ipv4 base, Ipv4::parse(text.substr(0, slash)));
  std::uint32_t prefix = 32;
  if (slash != std::string_view::npos && !parse_number(text.substr(slash + 1), 2, 32, prefix)) {
    return fail(Code::InvalidInput, "'{}' is not an IPv4 network: the prefix is 0 to 32", text);
  }
  const Ipv4Network network{.base = base, .prefix = static_cast<int>(prefix)};
  if ((base.value & ~mask(network.prefix)) != 0) {
    return fail(Code::InvalidInput, "'{}' is not an IPv4 network: bits beyond the prefix are set", text);
  }
  return network;
}

std::string Ipv4Network::text() const { return fmt::format("{}/{}", base.text(), prefix); }

bool Ipv4Network::contains(Ipv4 address) const { return (address.value & mask(prefix)) == base.value; }

bool Ipv4Network::overlaps(const Ipv4Network& other) const {
  return prefix <= other.prefix ? contains(other.base) : other.contains(base);
}

std::string mac_for(Ipv4 address) {
  return fmt::format("06:98:{:02x}:{:02x}:{:02x}:{:02x}", address.value >> 24, address.value >> 16 & 255,
                     address.value >> 8 & 255, address.value & 255);
}

}  // namespace slipway::localcloud
