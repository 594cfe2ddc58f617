// What a browser or an app writes into fields that the gateway reads: Host, Origin, cookies. No made-up cookie lets in,
// nothing of ours gets to an app, and nothing of an app beyond its host.
#include <cstdlib>

#include "api/gateway/admission.hpp"
#include "api/gateway/gateway_cookie.hpp"
#include "api/gateway/named_host.hpp"
#include "api/gateway/pages.hpp"
#include "api/gateway/proxied_head.hpp"

namespace {

using namespace slipway;
using namespace slipway::api;

void expect(bool holds) {
  if (!holds) std::abort();
}

void check_cookies(std::string_view text, const SessionId& session) {
  const std::string key(32, 'k');
  expect(!check_cookie_value(key, session, text, WallTime()));
  const auto kept = without_gateway_cookies(text);
  expect(without_gateway_cookies(kept) == kept);
  if (const auto set = confined_set_cookie(text)) expect(confined_set_cookie(*set) == set);
}

void check_head(std::string_view text, const SessionId& session) {
  net::RequestHead head{.method = "POST", .target = "/"};
  head.headers.add("Host", std::string(text));
  head.headers.add("Origin", "http://ses-b.localhost");
  head.headers.add("Cookie", std::string(text));
  head.headers.add("Connection", std::string(text));
  head.headers.add("Authorization", std::string(text));
  expect(!ticket_in(head.headers, std::string(32, 'k'), session, false, WallTime()));
  const auto own = origin_of_host(text, false);
  if (own != "http://ses-b.localhost") expect(!admission(facts_of(head, own, false)).allowed());
  const auto out = upstream_headers(head, {});
  expect(out.get("X-Forwarded-Proto") == "http");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto session = SessionId::parse("ses-00000000000000000001").value();
  check_cookies(text, session);
  check_head(text, session);
  const auto host = named_host({}, "127.0.0.1", text);
  expect(!host.session || host.kind == HostKind::Session);
  expect(html_text(text).find_first_of("<>\"'") == std::string::npos);
  return 0;
}
