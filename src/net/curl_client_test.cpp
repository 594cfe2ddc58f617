#include "net/curl_client.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "net/test_support.hpp"

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

void describe(std::shared_ptr<Exchange> exchange) {
  exchange->read_body(100 << 20, [exchange](Result<std::string> body) {
    const RequestHead& head = exchange->head();
    Response response = text_response(fmt::format("{} {} {}", head.method, head.target, body ? *body : "broken"));
    for (const auto& [name, value] : head.headers.fields()) response.headers.add("Got-" + name, value);
    exchange->respond(std::move(response));
  });
}

TEST(CurlClient, Request_SendsMethodHeadersAndBody) {
  TestServer server(describe);
  CurlClient client;
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH"}) {
    CurlRequest request{
        .method = method, .url = server.url("/x?y"), .body = method == std::string("GET") ? "" : "bytes"};
    request.headers.add("X-Thing", "a b");
    const auto response = client.request(request);
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->body, fmt::format("{} /x?y {}", method, request.body));
    EXPECT_EQ(response->headers.get("got-x-thing"), "a b");
    EXPECT_FALSE(response->headers.get("got-expect"));
  }
}

TEST(CurlClient, Request_KeepsItsConnection) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    exchange->respond(text_response(std::to_string(exchange->head().peer_port)));
  });
  CurlClient client;
  const auto first = client.request({.url = server.url("/")});
  const auto second = client.request({.url = server.url("/")});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->body, second->body);
}

TEST(CurlClient, AnyStatus_IsAResult) {
  TestServer server([](std::shared_ptr<Exchange> exchange) { exchange->respond(text_response("no", 404)); });
  CurlClient client;
  std::string streamed;
  const auto response = client.request({.url = server.url("/"), .on_bytes = [&](std::string_view bytes) {
                                          streamed += bytes;
                                          return true;
                                        }});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "no");
  EXPECT_EQ(streamed, "");
}

TEST(CurlClient, Head_GivesHeadersWithoutWaitingForABody) {
  TestServer server([](std::shared_ptr<Exchange> exchange) { exchange->respond(text_response("12345")); });
  CurlClient client;
  const auto response = client.request({.method = "HEAD", .url = server.url("/")});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->headers.get("content-length"), "5");
}

TEST(CurlClient, BodyFile_IsUploadedWhole) {
  const TestDirectory directory;
  const std::string content(5 << 20, 'f');
  std::ofstream(directory / "file") << content;
  TestServer server(describe);
  CurlClient client;
  const auto response = client.request({.method = "PUT", .url = server.url("/f"), .body_file = directory / "file"});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "PUT /f " + content);
  EXPECT_EQ(response->headers.get("got-content-length"), std::to_string(content.size()));
  const auto missing = client.request({.method = "PUT", .url = server.url("/f"), .body_file = directory / "no"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::NotFound);
}

TEST(CurlClient, UnixSocket_IsUsedWhateverTheHost) {
  const TestDirectory directory;
  TestServer server(describe, {.unix_path = directory / "socket"});
  CurlClient client;
  const auto response = client.request({.url = "http://slipway/u", .unix_path = directory / "socket"});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "GET /u ");
}

TEST(CurlClient, OnBytes_StreamsAndMayStop) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {});
    exchange->write("first", {});
    exchange->on_gone([exchange] {});
  });
  CurlClient client;
  std::string got;
  const auto response = client.request({.url = server.url("/"), .on_bytes = [&](std::string_view bytes) {
                                          got += bytes;
                                          return false;
                                        }});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::Cancelled);
  EXPECT_EQ(got, "first");
}

TEST(CurlClient, Cancelled_EndsAWaitingCall) {
  TestServer server([](std::shared_ptr<Exchange> exchange) { exchange->on_gone([exchange] {}); });
  CurlClient client;
  const auto response = client.request({.url = server.url("/"), .cancelled = [] { return true; }});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::Cancelled);
}

TEST(CurlClient, Timeout_EndsAWaitingCall) {
  TestServer server([](std::shared_ptr<Exchange> exchange) { exchange->on_gone([exchange] {}); });
  CurlClient client;
  const auto whole = client.request({.url = server.url("/"), .timeout = 100ms});
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code, Code::Timeout);
  const auto stalled = client.request({.url = server.url("/"), .timeout = 0ms, .stall_timeout = 1s});
  ASSERT_FALSE(stalled);
  EXPECT_EQ(stalled.error().code, Code::Timeout);
}

TEST(CurlClient, NobodyThere_IsUnreachable) {
  std::uint16_t port = 0;
  {
    const auto taken = listen_tcp("127.0.0.1", 0);
    port = local_port(taken->get());
  }
  CurlClient client;
  const auto response = client.request({.url = fmt::format("http://127.0.0.1:{}/", port)});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::Unreachable);
  EXPECT_TRUE(response.error().message.contains(std::to_string(port)));
  EXPECT_EQ(client.request({.url = "ftp://127.0.0.1/"}).error().code, Code::InvalidInput);
}

TEST(CurlClient, Sign_AddsASignatureAndKeepsTheSecretOut) {
  TestServer server(describe);
  CurlClient client;
  const auto response = client.request({.method = "POST",
                                        .url = server.url("/"),
                                        .body = "Action=DescribeInstances",
                                        .sign = AwsCredentials{.access_key_id = "AKIDEXAMPLE",
                                                               .secret_access_key = "very-secret",
                                                               .session_token = "token",
                                                               .region = "eu-central-1",
                                                               .service = "ec2"}});
  ASSERT_TRUE(response) << response.error().text();
  const std::string signature(response->headers.get("got-authorization").value_or(""));
  EXPECT_TRUE(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")) << signature;
  EXPECT_TRUE(signature.contains("/eu-central-1/ec2/aws4_request"));
  EXPECT_TRUE(response->headers.get("got-x-amz-date"));
  // Every field that is named as signed was sent.
  for (const char* absent : {"expect", "content-type"}) {
    if (!signature.contains(absent)) continue;
    EXPECT_TRUE(response->headers.get(fmt::format("got-{}", absent))) << signature;
  }
  EXPECT_EQ(response->headers.get("got-x-amz-security-token"), "token");
  for (const auto& [name, value] : response->headers.fields()) EXPECT_FALSE(value.contains("very-secret")) << name;
}

TEST(CurlClient, Environment_HasNoInfluence) {
  for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"}) {
    setenv(name, "http://127.0.0.1:1", 1);
  }
  setenv("CURL_CA_BUNDLE", "/nowhere", 1);
  setenv("SSL_CERT_FILE", "/nowhere", 1);
  TestServer server(describe);
  CurlClient client;
  const auto response = client.request({.url = server.url("/direct")});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "GET /direct ");
}

}  // namespace
}  // namespace slipway::net
