#include "net/request_head.hpp"

#include <algorithm>

namespace slipway::net {
namespace {

/// No blank and no control character.
bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > ' '; });
}

bool is_field(std::string_view name, std::string_view value) {
  return is_word(name) && !name.contains(':') && value.find_first_of(std::string_view("\r\n\0", 3)) == value.npos;
}

}  // namespace

Result<std::string> request_head(std::string_view method, std::string_view target, const Headers& headers,
                                 std::string_view framing) {
  bool clean = is_word(method) && is_word(target);
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", method, target);
  for (const auto& [name, value] : headers.fields()) {
    clean = clean && is_field(name, value);
    head += fmt::format("{}: {}\r\n", name, value);
  }
  if (!clean) return fail(Code::InvalidInput, "a line break or blank inside the target or a field of the request");
  head += framing;
  head += "\r\n";
  return head;
}

std::string host_field(const Endpoint& endpoint) {
  if (endpoint.host.empty()) return "localhost";
  const std::string host = endpoint.host.contains(':') ? "[" + endpoint.host + "]" : endpoint.host;
  const std::uint16_t usual = endpoint.tls ? 443 : 80;
  const bool plain = !endpoint.unix_path.empty() || endpoint.port == 0 || endpoint.port == usual;
  return plain ? host : fmt::format("{}:{}", host, endpoint.port);
}

}  // namespace slipway::net
