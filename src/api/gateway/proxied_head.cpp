#include "api/gateway/proxied_head.hpp"

#include <algorithm>
#include <array>

#include "api/gateway/field_text.hpp"
#include "api/gateway/gateway_cookie.hpp"
#include "auth/token_table.hpp"

namespace slipway::api {
namespace {

/// Made anew by the proxy, or not to be believed from a browser.
constexpr std::array<std::string_view, 9> kNotPassedOn{
    "Content-Length",    "Expect",           "Forwarded",        "Via",      "X-Forwarded-For",
    "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP"};

bool is_one_of(std::string_view name, const auto& names) {
  return std::ranges::any_of(names, [&](std::string_view one) { return same_field(one, name); });
}

/// A secret of ours, valid or not: no app is to see one.
bool is_our_bearer(std::string_view authorization) {
  const auto secret = auth::bearer_secret(authorization);
  return secret && secret->starts_with("slw");
}

std::string with_token(std::string text, const std::string& token) {
  constexpr std::string_view kPlace = "{token}";
  if (const auto at = text.find(kPlace); at != std::string::npos) text.replace(at, kPlace.size(), token);
  return text;
}

}  // namespace

net::Headers upstream_headers(const net::RequestHead& head, const UpstreamFacts& facts) {
  net::Headers out;
  const auto passed_on = net::end_to_end(head.headers);
  for (const auto& [name, value] : passed_on.fields()) {
    if (is_one_of(name, kNotPassedOn)) continue;
    if (!facts.auth.header.empty() && same_field(name, facts.auth.header)) continue;
    if (same_field(name, "Authorization") && is_our_bearer(value)) continue;
    if (!same_field(name, "Cookie"))
      out.add(name, value);
    else if (auto kept = without_gateway_cookies(value); !kept.empty())
      out.add(name, std::move(kept));
  }
  if (!facts.auth.header.empty()) out.add(facts.auth.header, with_token(facts.auth.value, facts.app_token));
  if (!head.peer_address.empty()) out.add("X-Forwarded-For", head.peer_address);
  out.add("X-Forwarded-Proto", facts.tls ? "https" : "http");
  if (const auto host = head.headers.get("Host")) out.add("X-Forwarded-Host", std::string(*host));
  return out;
}

void confine_answer(net::Headers& headers) {
  net::Headers out;
  for (const auto& [name, value] : headers.fields()) {
    if (same_field(name, "Clear-Site-Data") || same_field(name, "Alt-Svc")) continue;
    if (!same_field(name, "Set-Cookie"))
      out.add(name, value);
    else if (auto kept = confined_set_cookie(value))
      out.add(name, std::move(*kept));
  }
  for (const char* policy : {"Referrer-Policy", "Cross-Origin-Resource-Policy"})
    if (!out.get(policy)) out.add(policy, "same-origin");
  headers = std::move(out);
}

bool may_repeat(const net::RequestHead& head) {
  const bool safe = head.method == "GET" || head.method == "HEAD" || head.method == "OPTIONS";
  return safe && head.content_length.value_or(0) == 0 && !head.headers.get("Transfer-Encoding") &&
         !head.headers.get("Upgrade");
}

}  // namespace slipway::api
