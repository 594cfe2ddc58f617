#include "api/gateway/admission.hpp"

#include "api/gateway/field_text.hpp"

namespace slipway::api {
namespace {

bool is_safe(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

/// The field's value; sets `repeated` if it came more than once.
std::optional<std::string> only_value(const net::Headers& headers, std::string_view name, bool& repeated) {
  std::optional<std::string> found;
  for (const auto& [field, value] : headers.fields()) {
    if (!same_field(field, name)) continue;
    if (found) repeated = true;
    found = value;
  }
  return found;
}

bool is_navigation(const RequestFacts& facts) {
  return facts.method == "GET" && !facts.upgrade && facts.fetch_mode == "navigate" && facts.fetch_dest == "document";
}

}  // namespace

RequestFacts facts_of(const net::RequestHead& head, std::string own_origin, bool by_token) {
  RequestFacts facts{.method = head.method, .by_token = by_token, .own_origin = std::move(own_origin)};
  facts.upgrade = head.headers.get("Upgrade").has_value();
  bool repeated = false;
  only_value(head.headers, "Host", repeated);
  facts.origin = only_value(head.headers, "Origin", repeated);
  facts.fetch_site = only_value(head.headers, "Sec-Fetch-Site", repeated);
  facts.fetch_mode = only_value(head.headers, "Sec-Fetch-Mode", repeated);
  facts.fetch_dest = only_value(head.headers, "Sec-Fetch-Dest", repeated);
  facts.has_repeated = repeated;
  return facts;
}

Admission admission(const RequestFacts& facts) {
  if (facts.has_repeated) return {400, "Host, Origin or a Sec-Fetch field came twice"};
  if (facts.by_token) return {};
  if (facts.origin && *facts.origin != facts.own_origin)
    return {403, "the request comes from another origin than the session's own"};
  if (!facts.origin && facts.upgrade) return {403, "a WebSocket needs the session's own Origin"};
  if (!facts.origin && !is_safe(facts.method)) return {403, "this method needs the session's own Origin"};
  const bool from_here = !facts.fetch_site || facts.fetch_site == "same-origin" || facts.fetch_site == "none";
  if (!from_here && !is_navigation(facts)) return {403, "another site or session may only link to this page"};
  return {};
}

std::string origin_of_host(std::string_view host, bool tls) {
  auto small = lower_case(host);
  const std::string_view own_port = tls ? ":443" : ":80";
  if (small.ends_with(own_port)) small.resize(small.size() - own_port.size());
  return (tls ? "https://" : "http://") + small;
}

}  // namespace slipway::api
