// HTTP messages as plain values, shared by servers and clients.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace slipway::net {

/// Header fields in order of arrival. Names compare without regard to case.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// Every field of that name.
  void remove(std::string_view name);
  /// The first field of that name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct RequestHead {
  std::string method;  ///< "GET", …
  std::string target;  ///< as sent: path and query, undecoded
  Headers headers;
  std::string peer_address;  ///< of the other end of the connection; empty on a Unix socket
  std::uint16_t peer_port = 0;
  std::optional<std::uint64_t> content_length;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

/// Without what belongs to one connection only (RFC 9110, 7.6.1): Connection and what it names, Keep-Alive, TE,
/// Trailer, Transfer-Encoding, Upgrade and the Proxy-… fields. Host stays whatever Connection says.
Headers end_to_end(const Headers& headers);
/// Whether a comma-separated field value has the element, without regard to case.
bool has_element(std::string_view list, std::string_view element);
/// The Code that stands for an HTTP status of 400 and above, e.g. 409 → Conflict; an unknown 4xx is InvalidInput, an
/// unknown 5xx Unavailable.
Code code_of_status(int status);
/// The path of a target, percent-decoded; InvalidInput for a bad escape or a NUL. A '+' stays a '+'.
Result<std::string> decode_path(std::string_view target);
/// The query of a target, or a form body, decoded ('+' is a space), in order of arrival. InvalidInput for a bad escape.
Result<std::vector<std::pair<std::string, std::string>>> decode_query(std::string_view query);
/// Percent-encodes everything but RFC 3986's unreserved characters.
std::string encode_component(std::string_view text);
/// Splits "a/b?c=d" into path and query (without '?').
std::pair<std::string_view, std::string_view> split_target(std::string_view target);

}  // namespace slipway::net
