// What the gateway changes in the heads that it passes on: towards the app and back. Pure; any thread.
#pragma once
#include <string>

#include "model/app.hpp"
#include "net/http.hpp"

namespace slipway::api {

struct UpstreamFacts {
  bool tls = false;       ///< of the browser's connection
  model::AppAuth auth;    ///< what the app asks for
  std::string app_token;  ///< secret
};

/// Fields for the app: without the gateway's cookies, our API token and what the browser says about proxies before us;
/// with X-Forwarded-For, -Proto and -Host, and with the app's own proof. Host stays. Framing and hop-by-hop fields are
/// left out (RFC 9110, 7.6.1); Upgrade is the proxy's business.
net::Headers upstream_headers(const net::RequestHead& head, const UpstreamFacts& facts);

/// Fields for the browser: cookies stay on this host (see confined_set_cookie), nothing that reaches beyond the
/// session's origin (Clear-Site-Data empties the cookies of the whole site, Alt-Svc names another server), and where
/// the app says nothing itself a Referrer-Policy and a Cross-Origin-Resource-Policy of same-origin.
void confine_answer(net::Headers& headers);

/// Whether the request may be sent a second time: nothing changes by it and it has no body.
bool may_repeat(const net::RequestHead& head);

}  // namespace slipway::api
