// Admission: whether a browser's request may act on a session at all, whoever sends it. Sessions of one base domain are
// one site to a browser, so its cookie comes along when another session's page asks; what tells such a page from the
// session's own are Origin and Sec-Fetch-* (Fetch Metadata, W3C). Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace slipway::api {

struct RequestFacts {
  std::string method;
  bool upgrade = false;       ///< asks for another protocol (WebSocket)
  bool by_token = false;      ///< carries an API token, which no browser adds by itself
  bool has_repeated = false;  ///< one of the fields below, or Host, came twice
  std::string own_origin;     ///< "http://ses-….localhost:7070"
  std::optional<std::string> origin;
  std::optional<std::string> fetch_site, fetch_mode, fetch_dest;
};

struct Admission {
  int status = 0;      ///< 0: may go on; else what it is refused with
  std::string reason;  ///< for people
  [[nodiscard]] bool allowed() const { return status == 0; }
};

/// `own_origin`: scheme and host of the session as the request names it, with its port.
RequestFacts facts_of(const net::RequestHead& head, std::string own_origin, bool by_token);

/// A changing method (all but GET, HEAD, OPTIONS) and an upgrade need the session's own Origin; any Origin that is sent
/// must be the own one; what comes from elsewhere (Sec-Fetch-Site same-site or cross-site) is refused unless it is a
/// person following a link to a page. Not applied to API tokens.
Admission admission(const RequestFacts& facts);

/// What a Host field names, as an origin: "http" or "https" and the field in lower case, without the scheme's own port.
std::string origin_of_host(std::string_view host, bool tls);

}  // namespace slipway::api
