#include "net/tls.hpp"

#include <gtest/gtest.h>

#include "base/digest.hpp"
#include "net/http_client.hpp"
#include "net/test_support.hpp"

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

WallTime now() { return SystemClock().now().wall; }

struct Material {
  CertificateAuthority authority;
  ServerCertificate server;
  PinnedAuthority pin;
};

Material make_material(WallTime issued = now(), Duration valid = 24h) {
  auto authority = make_authority("test authority", issued);
  auto server = issue_server_certificate(*authority, {"controller.example", "127.0.0.1", "::1"}, issued, valid);
  auto pin = fingerprint(authority->certificate_pem);
  return {.authority = *authority, .server = *server, .pin = {.fingerprint_hex = *pin}};
}

Result<Response> get(TestServer& server, const PinnedAuthority& pin, const std::string& host = "127.0.0.1") {
  std::promise<Result<Response>> promise;
  server.loop().post([&] {
    request(server.loop(), {.unix_path = {}, .host = host, .port = server.port(), .tls = pin}, {.timeout = 10s},
            [&](Result<Response> response) { promise.set_value(std::move(response)); });
  });
  return promise.get_future().get();
}

ListenOptions listen_with(const ServerCertificate& certificate) {
  ListenOptions options;
  options.tls = certificate;
  return options;
}

void say_hello(std::shared_ptr<Exchange> exchange) { exchange->respond(text_response("hello")); }

TEST(Tls, Fingerprint_IsStableHexAndOfTheFirstCertificate) {
  const Material material = make_material();
  EXPECT_TRUE(is_sha256_hex(material.pin.fingerprint_hex));
  EXPECT_EQ(*fingerprint(material.authority.certificate_pem), material.pin.fingerprint_hex);
  EXPECT_NE(*fingerprint(material.server.chain_pem), material.pin.fingerprint_hex);
  EXPECT_EQ(fingerprint("no certificate").error().code, Code::InvalidInput);
}

TEST(Tls, CertificateExpiry_IsTheOneAskedFor) {
  const WallTime issued = std::chrono::floor<std::chrono::seconds>(now());
  const Material material = make_material(issued, 48h);
  EXPECT_EQ(*certificate_expiry(material.server.chain_pem), issued + 48h);
  EXPECT_GT(*certificate_expiry(material.authority.certificate_pem), issued + std::chrono::days(3650));
}

TEST(Tls, IssueServerCertificate_WithANameThatCouldAddNames_IsInvalidInput) {
  const Material material = make_material();
  for (const char* name : {"", "a,DNS:evil", "a b", "host\n", "10.0.0.1,IP:10.0.0.2"}) {
    const auto issued = issue_server_certificate(material.authority, {name}, now(), 1h);
    ASSERT_FALSE(issued) << name;
    EXPECT_EQ(issued.error().code, Code::InvalidInput);
  }
  EXPECT_FALSE(issue_server_certificate(material.authority, {}, now(), 1h));
}

TEST(Tls, PinnedAuthority_OfTheServer_IsTrustedUnderAnyName) {
  const Material material = make_material();
  TestServer server(say_hello, listen_with(material.server));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto response = get(server, material.pin, host);
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->body, "hello");
  }
}

TEST(Tls, AnotherAuthority_IsDenied) {
  const Material material = make_material();
  const Material other = make_material();
  TestServer server(say_hello, listen_with(material.server));
  const auto response = get(server, other.pin);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::Denied);
  EXPECT_TRUE(response.error().message.contains("pinned certificate authority")) << response.error().message;
}

TEST(Tls, ChainThatOnlyCarriesThePinnedAuthority_IsDenied) {
  const Material material = make_material();
  const Material impostor = make_material();
  // The impostor's own certificate, followed by the authority's, which is public.
  ServerCertificate mixed = impostor.server;
  mixed.chain_pem =
      mixed.chain_pem.substr(0, mixed.chain_pem.find("-----BEGIN", 1)) + material.authority.certificate_pem;
  TestServer server(say_hello, listen_with(mixed));
  const auto response = get(server, material.pin);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::Denied);
}

TEST(Tls, ExpiredOrFutureCertificate_IsDenied) {
  for (const WallTime issued : {now() - 24h * 365, now() + 24h}) {
    const Material material = make_material(issued, 1h);
    TestServer server(say_hello, listen_with(material.server));
    const auto response = get(server, material.pin);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Denied);
    EXPECT_TRUE(response.error().message.contains("not valid")) << response.error().message;
  }
}

TEST(Tls, ReplaceCertificate_IsUsedByTheNextConnection) {
  const Material first = make_material();
  const Material second = make_material();
  TestServer server(say_hello, listen_with(first.server));
  ASSERT_TRUE(get(server, first.pin));
  EXPECT_TRUE(server.thread().run([&] { return server.server().replace_certificate(second.server); }));
  EXPECT_FALSE(get(server, first.pin));
  EXPECT_TRUE(get(server, second.pin));
  ServerCertificate broken = first.server;
  broken.key_pem = second.server.key_pem;
  EXPECT_FALSE(server.thread().run([&] { return server.server().replace_certificate(broken); }));
}

TEST(Tls, PinThatIsNoFingerprint_IsInvalidInput) {
  const Material material = make_material();
  TestServer server(say_hello, listen_with(material.server));
  const auto response = get(server, {.fingerprint_hex = "abc"});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::InvalidInput);
}

TEST(Tls, PlainHttpOnATlsPort_IsClosedAndTheServerGoesOn) {
  const Material material = make_material();
  TestServer server(say_hello, listen_with(material.server));
  RawSocket client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(client.read_all().contains("HTTP/1.1 200"));
  EXPECT_TRUE(get(server, material.pin));
}

TEST(Tls, LargeBody_ArrivesWhole) {
  const Material material = make_material();
  std::string big;
  for (int i = 0; i < 700000; ++i) big += fmt::format("{:07}\n", i);
  TestServer server([&](std::shared_ptr<Exchange> exchange) { exchange->respond(text_response(big)); },
                    listen_with(material.server));
  const auto response = get(server, material.pin);
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_TRUE(response->body == big);
}

}  // namespace
}  // namespace slipway::net
