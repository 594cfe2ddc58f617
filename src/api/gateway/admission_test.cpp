#include "api/gateway/admission.hpp"

#include <gtest/gtest.h>

namespace slipway::api {
namespace {

constexpr const char* kOwn = "http://ses-a.localhost:7070";
constexpr const char* kSister = "http://ses-b.localhost:7070";

struct Case {
  const char* what;
  RequestFacts facts;
  int status;
};

RequestFacts of(const char* method, std::optional<std::string> origin = {}, std::optional<std::string> site = {},
                std::optional<std::string> mode = {}, std::optional<std::string> dest = {}) {
  return {.method = method,
          .own_origin = kOwn,
          .origin = std::move(origin),
          .fetch_site = std::move(site),
          .fetch_mode = std::move(mode),
          .fetch_dest = std::move(dest)};
}

RequestFacts socket(RequestFacts facts) {
  facts.upgrade = true;
  return facts;
}

RequestFacts with_token(RequestFacts facts) {
  facts.by_token = true;
  return facts;
}

TEST(Admission, Table) {
  const Case table[] = {
      {"typed address", of("GET", {}, "none", "navigate", "document"), 0},
      {"link in a mail or on another site", of("GET", {}, "cross-site", "navigate", "document"), 0},
      {"link on another session's page", of("GET", {}, "same-site", "navigate", "document"), 0},
      {"own script, style, fetch", of("GET", {}, "same-origin", "cors", "empty"), 0},
      {"own fetch with Origin", of("GET", kOwn, "same-origin", "cors", "empty"), 0},
      {"own POST", of("POST", kOwn, "same-origin", "cors", "empty"), 0},
      {"own WebSocket", socket(of("GET", kOwn, "same-origin", "websocket", "empty")), 0},
      {"a browser that knows no Sec-Fetch", of("GET"), 0},
      {"its own POST", of("POST", kOwn), 0},
      {"HEAD and OPTIONS without Origin", of("HEAD"), 0},

      {"fetch by another session", of("GET", kSister, "same-site", "cors", "empty"), 403},
      {"fetch no-cors by another session", of("GET", {}, "same-site", "no-cors", "empty"), 403},
      {"script tag on another session's page", of("GET", {}, "same-site", "no-cors", "script"), 403},
      {"image on another site", of("GET", {}, "cross-site", "no-cors", "image"), 403},
      {"frame on another session's page", of("GET", {}, "same-site", "navigate", "iframe"), 403},
      {"embedded object", of("GET", {}, "same-site", "navigate", "object"), 403},
      {"form posted by another session", of("POST", kSister, "same-site", "navigate", "document"), 403},
      {"the same without Sec-Fetch", of("POST", kSister), 403},
      {"HEAD that claims to navigate", of("HEAD", {}, "same-site", "navigate", "document"), 403},
      {"preflight of another session", of("OPTIONS", kSister, "same-site", "cors", "empty"), 403},
      {"WebSocket of another session", socket(of("GET", kSister, "same-site", "websocket", "empty")), 403},
      {"the same without Sec-Fetch", socket(of("GET", kSister)), 403},
      {"WebSocket that claims to navigate", socket(of("GET", {}, "same-site", "navigate", "document")), 403},
      {"WebSocket without Origin", socket(of("GET")), 403},
      {"POST without Origin", of("POST"), 403},
      {"DELETE without Origin", of("DELETE", {}, "same-origin", "cors", "empty"), 403},
      {"unknown method without Origin", of("BREW"), 403},
      {"method in small letters", of("get", {}, "same-origin"), 403},
      {"Origin null of a sandboxed frame", of("POST", "null", "cross-site", "cors", "empty"), 403},
      {"GET with Origin null", of("GET", "null"), 403},
      {"empty Origin", of("POST", ""), 403},
      {"other port", of("POST", "http://ses-a.localhost:7071"), 403},
      {"other scheme", of("POST", "https://ses-a.localhost:7070"), 403},
      {"name that only begins so", of("POST", "http://ses-a.localhost:7070.evil.example"), 403},
      {"unknown Sec-Fetch-Site", of("GET", {}, "elsewhere", "cors", "empty"), 403},

      {"API token: no browser adds it by itself", with_token(of("POST")), 0},
      {"API token over a WebSocket", with_token(socket(of("GET"))), 0},
  };
  for (const auto& one : table) {
    const auto decided = admission(one.facts);
    EXPECT_EQ(decided.status, one.status) << one.what;
    EXPECT_EQ(decided.reason.empty(), one.status == 0) << one.what;
  }
}

TEST(Admission, FieldThatCameTwice_IsRefused) {
  for (const char* field : {"Origin", "Host", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"}) {
    net::RequestHead head{.method = "GET", .target = "/"};
    head.headers.add(field, "one");
    head.headers.add(field, "two");
    EXPECT_EQ(admission(facts_of(head, kOwn, false)).status, 400) << field;
  }
}

TEST(Admission, Facts_AreReadFromTheHead) {
  net::RequestHead head{.method = "GET", .target = "/"};
  head.headers.add("origin", kOwn);
  head.headers.add("Upgrade", "websocket");
  head.headers.add("sec-fetch-site", "same-origin");
  head.headers.add("Sec-Fetch-Mode", "websocket");
  head.headers.add("Sec-Fetch-Dest", "empty");
  const auto facts = facts_of(head, kOwn, false);
  EXPECT_TRUE(facts.upgrade);
  EXPECT_EQ(facts.origin, kOwn);
  EXPECT_EQ(facts.fetch_site, "same-origin");
  EXPECT_EQ(facts.fetch_mode, "websocket");
  EXPECT_EQ(facts.fetch_dest, "empty");
  EXPECT_FALSE(facts.has_repeated);
}

TEST(Admission, OriginOfHost_IsWrittenAsABrowserDoes) {
  EXPECT_EQ(origin_of_host("Ses-A.localhost:7070", false), kOwn);
  EXPECT_EQ(origin_of_host("ses-a.example.org:80", false), "http://ses-a.example.org");
  EXPECT_EQ(origin_of_host("ses-a.example.org:443", true), "https://ses-a.example.org");
  EXPECT_EQ(origin_of_host("ses-a.example.org", true), "https://ses-a.example.org");
  EXPECT_EQ(origin_of_host("ses-a.example.org:443", false), "http://ses-a.example.org:443");
}

}  // namespace
}  // namespace slipway::api
