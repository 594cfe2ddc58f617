#include "api/gateway/gateway_cookie.hpp"

#include <charconv>

#include "api/gateway/field_text.hpp"
#include "base/digest.hpp"

namespace slipway::api {
namespace {

constexpr std::string_view kCookiePrefix = "slipway-";
constexpr std::string_view kHostCookiePrefix = "__host-";  // compared in lower case: browsers do so too

std::string cookie_proof(std::string_view key, const SessionLabel& session, std::string_view link,
                         std::string_view seconds) {
  return hmac_sha256_hex(key, fmt::format("slipway session cookie 1\n{}\n{}\n{}", session.text, link, seconds));
}

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// Calls `each(piece)` for what stands between semicolons, without the blanks around it.
template <typename Each>
void for_each_piece(std::string_view field, Each each) {
  while (!field.empty()) {
    const auto end = field.find(';');
    if (const auto piece = trimmed(field.substr(0, end)); !piece.empty()) each(piece);
    field = end == std::string_view::npos ? std::string_view() : field.substr(end + 1);
  }
}

std::string_view name_of_piece(std::string_view piece) { return trimmed(piece.substr(0, piece.find('='))); }

}  // namespace

std::string cookie_name(const SessionLabel& session, bool tls) {
  return std::string(tls ? "__Host-" : "") + std::string(kCookiePrefix) + session.text;
}

std::string make_cookie_value(std::string_view key, const SessionLabel& session, const Ticket& ticket) {
  const auto seconds = fmt::format("{}", seconds_of(ticket.expires_at));
  return fmt::format("{}.{}.{}", ticket.link, seconds, cookie_proof(key, session, ticket.link.text(), seconds));
}

std::optional<Ticket> check_cookie_value(std::string_view key, const SessionLabel& session, std::string_view value,
                                         WallTime now) {
  const auto first = value.find('.');
  const auto second = first == std::string_view::npos ? first : value.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto link_text = value.substr(0, first);
  const auto seconds_text = value.substr(first + 1, second - first - 1);
  if (!equal_in_constant_time(value.substr(second + 1), cookie_proof(key, session, link_text, seconds_text)))
    return std::nullopt;
  // From here on every byte is our own.
  auto link = LinkId::parse(link_text);
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(seconds_text.data(), seconds_text.data() + seconds_text.size(), seconds);
  if (!link || parsed.ec != std::errc{} || seconds <= seconds_of(now)) return std::nullopt;
  return Ticket{.link = std::move(*link), .expires_at = WallTime(std::chrono::seconds(seconds))};
}

std::optional<Ticket> ticket_in(const net::Headers& headers, std::string_view key, const SessionLabel& session,
                                bool tls, WallTime now) {
  const auto name = cookie_name(session, tls);
  std::optional<Ticket> found;
  for (const auto& [field, text] : headers.fields()) {
    if (!same_field(field, "Cookie")) continue;
    for_each_piece(text, [&](std::string_view piece) {
      const auto equals = piece.find('=');
      if (found || equals == std::string_view::npos || piece.substr(0, equals) != name) return;
      found = check_cookie_value(key, session, piece.substr(equals + 1), now);
    });
  }
  return found;
}

std::string set_cookie_field(std::string_view key, const SessionLabel& session, bool tls, const Ticket& ticket,
                             WallTime now) {
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(ticket.expires_at - now).count();
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", cookie_name(session, tls),
                     make_cookie_value(key, session, ticket), std::max<std::int64_t>(left, 0), tls ? "; Secure" : "");
}

bool is_gateway_cookie(std::string_view name) {
  const auto small = lower_case(name);
  std::string_view rest = small;
  if (rest.starts_with(kHostCookiePrefix)) rest.remove_prefix(kHostCookiePrefix.size());
  return rest.starts_with(kCookiePrefix);
}

std::string without_gateway_cookies(std::string_view field) {
  std::string kept;
  for_each_piece(field, [&](std::string_view piece) {
    if (is_gateway_cookie(name_of_piece(piece))) return;
    if (!kept.empty()) kept += "; ";
    kept += piece;
  });
  return kept;
}

std::optional<std::string> confined_set_cookie(std::string_view field) {
  std::string kept;
  bool ours = false;
  bool first = true;
  for_each_piece(field, [&](std::string_view piece) {
    if (first) ours = is_gateway_cookie(name_of_piece(piece));
    if (!first && lower_case(name_of_piece(piece)) == "domain") return;
    if (!first) kept += "; ";
    kept += piece;
    first = false;
  });
  if (ours || first) return std::nullopt;
  return kept;
}

}  // namespace slipway::api
