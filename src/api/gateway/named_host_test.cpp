#include "api/gateway/named_host.hpp"

#include <gtest/gtest.h>

namespace slipway::api {
namespace {

constexpr const char* kSession = "ses-00000000000000000001";

TEST(NamedHost, Table) {
  const SessionOrigin local{.base_domain = "localhost", .port = 7070};
  const SessionOrigin named{.base_domain = "slip.example.org", .port = 7070};
  struct Case {
    const SessionOrigin& origin;
    std::string host;
    HostKind kind;
    bool session;
  };
  const std::string session = kSession;
  const Case table[] = {
      {local, "127.0.0.1:7070", HostKind::People, false},
      {local, "127.9.8.7", HostKind::People, false},
      {local, "[::1]:7070", HostKind::People, false},
      {local, "localhost:7070", HostKind::People, false},
      {local, "LOCALHOST", HostKind::People, false},
      {local, "10.1.2.3:7070", HostKind::People, false},  // what it listens on
      {local, session + ".localhost:7070", HostKind::Session, true},
      {local, "SES-00000000000000000001.Localhost", HostKind::Session, true},
      {local, "nothing.localhost", HostKind::Session, false},
      {local, "a." + session + ".localhost", HostKind::Session, false},
      {local, "evil.example", HostKind::Foreign, false},
      {local, "localhost.evil.example", HostKind::Foreign, false},
      {local, "127.0.0.1.evil.example", HostKind::Foreign, false},
      {local, session + ".evil.example", HostKind::Foreign, false},
      {local, "evillocalhost", HostKind::Foreign, false},
      {local, "10.1.2.4", HostKind::Foreign, false},
      {local, "[::1", HostKind::People, false},
      {local, "", HostKind::Foreign, false},
      {local, "@", HostKind::Foreign, false},
      {named, "slip.example.org", HostKind::People, false},
      {named, "127.0.0.1", HostKind::People, false},
      {named, session + ".slip.example.org", HostKind::Session, true},
      {named, session + ".localhost", HostKind::Foreign, false},
      {named, "example.org", HostKind::Foreign, false},
  };
  for (const auto& one : table) {
    const auto named_as = named_host(one.origin, "10.1.2.3", one.host);
    EXPECT_EQ(named_as.kind, one.kind) << one.host;
    EXPECT_EQ(named_as.session.has_value(), one.session) << one.host;
  }
}

TEST(NamedHost, WithoutHost_IsTheApi) { EXPECT_EQ(named_host({}, "127.0.0.1", std::nullopt).kind, HostKind::People); }

}  // namespace
}  // namespace slipway::api
