#include "api/gateway/gateway_cookie.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::api {
namespace {
using testing::HasSubstr;
using testing::Not;

const std::string kKey(32, 'k');
const WallTime kNow{std::chrono::seconds(1'700'000'000)};
const WallTime kLater = kNow + std::chrono::hours(1);

SessionId session_number(int number) { return SessionId::parse(fmt::format("ses-{:0>20}", number)).value(); }
LinkId link_number(int number) { return LinkId::parse(fmt::format("link-{:0>20}", number)).value(); }

TEST(GatewayCookie, OfTheSession_LetsInUntilItExpires) {
  const Ticket ticket{.link = link_number(7), .expires_at = kLater};
  const auto value = make_cookie_value(kKey, session_number(1), ticket);
  EXPECT_EQ(check_cookie_value(kKey, session_number(1), value, kNow), ticket);
  EXPECT_EQ(check_cookie_value(kKey, session_number(1), value, kLater - std::chrono::seconds(1)), ticket);
  EXPECT_FALSE(check_cookie_value(kKey, session_number(1), value, kLater));
}

TEST(GatewayCookie, OfAnotherSessionOrKey_IsWorthNothing) {
  const auto value = make_cookie_value(kKey, session_number(1), {.link = link_number(7), .expires_at = kLater});
  EXPECT_FALSE(check_cookie_value(kKey, session_number(2), value, kNow));
  EXPECT_FALSE(check_cookie_value(std::string(32, 'x'), session_number(1), value, kNow));
}

TEST(GatewayCookie, EveryChangedByte_IsNoticed) {
  const auto value = make_cookie_value(kKey, session_number(1), {.link = link_number(7), .expires_at = kLater});
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto changed = value;
    changed[i] = changed[i] == '1' ? '2' : '1';
    EXPECT_FALSE(check_cookie_value(kKey, session_number(1), changed, kNow)) << i;
    EXPECT_FALSE(check_cookie_value(kKey, session_number(1), value.substr(0, i), kNow)) << i;
  }
  for (const char* odd : {"", ".", "..", "...", "a.b.c", "link-.9999999999."})
    EXPECT_FALSE(check_cookie_value(kKey, session_number(1), odd, kNow)) << odd;
}

TEST(GatewayCookie, Field_BindsItToTheHost) {
  const Ticket ticket{.link = link_number(7), .expires_at = kLater};
  const auto plain = set_cookie_field(kKey, session_number(1), false, ticket, kNow);
  EXPECT_TRUE(plain.starts_with("slipway-" + session_number(1).text() + "=link-")) << plain;
  for (const char* part : {"; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=3600"})
    EXPECT_THAT(plain, HasSubstr(part));
  EXPECT_THAT(plain, Not(HasSubstr("Secure")));
  EXPECT_THAT(plain, Not(HasSubstr("Domain")));
  const auto tls = set_cookie_field(kKey, session_number(1), true, ticket, kNow);
  EXPECT_TRUE(tls.starts_with("__Host-slipway-" + session_number(1).text() + "=")) << tls;
  EXPECT_THAT(tls, HasSubstr("; Secure"));
}

TEST(GatewayCookie, TossedCookieOfTheSameName_PushesTheRealOneNotOut) {
  const Ticket ticket{.link = link_number(7), .expires_at = kLater};
  const auto real = cookie_name(session_number(1), false) + "=" + make_cookie_value(kKey, session_number(1), ticket);
  const auto tossed =
      cookie_name(session_number(1), false) + "=" + make_cookie_value(std::string(32, 'x'), session_number(1), ticket);
  net::Headers headers;
  headers.add("Cookie", "_xsrf=2|x; " + tossed + "; " + real);
  EXPECT_EQ(ticket_in(headers, kKey, session_number(1), false, kNow), ticket);
  net::Headers two;
  two.add("cookie", tossed);
  two.add("COOKIE", real);
  EXPECT_EQ(ticket_in(two, kKey, session_number(1), false, kNow), ticket);
  net::Headers none;
  none.add("Cookie", tossed);
  EXPECT_FALSE(ticket_in(none, kKey, session_number(1), false, kNow));
  EXPECT_FALSE(ticket_in(headers, kKey, session_number(1), true, kNow)) << "under TLS only __Host- counts";
}

TEST(GatewayCookie, AppSeesOnlyItsOwn) {
  const std::pair<const char*, const char*> table[] = {
      {"a=1", "a=1"},
      {"slipway-ses-1=x", ""},
      {"a=1; slipway-ses-1=x; b=2", "a=1; b=2"},
      {"__Host-slipway-ses-1=x;b=2", "b=2"},
      {"__host-SLIPWAY-ses-1=x; b", "b"},
      {" slipway-=x ;; c=slipway-1 ", "c=slipway-1"},
      {"", ""},
  };
  for (const auto& [sent, seen] : table) EXPECT_EQ(without_gateway_cookies(sent), seen) << sent;
}

TEST(GatewayCookie, AppsCookies_StayOnTheSessionsHost) {
  const std::pair<const char*, std::optional<std::string>> table[] = {
      {"a=1; Domain=localhost; Path=/", "a=1; Path=/"},
      {"a=1;domain = .example.org;HttpOnly", "a=1; HttpOnly"},
      {"a=1; DOMAIN", "a=1"},
      {"domain=x; Path=/", "domain=x; Path=/"},
      {"slipway-ses-1=x; Path=/", std::nullopt},
      {"__Host-slipway-ses-1=x; Secure", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& [sent, passed] : table) EXPECT_EQ(confined_set_cookie(sent), passed) << sent;
}

}  // namespace
}  // namespace slipway::api
