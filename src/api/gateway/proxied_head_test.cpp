#include "api/gateway/proxied_head.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::api {
namespace {

net::RequestHead head_with(std::vector<std::pair<std::string, std::string>> fields) {
  net::RequestHead head{.method = "GET", .target = "/", .peer_address = "127.0.0.1"};
  head.headers.add("Host", "ses-a.localhost:7070");
  for (auto& [name, value] : fields) head.headers.add(std::move(name), std::move(value));
  return head;
}

TEST(ProxiedHead, OurSecrets_StayHere) {
  const auto out = upstream_headers(head_with({{"Authorization", "bearer slwt_secret"},
                                               {"Cookie", "slipway-ses-a=x; a=1"},
                                               {"Cookie", "__Host-slipway-ses-b=y"}}),
                                    {});
  EXPECT_FALSE(out.get("Authorization"));
  EXPECT_EQ(out.get("Cookie"), "a=1");
  for (const auto& [name, value] : out.fields()) {
    EXPECT_EQ(value.find("slw"), std::string::npos) << name;
    EXPECT_EQ(value.find("slipway"), std::string::npos) << name;
  }
}

TEST(ProxiedHead, AppsOwnAuthorization_PassesUnlessTheAppHasAToken) {
  const auto head = head_with({{"Authorization", "token of-the-app"}});
  EXPECT_EQ(upstream_headers(head, {}).get("Authorization"), "token of-the-app");
  const auto out =
      upstream_headers(head, {.auth = {.header = "authorization", .value = "token {token}"}, .app_token = "t0k"});
  EXPECT_EQ(out.get("Authorization"), "token t0k");
  EXPECT_EQ(std::ranges::count_if(out.fields(), [](const auto& field) { return field.second.contains("of-the-app"); }),
            0);
}

TEST(ProxiedHead, WhatIsSaidAboutProxies_IsOurs) {
  const auto out = upstream_headers(head_with({{"X-Forwarded-For", "1.2.3.4"},
                                               {"x-forwarded-proto", "https"},
                                               {"X-Forwarded-Host", "evil"},
                                               {"X-Real-IP", "1.2.3.4"},
                                               {"Forwarded", "for=1.2.3.4"}}),
                                    {});
  EXPECT_EQ(out.get("Host"), "ses-a.localhost:7070");
  EXPECT_EQ(out.get("X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(out.get("X-Forwarded-Proto"), "http");
  EXPECT_EQ(out.get("X-Forwarded-Host"), "ses-a.localhost:7070");
  EXPECT_FALSE(out.get("X-Real-IP"));
  EXPECT_FALSE(out.get("Forwarded"));
  EXPECT_EQ(upstream_headers(head_with({}), {.tls = true}).get("X-Forwarded-Proto"), "https");
}

TEST(ProxiedHead, HopByHopFields_EndHere) {
  const auto out = upstream_headers(head_with({{"Connection", "keep-alive, X-Mine"},
                                               {"X-Mine", "1"},
                                               {"Transfer-Encoding", "chunked"},
                                               {"Content-Length", "5"},
                                               {"Sec-WebSocket-Key", "k"}}),
                                    {});
  for (const char* name : {"Connection", "X-Mine", "Transfer-Encoding", "Content-Length"})
    EXPECT_FALSE(out.get(name)) << name;
  EXPECT_EQ(out.get("Sec-WebSocket-Key"), "k");
}

TEST(ProxiedHead, Answer_ReachesNoOtherSession) {
  net::Headers headers;
  headers.add("Set-Cookie", "a=1; Domain=localhost");
  headers.add("Set-Cookie", "slipway-ses-a=forged");
  headers.add("Clear-Site-Data", "\"cookies\"");
  headers.add("Alt-Svc", "h2=\"evil:443\"");
  headers.add("X-App", "stays");
  confine_answer(headers);
  EXPECT_EQ(headers.get("Set-Cookie"), "a=1");
  EXPECT_FALSE(headers.get("Clear-Site-Data"));
  EXPECT_FALSE(headers.get("Alt-Svc"));
  EXPECT_EQ(headers.get("X-App"), "stays");
  EXPECT_EQ(headers.get("Referrer-Policy"), "same-origin");
  EXPECT_EQ(headers.get("Cross-Origin-Resource-Policy"), "same-origin");
}

TEST(ProxiedHead, AppsOwnPolicy_Stays) {
  net::Headers headers;
  headers.add("referrer-policy", "no-referrer");
  confine_answer(headers);
  EXPECT_EQ(headers.get("Referrer-Policy"), "no-referrer");
}

TEST(ProxiedHead, OnlyWhatChangesNothing_MayBeRepeated) {
  EXPECT_TRUE(may_repeat(head_with({})));
  EXPECT_FALSE(may_repeat(head_with({{"Transfer-Encoding", "chunked"}})));
  EXPECT_FALSE(may_repeat(head_with({{"Upgrade", "websocket"}})));
  auto post = head_with({});
  post.method = "POST";
  EXPECT_FALSE(may_repeat(post));
  auto body = head_with({});
  body.content_length = 1;
  EXPECT_FALSE(may_repeat(body));
}

}  // namespace
}  // namespace slipway::api
